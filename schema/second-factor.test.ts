import { randomUUID } from 'node:crypto';
import { askFor, mutate, refusalOf, tally } from '../test/ask.ts';
import { type Clock, expect, type Person, test, type TestApi, testKeys } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import { codeAt, setUpTotp } from '../test/totp.ts';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const ownFactors = '{ viewer { user { totpConfirmedAt recoveryCodesLeft } } }';

const session = `... on UserError { code message }
  ... on Session { accessToken refreshToken user { id recoveryCodesLeft } tenant { id } }`;

function signIn(api: TestApi, { email, password }: Person) {
  const parts = `${session} ... on SecondFactorRequiredError { challenge expiresAt }`;
  return askFor(api, 'signIn', { email, password }, parts);
}

async function challengeOf(api: TestApi, person: Person): Promise<string> {
  const { challenge } = await signIn(api, person);
  return challenge;
}

function confirmSignIn(api: TestApi, input: Record<string, unknown>) {
  return askFor(api, 'signInConfirm', input, session);
}

function wrongCode(secret: string, clock: Clock): string {
  const near = [-2, -1, 0, 1, 2].map((steps) => codeAt(secret, clock.now(), steps));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !near.includes(code)) ?? '';
}

test('a person sets up an authenticator app, and a sign-in then takes a second step', async ({ api, shop, clock }) => {
  const begun = await mutate(shop, 'totpBegin', {}, '... on TotpSetup { secret uri }');
  expect(begun['uri']).toMatch(/^otpauth:\/\/totp\/Parley:/);
  expect(begun['uri']).toContain(`secret=${begun['secret']}`);
  expect((await signIn(api, shop))['__typename'], 'not before a code has come').toBe('Session');

  const code = codeAt(begun['secret'], clock.now());
  const { codes, user } = await mutate(
    shop,
    'totpConfirm',
    { code },
    '... on RecoveryCodes { codes user { totpConfirmedAt recoveryCodesLeft } }',
  );
  expect(new Set(codes).size).toBe(10);
  expect(user).toMatchObject({ recoveryCodesLeft: 10, totpConfirmedAt: expect.any(String) });

  const first = await signIn(api, shop);
  expect(first).toMatchObject({ __typename: 'SecondFactorRequiredError', code: 'SECOND_FACTOR_REQUIRED' });
  expect(Date.parse(first['expiresAt']) - clock.now().getTime()).toBeLessThanOrEqual(5 * minuteMs);
  clock.advance(30 * secondMs);
  const second = await confirmSignIn(api, {
    challenge: first['challenge'],
    code: codeAt(begun['secret'], clock.now()),
  });
  expect(second).toMatchObject({ __typename: 'Session' });
  expect((await api.graphql('{ viewer { role } }', {}, second['accessToken'])).data['viewer']).toEqual({
    role: 'OWNER',
  });
});

test('a challenge opens nothing but the second step', async ({ api, shop, clock }) => {
  await setUpTotp(shop, clock);
  const challenge = await challengeOf(api, shop);
  expect((await api.graphql('{ viewer { role } }', {}, challenge)).data['viewer']).toBeNull();
  const refreshed = await askFor(api, 'sessionRefresh', { refreshToken: challenge });
  expect(refreshed['__typename']).toBe('SessionEndedError');
});

test('a code is good once, for the second step as for a fresh proof', async ({ api, shop, clock }) => {
  const { secret } = await setUpTotp(shop, clock);
  const proof = { code: codeAt(secret, clock.now()) };
  const enter = async (code: string) => confirmSignIn(api, { challenge: await challengeOf(api, shop), code });
  expect((await mutate(shop, 'sessionConfirm', proof))['__typename']).toBe('SessionConfirmed');
  expect((await enter(proof.code))['__typename']).toBe('InvalidCredentialsError');

  clock.advance(30 * secondMs);
  const code = codeAt(secret, clock.now());
  const challenges = [];
  for (let index = 0; index < 5; index += 1) challenges.push(await challengeOf(api, shop));
  const answers = await Promise.all(challenges.map((challenge) => confirmSignIn(api, { challenge, code })));
  expect(tally(answers)['Session']).toBe(1);
  expect((await enter(code))['__typename']).not.toBe('Session');
  expect((await mutate(shop, 'sessionConfirm', { code }))['__typename']).not.toBe('SessionConfirmed');
});

test('the code of these 30 seconds or the ones before is right, and none older than the last one', async ({
  api,
  shop,
  clock,
}) => {
  const { secret } = await setUpTotp(shop, clock);
  const enter = async (steps: number) => {
    const challenge = await challengeOf(api, shop);
    const { __typename: type } = await confirmSignIn(api, { challenge, code: codeAt(secret, clock.now(), steps) });
    return type;
  };
  clock.advance(minuteMs);
  expect(await enter(-2)).toBe('InvalidCredentialsError');
  expect(await enter(1)).toBe('InvalidCredentialsError');
  expect(await enter(-1)).toBe('Session');
  expect(await enter(-1)).toBe('InvalidCredentialsError');
  expect(await enter(0)).toBe('Session');
  expect(await enter(-1), 'older than the last one').toBe('InvalidCredentialsError');
});

test('a challenge is good once, for five minutes and five tries, and for nobody else', async ({
  api,
  shop,
  signUp,
  clock,
}) => {
  const { recoveryCodes } = await setUpTotp(shop, clock);
  const [one, two, three, four] = recoveryCodes;
  const used = await challengeOf(api, shop);
  expect((await confirmSignIn(api, { challenge: used, recoveryCode: one }))['__typename']).toBe('Session');
  expect((await confirmSignIn(api, { challenge: used, recoveryCode: two }))['__typename']).toBe('ChallengeEndedError');

  const late = await challengeOf(api, shop);
  clock.advance(5 * minuteMs + secondMs);
  expect((await confirmSignIn(api, { challenge: late, recoveryCode: two }))['__typename']).toBe('ChallengeEndedError');

  const tried = await challengeOf(api, shop);
  const wrong = await Promise.all(
    Array.from({ length: 8 }, () => confirmSignIn(api, { challenge: tried, recoveryCode: 'WRONG' })),
  );
  expect(tally(wrong)).toEqual({ InvalidCredentialsError: 5, ChallengeEndedError: 3 });
  expect((await confirmSignIn(api, { challenge: tried, recoveryCode: two }))['__typename']).toBe('ChallengeEndedError');

  const other = await signUp();
  const others = await setUpTotp(other, clock);
  const mine = await challengeOf(api, shop);
  const theirCode = { challenge: mine, recoveryCode: others.recoveryCodes[0] };
  expect((await confirmSignIn(api, theirCode))['__typename']).toBe('InvalidCredentialsError');
  const bytes = Buffer.from(mine, 'base64url');
  Buffer.from(other.userId.replaceAll('-', ''), 'hex').copy(bytes, 16);
  const forged = { challenge: bytes.toString('base64url'), recoveryCode: others.recoveryCodes[0] };
  expect((await confirmSignIn(api, forged))['__typename']).toBe('ChallengeEndedError');
  expect((await confirmSignIn(api, { challenge: 'nonsense', recoveryCode: four }))['__typename']).toBe(
    'ChallengeEndedError',
  );
  expect((await confirmSignIn(api, { challenge: mine }))['__typename']).toBe('InvalidInputError');
  expect((await confirmSignIn(api, { challenge: mine, recoveryCode: three }))['__typename']).toBe('Session');
});

test('a recovery code is good once, however it is written, also for two at the same moment', async ({
  api,
  shop,
  clock,
}) => {
  const { recoveryCodes } = await setUpTotp(shop, clock);
  const [code = ''] = recoveryCodes;
  const challenges = [await challengeOf(api, shop), await challengeOf(api, shop), await challengeOf(api, shop)];
  const answers = await Promise.all(
    challenges.map((challenge) =>
      confirmSignIn(api, { challenge, recoveryCode: code.toLowerCase().replaceAll('-', ' ') }),
    ),
  );
  expect(tally(answers)['Session']).toBe(1);
  const { accessToken } = answers.find(({ __typename: type }) => type === 'Session') ?? {};
  const own = await api.graphql(ownFactors, {}, accessToken);
  expect(own.data['viewer'].user.recoveryCodesLeft).toBe(9);
});

test('wrong codes make the next wait, longer and longer, and a recovery code still opens', async ({
  api,
  shop,
  clock,
}) => {
  const { secret, recoveryCodes } = await setUpTotp(shop, clock);
  for (let index = 0; index < 5; index += 1) {
    const answer = await confirmSignIn(api, {
      challenge: await challengeOf(api, shop),
      code: wrongCode(secret, clock),
    });
    expect(answer['__typename']).toBe('InvalidCredentialsError');
  }
  const right = async () =>
    confirmSignIn(api, { challenge: await challengeOf(api, shop), code: codeAt(secret, clock.now()) });
  expect(await right()).toMatchObject({ __typename: 'RateLimitedError' });
  const [recoveryCode] = recoveryCodes;
  expect((await confirmSignIn(api, { challenge: await challengeOf(api, shop), recoveryCode }))['__typename']).toBe(
    'Session',
  );
  clock.advance(31 * secondMs);
  const again = { challenge: await challengeOf(api, shop), code: wrongCode(secret, clock) };
  expect((await confirmSignIn(api, again))['__typename']).toBe('InvalidCredentialsError');
  clock.advance(31 * secondMs);
  expect((await right())['__typename'], 'twice as long').toBe('RateLimitedError');
  clock.advance(30 * secondMs);
  expect((await right())['__typename']).toBe('Session');
});

test('a burst of wrong codes gets no more tries than they would one after another', async ({ api, shop, clock }) => {
  const { secret } = await setUpTotp(shop, clock);
  const challenges = [];
  for (let index = 0; index < 12; index += 1) challenges.push(await challengeOf(api, shop));
  const code = wrongCode(secret, clock);
  const answers = await Promise.all(challenges.map((challenge) => confirmSignIn(api, { challenge, code })));
  expect(tally(answers)).toEqual({ InvalidCredentialsError: 5, RateLimitedError: 7 });
});

test('what is shown once is not shown again when a request is repeated', async ({ shop, clock }) => {
  const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
  const begin = () => mutate(shop, 'totpBegin', { idempotencyKey: first }, '... on TotpSetup { secret uri }');
  const { secret } = await begin();
  expect(await begin()).toEqual({ __typename: 'TotpSetup', secret: null, uri: null });
  const code = codeAt(secret, clock.now());
  const parts = '... on RecoveryCodes { codes user { recoveryCodesLeft } }';
  const confirm = () => mutate(shop, 'totpConfirm', { code, idempotencyKey: second }, parts);
  expect((await confirm())['codes']).toHaveLength(10);
  expect(await confirm()).toEqual({ __typename: 'RecoveryCodes', codes: null, user: { recoveryCodesLeft: 10 } });
  const renew = () => mutate(shop, 'recoveryCodesRenew', { idempotencyKey: third }, parts);
  expect((await renew())['codes']).toHaveLength(10);
  expect((await renew())['codes']).toBeNull();
});

test('the app can be taken away and its codes replaced, with a fresh proof only', async ({ api, shop, clock }) => {
  const { secret, recoveryCodes } = await setUpTotp(shop, clock);
  clock.advance(6 * minuteMs);
  for (const mutation of ['totpDisable', 'recoveryCodesRenew', 'totpBegin']) {
    expect((await mutate(shop, mutation, {}))['__typename'], mutation).toBe('ConfirmationRequiredError');
  }
  const { password } = shop;
  expect((await mutate(shop, 'sessionConfirm', { password }))['__typename'], 'not by the password alone').toBe(
    'InvalidInputError',
  );
  const confirmed = await mutate(
    shop,
    'sessionConfirm',
    { code: codeAt(secret, clock.now()) },
    '... on SessionConfirmed { confirmedAt expiresAt }',
  );
  expect(Date.parse(confirmed['expiresAt']) - Date.parse(confirmed['confirmedAt'])).toBe(5 * minuteMs);

  const { codes } = await mutate(shop, 'recoveryCodesRenew', {}, '... on RecoveryCodes { codes }');
  const challenge = await challengeOf(api, shop);
  const old = await confirmSignIn(api, { challenge, recoveryCode: recoveryCodes[0] });
  expect(old['__typename'], 'the ones before are good no more').toBe('InvalidCredentialsError');
  expect((await confirmSignIn(api, { challenge, recoveryCode: codes[0] }))['__typename']).toBe('Session');

  const open = await challengeOf(api, shop);
  const disabled = await mutate(shop, 'totpDisable', {}, '... on User { totpConfirmedAt recoveryCodesLeft }');
  expect(disabled).toEqual({ __typename: 'User', totpConfirmedAt: null, recoveryCodesLeft: 0 });
  expect((await confirmSignIn(api, { challenge: open, recoveryCode: codes[1] }))['__typename']).toBe(
    'ChallengeEndedError',
  );
  expect((await signIn(api, shop))['__typename']).toBe('Session');
});

test('where the tenant asks for a second factor, those without one can set it up and nothing else', async ({
  api,
  shop,
  clock,
  database,
}) => {
  const refused = await mutate(shop, 'tenantUpdate', { requireTotp: true });
  expect(refused, 'not by somebody who has none').toMatchObject({ __typename: 'ForbiddenError' });
  await setUpTotp(shop, clock);
  clock.advance(6 * minuteMs);
  expect((await mutate(shop, 'tenantUpdate', { requireTotp: true }))['__typename']).toBe('ConfirmationRequiredError');
  await using superuser = await connect(database.superuserUrl);
  await superuser.query('update sessions set confirmed_at = $1', [clock.now()]);
  const updated = await mutate(shop, 'tenantUpdate', { requireTotp: true }, '... on Tenant { requireTotp }');
  expect(updated).toEqual({ __typename: 'Tenant', requireTotp: true });
  const { rows } = await superuser.query(
    `select actor_id, before, after from audit_entries where action = 'tenant.requireTotp'`,
  );
  expect(rows).toEqual([{ actor_id: shop.userId, before: { requireTotp: false }, after: { requireTotp: true } }]);
  expect((await shop.graphql('{ contacts { nodes { id } } }')).errors, 'who has one works on').toBeUndefined();

  // The same person without the factor, as another member of the tenant would be.
  await superuser.query('delete from user_totp');
  const member = await signIn(api, shop);
  expect(member['__typename'], 'they can sign in').toBe('Session');
  const person: Person = {
    ...shop,
    graphql: (query, variables) => api.graphql(query, variables, member['accessToken']),
  };
  for (const query of ['{ contacts { nodes { id } } }', '{ campaigns { nodes { id } } }']) {
    expect(await refusalOf(person, query), query).toBe('SECOND_FACTOR_SETUP_REQUIRED');
  }
  const write = 'mutation { tenantUpdate(input: { name: "x" }) { __typename } }';
  expect(await refusalOf(person, write)).toBe('SECOND_FACTOR_SETUP_REQUIRED');
  expect((await person.graphql('{ viewer { tenant { name requireTotp } user { email } } }')).errors).toBeUndefined();

  await setUpTotp(person, clock);
  expect((await person.graphql('{ contacts { nodes { id } } }')).errors, 'and works').toBeUndefined();
});

test('secrets and codes stand nowhere in the clear, and what was done stands in the audit log', async ({
  api,
  shop,
  clock,
  database,
}) => {
  const { secret, recoveryCodes } = await setUpTotp(shop, clock);
  const challenge = await challengeOf(api, shop);
  await confirmSignIn(api, { challenge, recoveryCode: recoveryCodes[0] });
  await mutate(shop, 'totpDisable', {});
  const again = await setUpTotp(shop, clock);
  await using superuser = await connect(database.superuserUrl);
  const { rows: tables } = await superuser.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  );
  const written = [...api.logLines];
  for (const { name } of tables) {
    const { rows } = await superuser.query<{ dump: string }>(
      `select string_agg(t::text, ' ') as dump from "${name}" t`,
    );
    written.push(rows[0]?.dump ?? '');
  }
  const everything = written.join('\n');
  for (const told of [secret, again.secret, challenge, ...recoveryCodes, ...again.recoveryCodes]) {
    expect(everything.includes(told)).toBe(false);
    expect(everything.includes(told.replaceAll('-', ''))).toBe(false);
  }
  for (const { key } of testKeys.encryption) expect(everything.includes(key.toString('hex'))).toBe(false);
  const { rows } = await superuser.query<{ action: string }>('select action from audit_entries order by id');
  expect(rows.map(({ action }) => action)).toEqual([
    'totp.begin',
    'totp.confirm',
    'recoveryCode.use',
    'totp.disable',
    'totp.begin',
    'totp.confirm',
  ]);
});
