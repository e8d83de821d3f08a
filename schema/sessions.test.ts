import { inScope } from '../prisma/client.ts';
import { purgeSignals } from '../domain/auth/sign-in-signals.ts';
import { askFor, mutate } from '../test/ask.ts';
import { expect, type GraphQLAnswer, type Person, type TestApi } from '../test/fixtures.ts';
import { test } from '../test/mails.ts';
import { accept, invite } from '../test/people.ts';
import { connect } from '../test/sql.ts';

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

const fields = '... on Session { accessToken refreshToken } ... on UserError { code }';

/** Signs in as a browser does that says who it is. */
async function signInWith(
  api: TestApi,
  { email, password }: Pick<Person, 'email' | 'password'>,
  userAgent: string,
  input: Record<string, unknown> = {},
): Promise<GraphQLAnswer['data']> {
  const query = `mutation ($input: SignInInput!) { signIn(input: $input) { __typename ${fields} } }`;
  const answer = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
    body: JSON.stringify({ query, variables: { input: { email, password, ...input } } }),
  });
  return ((await answer.json()) as GraphQLAnswer).data['signIn'];
}

type Session = { id: string; isCurrent: boolean; device: string | null; address: string | null };
const sessionsOf = async ({ graphql }: Pick<Person, 'graphql'>): Promise<Session[]> =>
  (await graphql('{ sessions(first: 10) { nodes { id isCurrent device address createdAt lastUsedAt } } }')).data[
    'sessions'
  ].nodes;
const refresh = (api: TestApi, refreshToken: string) => askFor(api, 'sessionRefresh', { refreshToken }, fields);

test('a person sees the own sessions: when, from where and with what; and nobody else’s', async ({ api, signUp }) => {
  const [shop, other] = [await signUp(), await signUp()];
  await signInWith(api, shop, firefox);
  await signInWith(api, shop, safari);
  const sessions = await sessionsOf(shop);
  expect(sessions.map(({ device, isCurrent }) => ({ device, isCurrent }))).toEqual([
    { device: 'Safari, iOS', isCurrent: false },
    { device: 'Firefox, Windows', isCurrent: false },
    { device: null, isCurrent: true },
  ]);
  expect(sessions[0]?.address).toMatch(/127\.0\.0\.1$/);
  expect(await sessionsOf(other)).toHaveLength(1);
  const look = { id: sessions[0]?.id };
  const query = 'query ($id: ID!) { node(id: $id) { id } }';
  expect((await shop.graphql(query, look)).data['node']).toEqual(look);
  expect((await other.graphql(query, look)).data['node']).toBeNull();
  expect(await mutate(other, 'sessionEnd', { sessionId: look.id })).toMatchObject({ code: 'NOT_FOUND' });
});

test('a session is ended from another one, with its next operation', async ({ api, shop, database }) => {
  const lost = await signInWith(api, shop, firefox);
  const [newest] = await sessionsOf(shop);
  expect(await mutate(shop, 'sessionEnd', { sessionId: newest?.id })).toMatchObject({ __typename: 'Deleted' });
  expect((await api.graphql('{ viewer { role } }', {}, lost['accessToken'])).data['viewer']).toBeNull();
  expect(await refresh(api, lost['refreshToken'])).toMatchObject({ code: 'SESSION_ENDED' });
  expect(await mutate(shop, 'sessionEnd', { sessionId: newest?.id })).toMatchObject({ code: 'NOT_FOUND' });
  await signInWith(api, shop, firefox);
  await signInWith(api, shop, safari);
  expect(await mutate(shop, 'sessionsEndOthers', {}, '... on SessionsEnded { count }')).toMatchObject({ count: 2 });
  expect(await sessionsOf(shop)).toMatchObject([{ isCurrent: true }]);
  await using superuser = await connect(database.superuserUrl);
  const deeds = await superuser.sql<{ action: string }>`select action from audit_entries order by id`;
  expect(deeds.map(({ action }) => action)).toEqual(['session.end', 'session.endOthers']);
});

test('a refresh token that comes back ends the session, once, and the person is told', async ({
  api,
  shop,
  mails,
  clock,
  database,
}) => {
  await mails.deliver();
  await refresh(api, shop.refreshToken);
  clock.advance(11_000);
  for (let again = 0; again < 3; again += 1)
    expect(await refresh(api, shop.refreshToken)).toMatchObject({ code: 'SESSION_ENDED' });
  const mail = await mails.newest(shop.email);
  expect(mail.subject).toBe('Encerramos uma sessão por segurança');
  expect(mail.text).toContain('127.0.0.1');
  expect(mails.to(shop.email)).toHaveLength(2);
  await using superuser = await connect(database.superuserUrl);
  expect(
    await superuser.sql`select tenant_id as "tenantId", actor_type as type, target_type as "targetType" from audit_entries`,
  ).toEqual([{ tenantId: shop.tenantId, type: 'SYSTEM', targetType: 'UserSession' }]);
});

test('each try to sign in leaves a signal in keyed hashes, whether or not the address has an account', async ({
  api,
  shop,
  database,
}) => {
  await signInWith(api, shop, firefox, { fingerprint: 'browser-1' });
  await signInWith(api, { ...shop, password: 'not the password' }, firefox);
  await signInWith(api, { email: 'nobody@example.com', password: 'not the password' }, firefox);
  await using superuser = await connect(database.superuserUrl);
  const signals = await superuser.sql<{ whole: string; userId: string; outcome: string; hashed: boolean }>`
    select s::text as whole, user_id as "userId", outcome, address_hash is not null and agent_hash is not null as hashed
      from sign_in_signals s order by id`;
  expect(signals.map(({ userId, outcome }) => ({ userId, outcome }))).toEqual([
    { userId: shop.userId, outcome: 'SUCCEEDED' }, // the sign-up
    { userId: shop.userId, outcome: 'SUCCEEDED' },
    { userId: shop.userId, outcome: 'FAILED' },
    { userId: '00000000-0000-0000-0000-000000000000', outcome: 'FAILED' },
  ]);
  for (const { whole } of signals) expect(whole).not.toMatch(/127\.0|browser-1|Firefox|nobody@/);
  await expect(superuser.query(`set role parley_app; update sign_in_signals set outcome = 'FAILED'`)).rejects.toThrow(
    /permission denied/,
  );
});

test('a sign-in from a new place with a new device is told by mail; either one alone is not', async ({
  api,
  shop,
  mails,
  database,
}) => {
  await using superuser = await connect(database.superuserUrl);
  const elsewhere = () => superuser.sql`update sign_in_signals set network_hash = '\\x00'`; // what came before came from there
  await signInWith(api, shop, firefox, { fingerprint: 'browser-1' });
  await mails.deliver();
  await superuser.sql`update sign_in_signals set agent_hash = '\\x00' where fingerprint_hash is null`;
  const before = mails.to(shop.email).length;
  await signInWith(api, shop, safari, { fingerprint: 'browser-2' }); // the same network
  await elsewhere();
  await signInWith(api, shop, firefox, { fingerprint: 'browser-1' }); // the same browser
  await mails.deliver();
  expect(mails.to(shop.email)).toHaveLength(before);
  await elsewhere();
  await signInWith(api, shop, safari, { fingerprint: 'browser-3' });
  const mail = await mails.newest(shop.email);
  expect(mail.subject).toBe('Sua conta foi acessada de um novo lugar');
  expect(mail.text).toContain('Dispositivo: Safari, iOS');
  const flagged = await superuser.sql`select flags from sign_in_signals where flags <> '{}'`;
  expect(flagged).toEqual([{ flags: ['NEW_PLACE'] }]);
  await elsewhere();
  const told = mails.to(shop.email).length;
  await signInWith(api, shop, firefox); // the same browser by what it calls itself, which anybody can say
  await mails.deliver();
  expect(mails.to(shop.email)).toHaveLength(told + 1);
});

test('a sign-in by an invitation leaves a signal as any other', async ({ api, shop, signUp, database }) => {
  const password = 'gentil vento azul';
  const { token } = await invite(shop, 'nina@example.com', 'SELLER');
  await accept(api, { token, name: 'Nina', password, fingerprint: 'browser-1' });
  const olga = await signUp();
  const known = await invite(shop, olga.email, 'SELLER');
  await accept(api, { token: known.token, password: 'not the password' });
  await accept(api, { token: known.token, password: olga.password });
  await using superuser = await connect(database.superuserUrl);
  const signals = await superuser.sql`
    select u.email, s.outcome, s.fingerprint_hash is not null as "byFingerprint" from sign_in_signals s
      join users u on u.id = s.user_id where u.email <> ${shop.email} order by s.id`;
  expect(signals).toEqual([
    { email: 'nina@example.com', outcome: 'SUCCEEDED', byFingerprint: true },
    { email: olga.email, outcome: 'SUCCEEDED', byFingerprint: false }, // the sign-up
    { email: olga.email, outcome: 'FAILED', byFingerprint: false },
    { email: olga.email, outcome: 'SUCCEEDED', byFingerprint: false },
  ]);
});

test('a sign-in after many failures is told by mail, and those before it no longer count', async ({
  api,
  shop,
  mails,
}) => {
  await mails.deliver();
  const agent = 'node';
  for (let failures = 0; failures < 5; failures += 1)
    await signInWith(api, { ...shop, password: 'not the password' }, agent);
  await signInWith(api, shop, agent);
  expect(await mails.newest(shop.email)).toMatchObject({ subject: 'Acesso depois de muitas tentativas' });
  const told = mails.to(shop.email).length;
  await signInWith(api, shop, agent);
  await mails.deliver();
  expect(mails.to(shop.email)).toHaveLength(told);
});

test('signals are kept for two years and then removed, and younger ones cannot be', async ({ db, shop, database }) => {
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`insert into sign_in_signals (user_id, outcome, at)
    values (${shop.userId}, 'FAILED', now() - interval '2 years 1 day'), (${shop.userId}, 'FAILED', now() - interval '1 year')`;
  expect(await inScope(db, {}, (tx) => purgeSignals(tx, 1_000))).toBe(1);
  expect(await inScope(db, {}, (tx) => purgeSignals(tx, 1_000))).toBe(0);
  expect(await superuser.sql`select count(*)::int as left from sign_in_signals`).toEqual([{ left: 2 }]);
});
