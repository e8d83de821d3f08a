import { createSecretKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { askFor, mutate, tally } from '../test/ask.ts';
import { expect, startTestApi, test as base, type TestApi } from '../test/fixtures.ts';
import { type GoogleAccount, type GoogleDouble, startGoogle, visitGoogle } from '../test/google.ts';
import { connect } from '../test/sql.ts';
import { codeAt, setUpTotp } from '../test/totp.ts';

const test = base.extend<{ double: GoogleDouble; api: TestApi }>({
  double: async ({}, use) => {
    await using double = await startGoogle();
    await use(double);
  },
  api: async ({ db, keys, storage, clock, double }, use) => {
    await using api = await startTestApi({ db, keys, storage, clock, services: { google: double.google } });
    await use(api);
  },
});

const minuteMs = 60_000;
const said = '... on UserError { code message }';
const sessionParts = `${said} ... on Session { accessToken user { id email name googleLinkedAt } tenant { id name } role }`;
const signInParts = `${sessionParts} ... on IdentityUnknownError { identity email name }
  ... on SecondFactorRequiredError { challenge }`;
const place = { tenantName: 'Casa Nova', country: 'BR', timeZone: 'America/Sao_Paulo' };

const ana = (otherwise: Partial<GoogleAccount> = {}): GoogleAccount => ({
  subject: randomUUID(),
  email: `ana-${randomUUID()}@example.com`,
  isEmailVerified: true,
  name: 'Ana',
  ...otherwise,
});

async function begin(api: TestApi) {
  return askFor(api, 'googleSignInBegin', {}, `${said} ... on GoogleAttempt { url attempt }`);
}

/** The whole way, as a person with a browser goes it. */
async function goThrough(api: TestApi, account: GoogleAccount) {
  const { url, attempt } = await begin(api);
  const came = await visitGoogle(url, account);
  return askFor(api, 'googleSignIn', { attempt, ...came }, signInParts);
}

async function identityOf(api: TestApi, account: GoogleAccount): Promise<string> {
  const { identity } = await goThrough(api, account);
  return identity;
}

test('somebody signs up with Google, without a password, and signs in with it', async ({ api }) => {
  const account = ana();
  const unknown = await goThrough(api, account);
  expect(unknown).toMatchObject({
    __typename: 'IdentityUnknownError',
    code: 'IDENTITY_UNKNOWN',
    email: account.email,
    name: 'Ana',
  });
  const signedUp = await askFor(api, 'googleSignUp', { identity: unknown['identity'], ...place }, sessionParts);
  expect(signedUp).toMatchObject({
    __typename: 'Session',
    role: 'OWNER',
    user: { email: account.email, name: 'Ana', googleLinkedAt: expect.any(String) },
    tenant: { name: 'Casa Nova' },
  });
  const signedIn = await goThrough(api, account);
  expect(signedIn).toMatchObject({ __typename: 'Session', user: { id: signedUp['user'].id } });

  const person = {
    graphql: (query: string, variables?: object) => api.graphql(query, { ...variables }, signedIn['accessToken']),
  };
  const unlinked = await mutate(person, 'googleUnlink', {});
  expect(unlinked['__typename'], 'the last way to sign in stays').toBe('ConflictError');
  expect((await mutate(person, 'sessionConfirm', { password: 'x' }))['__typename']).toBe('InvalidInputError');
});

test('an account with the same e-mail address is not the same person', async ({ api, shop }) => {
  const account = ana({ email: shop.email });
  const answer = await goThrough(api, account);
  expect(answer['__typename']).toBe('IdentityUnknownError');
  const taken = await askFor(api, 'googleSignUp', { identity: answer['identity'], ...place }, sessionParts);
  expect(taken['__typename']).toBe('EmailTakenError');
  expect((await goThrough(api, account))['__typename'], 'still').toBe('IdentityUnknownError');
});

test('a person links a Google account, signs in with it whatever its address, and unlinks it', async ({
  api,
  shop,
  signUp,
  database,
}) => {
  const account = ana();
  const identity = await identityOf(api, account);
  const link = { identity, idempotencyKey: randomUUID() };
  const linked = await mutate(shop, 'googleLink', link, '... on User { googleLinkedAt }');
  expect(linked['googleLinkedAt']).toEqual(expect.any(String));
  expect(await mutate(shop, 'googleLink', link, '... on User { googleLinkedAt }'), 'again').toEqual(linked);
  const renamed = { ...account, email: 'somebody-else@example.com' };
  expect(await goThrough(api, renamed)).toMatchObject({
    __typename: 'Session',
    tenant: { id: expect.any(String) },
  });

  const other = await signUp();
  expect((await mutate(other, 'googleLink', { identity }))['__typename'], 'it has a person').toBe('ConflictError');
  const second = await identityOf(api, ana());
  expect((await mutate(shop, 'googleLink', { identity: second }))['__typename'], 'one each').toBe('ConflictError');

  const unlinked = await mutate(shop, 'googleUnlink', {}, '... on User { googleLinkedAt }');
  expect(unlinked).toEqual({ __typename: 'User', googleLinkedAt: null });
  expect((await goThrough(api, account))['__typename']).toBe('IdentityUnknownError');
  await using superuser = await connect(database.superuserUrl);
  const { rows } = await superuser.query(`select action from audit_entries where action ^@ 'google' order by id`);
  expect(rows).toEqual([{ action: 'google.link' }, { action: 'google.unlink' }]);
});

test('linking and unlinking take a fresh proof', async ({ api, shop, clock }) => {
  const identity = await identityOf(api, ana());
  clock.advance(6 * minuteMs);
  expect((await mutate(shop, 'googleLink', { identity }))['__typename']).toBe('ConfirmationRequiredError');
  expect((await mutate(shop, 'googleUnlink', {}))['__typename']).toBe('ConfirmationRequiredError');
  await mutate(shop, 'sessionConfirm', { password: shop.password });
  expect((await mutate(shop, 'googleLink', { identity }))['__typename']).toBe('User');
});

test('two people who link one account at the same moment: one gets it', async ({ api, signUp }) => {
  const people = [await signUp(), await signUp()];
  const identity = await identityOf(api, ana());
  const answers = await Promise.all(people.map((person) => mutate(person, 'googleLink', { identity })));
  expect(tally(answers)).toEqual({ ConflictError: 1, User: 1 });
});

test('signing in with Google owes the second factor as a password does', async ({ api, shop, clock }) => {
  const account = ana();
  await mutate(shop, 'googleLink', { identity: await identityOf(api, account) });
  const { secret } = await setUpTotp(shop, clock);
  const first = await goThrough(api, account);
  expect(first['__typename']).toBe('SecondFactorRequiredError');
  const input = { challenge: first['challenge'], code: codeAt(secret, clock.now()) };
  expect((await askFor(api, 'signInConfirm', input))['__typename']).toBe('Session');
});

test('a code is good once, and only with the attempt that it came of', async ({ api }) => {
  const account = ana();
  const [one, other] = [await begin(api), await begin(api)];
  const came = await visitGoogle(one['url'], account);
  const send = (input: object) =>
    askFor(api, 'googleSignIn', { attempt: one['attempt'], ...came, ...input }, signInParts);
  expect(await send({ attempt: other['attempt'] }), 'a foreign state').toMatchObject({ code: 'INVALID_INPUT' });
  expect(await send({ state: 'forged' })).toMatchObject({ code: 'INVALID_INPUT' });
  expect(await send({ attempt: 'v1.test.forged' })).toMatchObject({ code: 'INVALID_INPUT' });
  const foreign = await visitGoogle(other['url'], account);
  expect(await send({ code: foreign.code }), 'a code of another attempt: wrong PKCE verifier').toMatchObject({
    code: 'PARTNER_REFUSED',
  });
  expect((await send({}))['__typename']).toBe('IdentityUnknownError');
  expect(await send({}), 'used').toMatchObject({ code: 'PARTNER_REFUSED' });
});

test('what was handed out is good for ten minutes, and for its own purpose', async ({ api, shop, clock }) => {
  const { url, attempt } = await begin(api);
  const came = await visitGoogle(url, ana());
  const identity = await identityOf(api, ana());
  expect((await mutate(shop, 'googleLink', { identity: attempt }))['__typename']).toBe('InvalidInputError');
  expect((await askFor(api, 'googleSignIn', { ...came, attempt: identity }))['code']).toBe('INVALID_INPUT');
  clock.advance(10 * minuteMs);
  expect((await askFor(api, 'googleSignIn', { ...came, attempt }))['code']).toBe('INVALID_INPUT');
  await mutate(shop, 'sessionConfirm', { password: shop.password });
  expect((await mutate(shop, 'googleLink', { identity }))['__typename']).toBe('InvalidInputError');
});

test('an id token that is not for this sign-in opens nothing', async ({ api, double }) => {
  const past = Math.floor(Date.now() / 1_000) - 3_600;
  const lies: Record<string, object> = {
    nonce: { nonce: 'another' },
    'no nonce': { nonce: undefined },
    audience: { aud: 'somebody-else' },
    'one audience of several': { aud: ['somebody-else', 'parley'], azp: 'somebody-else' },
    issuer: { iss: 'https://accounts.example' },
    expired: { iat: past - 60, exp: past },
  };
  for (const [name, lie] of Object.entries(lies)) {
    double.tamper = (claims) => ({ ...claims, ...lie });
    expect(await goThrough(api, ana()), name).toMatchObject({ code: 'PARTNER_REFUSED' });
  }
  double.tamper = (claims) => claims;
  const { privateKey: anotherKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  for (const signer of [anotherKey, createSecretKey(double.config.clientSecret, 'utf8')]) {
    double.signer = signer;
    expect(await goThrough(api, ana()), `signed by a ${signer.type}`).toMatchObject({ code: 'PARTNER_REFUSED' });
  }
  double.signer = undefined;
  expect((await goThrough(api, ana()))['__typename'], 'the same without a lie').toBe('IdentityUnknownError');
});

test('where Google cannot be reached, or is not set up, that is what one is told', async ({
  api,
  double,
  db,
  keys,
  storage,
  clock,
}) => {
  double.status = 503;
  expect(await begin(api)).toMatchObject({ __typename: 'PartnerUnavailableError' });
  double.status = undefined;
  expect((await begin(api))['__typename'], 'a failure is not remembered').toBe('GoogleAttempt');
  const asked = double.asked.length;
  await begin(api);
  expect(double.asked.length, 'what Google says of itself is').toBe(asked);
  await using off = await startTestApi({ db, keys, storage, clock });
  expect(await begin(off)).toMatchObject({ __typename: 'PartnerOffError', code: 'PARTNER_OFF' });
});

test('an address that Google has not verified is asked for by mail', async ({ api, database }) => {
  for (const isEmailVerified of [true, false]) {
    const identity = await identityOf(api, ana({ isEmailVerified }));
    await askFor(api, 'googleSignUp', { identity, ...place }, sessionParts);
  }
  await using superuser = await connect(database.superuserUrl);
  const { rows } = await superuser.query('select email_verified_at is not null as verified from users order by id');
  expect(rows).toEqual([{ verified: true }, { verified: false }]);
});
