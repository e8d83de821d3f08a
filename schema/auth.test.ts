import { randomBytes } from 'node:crypto';
import { formatRefreshToken, newRefreshToken, parseRefreshToken } from '../domain/auth/refresh-token.ts';
import { loadAuthKeys } from '../domain/auth/keys.ts';
import { inScope } from '../prisma/client.ts';
import { expect, globalId, startTestApi, test, testKeys, type GraphQLAnswer } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';

type Send = (query: string, variables?: Record<string, unknown>, accessToken?: string) => Promise<GraphQLAnswer>;

const sessionFields = `__typename
  ... on Session { accessToken accessTokenExpiresAt refreshToken user { id } tenant { id } role }
  ... on UserError { code message }`;
const viewerQuery = '{ viewer { user { id name email } tenant { id name locale country } role } }';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

async function signUp(send: Send, input: Record<string, unknown>) {
  const query = `mutation ($input: SignUpInput!) { signUp(input: $input) { ${sessionFields} ... on InvalidInputError { fields { path } } } }`;
  return (await send(query, { input })).data['signUp'];
}

async function signIn(send: Send, email: string, password: string) {
  const query = `mutation ($input: SignInInput!) { signIn(input: $input) { ${sessionFields} } }`;
  return (await send(query, { input: { email, password } })).data['signIn'];
}

async function refresh(send: Send, refreshToken: string) {
  const query = `mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { ${sessionFields} } }`;
  return (await send(query, { input: { refreshToken } })).data['sessionRefresh'];
}

async function signOut(send: Send, refreshToken: string) {
  const query = `mutation ($input: SignOutInput!) {
    signOut(input: $input) { __typename ... on SignedOut { at } ... on UserError { code } } }`;
  return (await send(query, { input: { refreshToken } })).data['signOut'];
}

const somebody = {
  tenantName: 'Casa Nova',
  name: 'Ana',
  email: 'ana@example.com',
  password: 'correct horse',
  country: 'BR',
  timeZone: 'America/Sao_Paulo',
};

test('a sign-up makes a tenant with its owner, signed in, in the language of the country', async ({ api }) => {
  const session = await signUp(api.graphql, { ...somebody, email: ' Ana@Example.com ' });
  expect(session).toMatchObject({ __typename: 'Session', role: 'OWNER' });
  const { data } = await api.graphql(viewerQuery, {}, session.accessToken);
  expect(data['viewer']).toEqual({
    user: { id: session.user.id, name: 'Ana', email: 'Ana@Example.com' },
    tenant: { id: session.tenant.id, name: 'Casa Nova', locale: 'pt-BR', country: 'BR' },
    role: 'OWNER',
  });
});

test('a sign-up says everything that is wrong with it at once', async ({ api }) => {
  const answer = await signUp(api.graphql, {
    tenantName: ' ',
    name: '',
    email: 'ana at example',
    password: 'short',
    country: 'Brazil',
    timeZone: 'Mars/Olympus',
    locale: '?',
  });
  expect(answer).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' });
  expect(answer.fields.map(({ path }: { path: string }) => path).sort()).toEqual([
    'country',
    'email',
    'locale',
    'name',
    'password',
    'tenantName',
    'timeZone',
  ]);
});

test('an address has one account, however it is written, and a refused sign-up leaves nothing', async ({
  api,
  database,
}) => {
  await signUp(api.graphql, somebody);
  const again = await signUp(api.graphql, { ...somebody, tenantName: 'Other', email: 'ANA@example.com' });
  expect(again).toMatchObject({ __typename: 'EmailTakenError', code: 'EMAIL_TAKEN' });
  await using superuser = await connect(database.superuserUrl);
  expect(await superuser.sql`select name from tenants`).toEqual([{ name: 'Casa Nova' }]);
  expect(await superuser.sql`select count(*)::int as sessions from sessions`).toEqual([{ sessions: 1 }]);
});

test('twenty sign-ups with one address at the same moment make one account', async ({ api, database }) => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => signUp(api.graphql, somebody)));
  const types = answers.map(({ __typename }) => String(__typename)).sort();
  expect(types).toEqual([...Array.from({ length: 19 }, () => 'EmailTakenError'), 'Session']);
  await using superuser = await connect(database.superuserUrl);
  expect(await superuser.sql`select count(*)::int as users from users`).toEqual([{ users: 1 }]);
});

test('who knows the password signs in, whatever the case of the address and the form of the letters', async ({
  api,
}) => {
  const session = await signUp(api.graphql, { ...somebody, password: 'caf\u00E9 com leite' });
  const again = await signIn(api.graphql, 'ANA@example.com ', 'cafe\u0301 com leite');
  expect(again).toMatchObject({ __typename: 'Session', user: session.user, tenant: session.tenant, role: 'OWNER' });
  expect(again.refreshToken).not.toBe(session.refreshToken);
});

test('a wrong password and an unknown address get the same answer', async ({ api, shop }) => {
  const wrong = await signIn(api.graphql, shop.email, 'not the password');
  const unknown = await signIn(api.graphql, 'nobody@example.com', 'not the password');
  expect(wrong).toMatchObject({ __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS' });
  expect(unknown).toEqual(wrong);
  expect(await signIn(api.graphql, shop.email, '')).toEqual(wrong);
  expect(await signIn(api.graphql, '', 'x'.repeat(100_000))).toEqual(wrong);
});

test('a password hashed with other parameters than the configured ones is hashed anew at the next sign-in', async ({
  api,
  shop,
  db,
  keys,
  storage,
  clock,
  database,
}) => {
  await using superuser = await connect(database.superuserUrl);
  const stored = async () => (await superuser.sql<{ hash: string }>`select hash from user_passwords`)[0]?.hash;
  expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=1024,p=1,t=2\$/);
  const hashing = { memoryKib: 2_048, time: 3, parallelism: 2 };
  await using raised = await startTestApi({ db, keys, storage, clock, services: { hashing } });
  expect(await signIn(raised.graphql, shop.email, 'not the password')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  expect(await stored()).toMatch(/\$m=1024,/);
  expect(await signIn(raised.graphql, shop.email, shop.password)).toMatchObject({ __typename: 'Session' });
  expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=2048,p=2,t=3\$/);
  expect(await signIn(raised.graphql, shop.email, shop.password)).toMatchObject({ __typename: 'Session' });
  expect(await signIn(api.graphql, shop.email, shop.password)).toMatchObject({ __typename: 'Session' });
});

test('somebody with several tenants signs in for the one joined first', async ({ api, signUp, database }) => {
  const shop = await signUp();
  const earlier = await signUp('Joined earlier');
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`insert into memberships (tenant_id, user_id, role, created_at)
    values (${earlier.tenantId}, ${shop.userId}, 'SELLER', now() - interval '1 day')`;
  const session = await signIn(api.graphql, shop.email, shop.password);
  expect(session).toMatchObject({ tenant: { id: globalId('Tenant', earlier.tenantId) }, role: 'SELLER' });
});

test('whoever was signed in before, a sign-in answers as the person who signed in', async ({ api, signUp }) => {
  const [ana, bea] = [await signUp('Ana’s'), await signUp('Bea’s')];
  const query = `mutation ($input: SignInInput!) {
    before: tenantUpdate(input: { industry: "Shoes" }) { __typename ... on Tenant { name } }
    signIn(input: $input) { __typename ... on Session { user { email } tenant { name } role } }
    after: tenantUpdate(input: { industry: "Hats" }) { __typename ... on Tenant { name industry } } }`;
  const input = { email: bea.email, password: bea.password };
  const asAna = await api.graphql(query, { input }, ana.accessToken);
  expect(asAna).toEqual({
    data: {
      before: { __typename: 'Tenant', name: 'Ana’s' },
      signIn: { __typename: 'Session', user: { email: bea.email }, tenant: { name: 'Bea’s' }, role: 'OWNER' },
      after: { __typename: 'Tenant', name: 'Bea’s', industry: 'Hats' },
    },
  });
  const asNobody = await api.graphql(query, { input });
  expect(asNobody.data).toEqual({ ...asAna.data, before: null });
  expect(asNobody.errors).toMatchObject([{ path: ['before'], extensions: { code: 'UNAUTHENTICATED' } }]);
});

test('a refresh trades the token for a new pair, of the same session', async ({ api, shop, clock }) => {
  clock.advance(10 * minuteMs);
  const next = await refresh(api.graphql, shop.refreshToken);
  expect(next).toMatchObject({ __typename: 'Session', user: { id: globalId('User', shop.userId) }, role: 'OWNER' });
  expect(next.refreshToken).not.toBe(shop.refreshToken);
  expect(new Date(next.accessTokenExpiresAt).getTime()).toBeGreaterThan(clock.now().getTime() + 14 * minuteMs);
  expect((await api.graphql(viewerQuery, {}, next.accessToken)).data['viewer']).not.toBeNull();
  expect(await refresh(api.graphql, next.refreshToken)).toMatchObject({ __typename: 'Session' });
});

test('a repeat within ten seconds gets the same successor, and nobody is signed out', async ({ api, shop, clock }) => {
  const first = await refresh(api.graphql, shop.refreshToken);
  clock.advance(9_000);
  const repeated = await refresh(api.graphql, shop.refreshToken);
  expect(repeated.refreshToken).toBe(first.refreshToken);
  clock.advance(minuteMs);
  expect(await refresh(api.graphql, first.refreshToken)).toMatchObject({ __typename: 'Session' });
});

test('a repeat gets the same successor although the server’s secrets were rotated in between', async ({
  api,
  shop,
  db,
  storage,
  clock,
}) => {
  const first = await refresh(api.graphql, shop.refreshToken);
  const rotated = [{ kid: 'newer', key: randomBytes(32) }, ...testKeys.encryption];
  const keys = loadAuthKeys('http://parley.test', testKeys.jwt, rotated);
  await using other = await startTestApi({ db, keys, storage, clock });
  expect((await refresh(other.graphql, shop.refreshToken)).refreshToken).toBe(first.refreshToken);
  expect(await refresh(other.graphql, first.refreshToken)).toMatchObject({ __typename: 'Session' });
});

test('fifty refreshes at the same moment have one successor, and nobody is signed out', async ({ api, shop }) => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(api.graphql, shop.refreshToken)));
  expect(answers.map(({ __typename }) => __typename)).toEqual(Array.from({ length: 50 }, () => 'Session'));
  const successors = new Set(answers.map(({ refreshToken }) => refreshToken as string));
  expect(successors.size).toBe(1);
  expect((await shop.graphql(viewerQuery)).data['viewer']).not.toBeNull();
  expect(await refresh(api.graphql, [...successors][0] ?? '')).toMatchObject({ __typename: 'Session' });
});

test('a used token that comes back after ten seconds ends the whole session', async ({ api, shop, clock }) => {
  const next = await refresh(api.graphql, shop.refreshToken);
  clock.advance(11_000);
  expect(await refresh(api.graphql, shop.refreshToken)).toMatchObject({ code: 'SESSION_ENDED' });
  expect(await refresh(api.graphql, next.refreshToken)).toMatchObject({ code: 'SESSION_ENDED' });
  expect((await api.graphql(viewerQuery, {}, next.accessToken)).data['viewer']).toBeNull();
  expect(await signIn(api.graphql, shop.email, shop.password)).toMatchObject({ __typename: 'Session' });
});

test('a session ends after 7 days without a refresh, and after 30 days in any case', async ({ api, signUp, clock }) => {
  const idle = await signUp();
  let busy = (await signUp()).refreshToken;
  for (let days = 0; days < 30; days += 6) {
    const next = await refresh(api.graphql, busy);
    expect(next).toMatchObject({ __typename: 'Session' });
    busy = next.refreshToken;
    clock.advance(6 * dayMs);
    if (days === 6) expect(await refresh(api.graphql, idle.refreshToken)).toMatchObject({ code: 'SESSION_ENDED' });
  }
  expect(await refresh(api.graphql, busy)).toMatchObject({ code: 'SESSION_ENDED' });
});

test('what is no refresh token, or another person’s, opens no session', async ({ api, signUp }) => {
  const [ana, bea] = [await signUp(), await signUp()];
  const [mine, theirs] = [parseRefreshToken(ana.refreshToken), parseRefreshToken(bea.refreshToken)];
  if (!mine || !theirs) throw new Error('These are refresh tokens.');
  const swapped = Buffer.concat([mine.bytes.subarray(0, 32), theirs.bytes.subarray(32)]).toString('base64url');
  const invented = formatRefreshToken(newRefreshToken(ana.tenantId, ana.userId));
  for (const token of ['', 'x', ana.accessToken, `${ana.refreshToken}A`, swapped, invented, '\u{1F511}'.repeat(64)]) {
    expect(await refresh(api.graphql, token)).toMatchObject({ __typename: 'SessionEndedError', code: 'SESSION_ENDED' });
  }
  expect(await refresh(api.graphql, ana.refreshToken)).toMatchObject({ __typename: 'Session' });
});

test('a sign-out ends the session for both of its tokens, and may be repeated', async ({ api, shop }) => {
  const other = await signIn(api.graphql, shop.email, shop.password);
  expect(await signOut(api.graphql, shop.refreshToken)).toMatchObject({ __typename: 'SignedOut' });
  expect((await shop.graphql(viewerQuery)).data['viewer']).toBeNull();
  expect((await shop.graphql('{ tenant { name } }')).errors).toMatchObject([
    { extensions: { code: 'UNAUTHENTICATED' } },
  ]);
  expect(await refresh(api.graphql, shop.refreshToken)).toMatchObject({ code: 'SESSION_ENDED' });
  expect(await signOut(api.graphql, shop.refreshToken)).toMatchObject({ __typename: 'SignedOut' });
  expect((await api.graphql(viewerQuery, {}, other.accessToken)).data['viewer']).not.toBeNull();
  expect(await signOut(api.graphql, 'nonsense')).toMatchObject({ __typename: 'InvalidInputError' });
});

test('a sign-in clears away the person’s sessions that have ended, and no other', async ({
  api,
  shop,
  database,
  clock,
}) => {
  await using superuser = await connect(database.superuserUrl);
  const left = () =>
    superuser.sql`select count(distinct session_id)::int as sessions, count(*)::int as tokens from refresh_tokens`;
  await signOut(api.graphql, (await refresh(api.graphql, shop.refreshToken)).refreshToken);
  const kept = await signIn(api.graphql, shop.email, shop.password);
  expect(await left()).toEqual([{ sessions: 1, tokens: 1 }]);
  clock.advance(6 * dayMs);
  await signIn(api.graphql, shop.email, shop.password);
  expect(await left()).toEqual([{ sessions: 2, tokens: 2 }]);
  expect(await refresh(api.graphql, kept.refreshToken)).toMatchObject({ __typename: 'Session' });
  clock.advance(31 * dayMs);
  await signIn(api.graphql, shop.email, shop.password);
  expect(await left()).toEqual([{ sessions: 1, tokens: 1 }]);
});

test('an access token opens the API for 15 minutes', async ({ api, shop, clock }) => {
  clock.advance(14 * minuteMs);
  expect((await shop.graphql(viewerQuery)).data['viewer']).not.toBeNull();
  clock.advance(2 * minuteMs);
  expect((await shop.graphql(viewerQuery)).data['viewer']).toBeNull();
  expect((await shop.graphql('{ tenant { name } }')).errors).toMatchObject([
    { extensions: { code: 'UNAUTHENTICATED' } },
  ]);
  expect(await refresh(api.graphql, shop.refreshToken)).toMatchObject({ __typename: 'Session' });
});

test('who left the tenant, or was given another role, is treated so with the next operation', async ({ db, shop }) => {
  const key = { tenantId: shop.tenantId, userId: shop.userId };
  const where = { tenantId_userId: key };
  await inScope(db, shop, (tx) => tx.membership.update({ where, data: { role: 'SELLER' } }));
  expect((await shop.graphql('{ viewer { role } }')).data['viewer']).toEqual({ role: 'SELLER' });
  const update = 'mutation { tenantUpdate(input: { name: "Mine" }) { __typename } }';
  expect((await shop.graphql(update)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);

  await inScope(db, shop, (tx) => tx.membership.delete({ where }));
  expect((await shop.graphql('{ viewer { role } }')).data['viewer']).toBeNull();
  expect((await shop.graphql(update)).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
});

test('a second tenant sees neither the person nor the tenant, and cannot act with their tokens’ ids', async ({
  signUp,
}) => {
  const [ana, bea] = [await signUp('Ana’s'), await signUp('Bea’s')];
  const ids = [globalId('User', ana.userId), globalId('Tenant', ana.tenantId), globalId('User', bea.userId)];
  const answer = await bea.graphql(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on User { email } ... on Tenant { name } } }',
    { ids },
  );
  expect(answer).toEqual({ data: { nodes: [null, null, { id: ids[2], email: bea.email }] } });
});

test('no password and no token is stored or logged', async ({ api, shop, database }) => {
  const session = await signIn(api.graphql, shop.email, shop.password);
  await signIn(api.graphql, shop.email, `${shop.password}!`);
  const next = await refresh(api.graphql, session.refreshToken);
  await signOut(api.graphql, next.refreshToken);
  const secrets = [shop.password, shop.accessToken, shop.refreshToken, next.accessToken, next.refreshToken];
  const bare = [shop.refreshToken, next.refreshToken].map((token) => Buffer.from(token, 'base64url').toString('hex'));

  await using superuser = await connect(database.superuserUrl);
  const [stored] = await superuser.sql<{ dump: string }>`
    select string_agg(query_to_xml(format('select * from %I', table_name), true, false, '')::text, '') as dump
    from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`;
  expect(stored?.dump).toContain(shop.email);
  for (const secret of [...secrets, ...bare]) expect(stored?.dump).not.toContain(secret);
  for (const secret of [...secrets, shop.email, `${shop.password}!`])
    expect(api.logLines.join('')).not.toContain(secret);
});
