import { randomBytes } from 'node:crypto';
import { storeIdentity } from '../domain/auth/google.ts';
import type { HashParameters } from '../domain/auth/password.ts';
import { findAccount, provePassword, signIn } from '../domain/auth/sign-in.ts';
import { InvalidCredentialsError } from '../domain/errors.ts';
import { inScope } from '../prisma/client.ts';
import { askFor, mutate, tally } from '../test/ask.ts';
import { expect, type GraphQLAnswer, type Person, startTestApi, type TestApi, testHashing } from '../test/fixtures.ts';
import { test } from '../test/mails.ts';
import { connect } from '../test/sql.ts';
import { codeAt, setUpTotp } from '../test/totp.ts';

const minuteMs = 60_000;
const newPassword = 'gentil vento azul';

const refused = '... on UserError { code message } ... on InvalidInputError { fields { path message } }';
type Api = Pick<TestApi, 'graphql'>;
type Answer = Promise<GraphQLAnswer['data']>;

const request = (api: Api, email: string): Answer =>
  askFor(api, 'passwordResetRequest', { email }, '... on PasswordResetRequested { at } ... on UserError { code }');
const reset = (api: Api, token: string, password = newPassword): Answer =>
  askFor(api, 'passwordReset', { token, password }, refused);
const signInAs = (api: Api, email: string, password: string): Answer =>
  askFor(api, 'signIn', { email, password }, '... on Session { accessToken refreshToken } ... on UserError { code }');
const isSignedIn = async (api: TestApi, accessToken: string) =>
  (await api.graphql('{ viewer { role } }', {}, accessToken)).data['viewer'] !== null;

test('who lost the password chooses another one by the mailed link, and every session ends', async ({
  api,
  shop,
  mails,
  database,
}) => {
  const other = await signInAs(api, shop.email, shop.password);
  expect(await request(api, shop.email.toUpperCase())).toMatchObject({ __typename: 'PasswordResetRequested' });
  const token = await mails.newestToken(shop.email);
  expect(await reset(api, token)).toMatchObject({ __typename: 'PasswordWasReset' });

  for (const accessToken of [shop.accessToken, other['accessToken']])
    expect(await isSignedIn(api, accessToken)).toBe(false);
  expect(await signInAs(api, shop.email, shop.password)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  expect(await signInAs(api, shop.email, newPassword)).toMatchObject({ __typename: 'Session' });
  expect(await mails.newest(shop.email)).toMatchObject({ subject: 'Sua senha foi redefinida' });
  await using superuser = await connect(database.superuserUrl);
  expect(
    await superuser.sql`select tenant_id as "tenantId", actor_type as type, target_id as "targetId", after
      from audit_entries where action = 'password.reset'`,
  ).toEqual([{ tenantId: shop.tenantId, type: 'SYSTEM', targetId: shop.userId, after: { ended: 2 } }]);
  const [user] = await superuser.sql<{
    verified: boolean;
  }>`select email_verified_at is not null as verified from users`;
  expect(user).toEqual({ verified: true }); // whoever read the mail has the address
});

test('a reset link works once, also at the same moment, for 30 minutes, and only the newest one', async ({
  api,
  shop,
  mails,
  clock,
}) => {
  await mutate(shop, 'tenantUpdate', { name: 'Loja Girassol' });
  await request(api, shop.email);
  const first = await mails.newestToken(shop.email);
  await request(api, shop.email);
  const second = await mails.newestToken(shop.email);
  expect(second).not.toBe(first);
  expect(await reset(api, first)).toMatchObject({ code: 'LINK_INVALID' });
  for (const weak of ['short', 'girassol2026'])
    // too short, and the name of the business
    expect(await reset(api, second, weak), weak).toMatchObject({ fields: [{ path: 'password' }] });
  clock.advance(29 * minuteMs);
  const answers = await Promise.all(Array.from({ length: 5 }, () => reset(api, second)));
  expect(answers.map(({ __typename }) => String(__typename)).sort()).toEqual([
    ...Array.from({ length: 4 }, () => 'LinkInvalidError'),
    'PasswordWasReset',
  ]);
  await request(api, shop.email);
  const third = await mails.newestToken(shop.email);
  clock.advance(31 * minuteMs);
  expect(await reset(api, third)).toMatchObject({ code: 'LINK_INVALID' });
  expect(await signInAs(api, shop.email, newPassword)).toMatchObject({ __typename: 'Session' });
});

test('a reset that is asked for with an address that nobody has is answered the same, and sends nothing', async ({
  api,
  shop,
  mails,
  database,
}) => {
  await mails.deliver();
  await using superuser = await connect(database.superuserUrl);
  const queued = () =>
    superuser.sql`select payload::jsonb - 'mailId' #- '{mail,userId}' #- '{mail,requestedAt}' as payload
      from graphile_worker._private_jobs`;
  const known = await request(api, shop.email);
  const [job] = await queued();
  await superuser.sql`delete from graphile_worker._private_jobs`;
  const unknown = await request(api, 'nobody@example.com');
  expect(Object.keys(unknown)).toEqual(Object.keys(known));
  expect(unknown['__typename']).toBe(known['__typename']);
  expect(await queued()).toEqual([job]); // the same work, too
  const before = mails.mails.length;
  expect(await mails.deliver()).toEqual([]);
  expect(mails.mails.length).toBe(before);
  expect(await request(api, '')).toMatchObject({ __typename: 'PasswordResetRequested' });
});

test('a link for one thing, of somebody else or made up opens nothing', async ({ api, signUp, mails }) => {
  const [ana, bea] = [await signUp(), await signUp()];
  await mails.deliver();
  const verification = await mails.newestToken(ana.email);
  await request(api, bea.email);
  const theirs = Buffer.from(await mails.newestToken(bea.email), 'base64url');
  const swapped = Buffer.concat([Buffer.from(verification, 'base64url').subarray(0, 32), theirs.subarray(32)]);
  for (const token of ['', 'x', verification, swapped.toString('base64url'), randomBytes(64).toString('base64url')])
    expect(await reset(api, token)).toMatchObject({ __typename: 'LinkInvalidError', code: 'LINK_INVALID' });
});

test('whoever knows the password changes it: the other sessions end, and the person is told', async ({
  api,
  shop,
  mails,
  database,
}) => {
  const other = await signInAs(api, shop.email, shop.password);
  await request(api, shop.email);
  const link = await mails.newestToken(shop.email);
  const input = { currentPassword: shop.password, newPassword, idempotencyKey: 'once' };
  expect(await mutate(shop, 'passwordChange', input)).toMatchObject({ __typename: 'PasswordChanged' });
  expect(await isSignedIn(api, shop.accessToken)).toBe(true);
  expect(await isSignedIn(api, other['accessToken'])).toBe(false);
  expect(await mails.newest(shop.email)).toMatchObject({ subject: 'Sua senha foi alterada' });
  expect(await reset(api, link)).toMatchObject({ code: 'LINK_INVALID' });
  expect(await mutate(shop, 'passwordChange', input)).toMatchObject({ __typename: 'PasswordChanged' }); // a replay
  expect(await signInAs(api, shop.email, newPassword)).toMatchObject({ __typename: 'Session' });
  await using superuser = await connect(database.superuserUrl);
  expect(
    await superuser.sql`select actor_id as "actorId", after from audit_entries where action = 'password.change'`,
  ).toEqual([{ actorId: shop.userId, after: { ended: 1 } }]);
});

test('a sign-in that was under way with the old password ends with it, and does not bring it back', async ({
  api,
  db,
  shop,
  clock,
}) => {
  const { tenantId, userId, email, password } = shop;
  const account = await inScope(db, {}, (tx) => findAccount(tx, email));
  const presence = { origin: null, fingerprint: null, serverSecrets: [randomBytes(32)] };
  const begin = async (given: string, hashing: HashParameters) => {
    const proven = await provePassword(account, given, hashing);
    return () => inScope(db, { tenantId, userId }, (tx) => signIn(tx, proven, presence, clock.now()));
  };
  const raised = { ...testHashing, time: 3 };
  const [first, second] = [await begin(password, raised), await begin(password, raised)];
  await expect(first()).resolves.toHaveProperty('refreshToken');
  await expect(second(), 'hashed anew in between, and still the same').resolves.toHaveProperty('refreshToken');
  const underWay = [await begin(password, testHashing), await begin(password, { ...testHashing, time: 4 })];
  await mutate(shop, 'passwordChange', { currentPassword: password, newPassword });
  for (const goOn of underWay) await expect(goOn()).rejects.toBeInstanceOf(InvalidCredentialsError);
  expect(await signInAs(api, email, newPassword)).toMatchObject({ __typename: 'Session' });
});

test('of two changes at the same moment one is made', async ({ api, shop, database }) => {
  await using superuser = await connect(database.superuserUrl);
  await using holder = await connect(database.superuserUrl);
  await holder.sql`begin`;
  await holder.sql`select from user_passwords for update`; // neither can write before both have looked
  const passwords = [`${newPassword} 1`, `${newPassword} 2`];
  const underWay = passwords.map((given) =>
    mutate(shop, 'passwordChange', { currentPassword: shop.password, newPassword: given }),
  );
  const waiting = () =>
    superuser.sql`select from pg_stat_activity where datname = ${database.name} and wait_event_type = 'Lock'`;
  await expect.poll(waiting, { timeout: 20_000 }).toHaveLength(2);
  await holder.sql`commit`;
  const answers = await Promise.all(underWay);
  expect(tally(answers)).toEqual({ PasswordChanged: 1, ConflictError: 1 });
  const made = passwords[answers.findIndex(({ __typename: type }) => type === 'PasswordChanged')] ?? '';
  expect(await signInAs(api, shop.email, made)).toMatchObject({ __typename: 'Session' });
});

test('where there is an authenticator app, the password alone does not change it; a second step of the old one is over', async ({
  api,
  shop,
  clock,
}) => {
  const { secret, recoveryCodes } = await setUpTotp(shop, clock);
  clock.advance(6 * minuteMs);
  const change = () => mutate(shop, 'passwordChange', { currentPassword: shop.password, newPassword });
  expect(await change()).toMatchObject({ code: 'CONFIRMATION_REQUIRED' });
  const { email, password } = shop;
  const asked = await askFor(api, 'signIn', { email, password }, '... on SecondFactorRequiredError { challenge }');
  await mutate(shop, 'sessionConfirm', { code: codeAt(secret, clock.now()) });
  expect(await change()).toMatchObject({ __typename: 'PasswordChanged' });
  const second = { challenge: asked['challenge'], recoveryCode: recoveryCodes[0] };
  expect(await askFor(api, 'signInConfirm', second)).toMatchObject({ __typename: 'ChallengeEndedError' });
});

test('who resets the password of an account whose address nobody had proven does not share it with who made it', async ({
  api,
  db,
  shop,
  signUp,
  mails,
}) => {
  const link = async ({ userId }: Person) => {
    const identity = { issuer: 'https://accounts.example', subject: userId };
    await inScope(db, { userId }, (tx) => storeIdentity(tx, userId, identity, new Date()));
  };
  const linked = async (email: string) => {
    const session = await signInAs(api, email, newPassword);
    const { data } = await api.graphql('{ viewer { user { googleLinkedAt } } }', {}, session['accessToken']);
    return data['viewer'].user.googleLinkedAt !== null;
  };
  const proven = await signUp();
  await askFor(api, 'emailVerify', { token: await mails.newestToken(proven.email) });
  for (const person of [shop, proven]) {
    await link(person);
    await request(api, person.email);
    await reset(api, await mails.newestToken(person.email));
  }
  expect(await linked(shop.email)).toBe(false);
  expect(await linked(proven.email)).toBe(true);
});

test('a password is not changed without the current one, nor to one that is guessed first', async ({ shop }) => {
  const change = (input: object) =>
    mutate(shop, 'passwordChange', { currentPassword: shop.password, newPassword, ...input });
  expect(await change({ currentPassword: 'not it at all' })).toMatchObject({ fields: [{ path: 'currentPassword' }] });
  for (const weak of ['password1', 'parley2026', shop.email.split('@')[0]])
    expect(await change({ newPassword: weak })).toMatchObject({ fields: [{ path: 'newPassword' }] });
  expect(await change({})).toMatchObject({ __typename: 'PasswordChanged' });
});

test('what a person did to the account stands in the log of each of their tenants, and in no other', async ({
  api,
  signUp,
  database,
}) => {
  const [shop, second, third] = [await signUp(), await signUp(), await signUp()];
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`insert into memberships (tenant_id, user_id, role) values (${second.tenantId}, ${shop.userId}, 'SELLER')`;
  await mutate(shop, 'passwordChange', { currentPassword: shop.password, newPassword });
  const entries = await superuser.sql<{ tenantId: string }>`
    select tenant_id as "tenantId" from audit_entries where action = 'password.change'`;
  expect(entries.map(({ tenantId }) => tenantId).sort()).toEqual([shop.tenantId, second.tenantId].sort());
  expect(entries).not.toContainEqual({ tenantId: third.tenantId });
  expect(api.logLines.join('')).not.toContain(shop.password);
});

test('neither an idempotency key nor anything else keeps a password as a quick hash', async ({ shop, database }) => {
  const { createHash } = await import('node:crypto');
  await mutate(shop, 'passwordChange', { currentPassword: shop.password, newPassword, idempotencyKey: 'once' });
  await using superuser = await connect(database.superuserUrl);
  const [row] = await superuser.sql<{ hash: string }>`select encode(input_hash, 'hex') as hash from idempotency_keys`;
  const forms = [
    { currentPassword: shop.password, newPassword },
    { newPassword, currentPassword: shop.password },
  ];
  for (const form of forms) expect(row?.hash).not.toBe(createHash('sha256').update(JSON.stringify(form)).digest('hex'));
});

test('where mails are off, whoever needs one is told', async ({ db, keys, storage, clock, shop }) => {
  await using without = await startTestApi({ db, keys, storage, clock, services: { hasMail: false } });
  expect(await request(without, shop.email)).toMatchObject({ code: 'PARTNER_OFF' });
  expect(await request(without, 'nobody@example.com')).toMatchObject({ code: 'PARTNER_OFF' });
});
