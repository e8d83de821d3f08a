import { getNamedType, isUnionType } from 'graphql';
import { readProxies } from '../api/address.ts';
import {
  beginAttempt,
  endAttempt,
  forgetAttempts,
  type AttemptLimits,
  TooManyAttemptsError,
} from '../domain/limits/attempts.ts';
import { inScope, type Tx } from '../prisma/client.ts';
import { expect, type GraphQLAnswer, type Person, startTestApi, type TestApi } from '../test/fixtures.ts';
import { test as base } from '../test/mails.ts';
import { connect } from '../test/sql.ts';
import { setUpTotp } from '../test/totp.ts';
import { sensitive } from './attempts.ts';
import { schema } from './index.ts';

const limits: AttemptLimits = {
  perAccount: 3,
  perNetwork: 8,
  delayMs: 3_600_000, // what is refused stays refused while a test runs
  accountDelayMsMax: 3_600_000,
  networkDelayMsMax: 3_600_000,
  forgottenAfterMs: 7_200_000,
};

type Strict = {
  apis: [TestApi, TestApi];
  signInFrom: (network: string, email: string, password: string, api?: TestApi) => Promise<string>;
};

/** Two processes of one fleet behind a proxy, which says where a request comes from. */
const test = base.extend<Strict>({
  apis: async ({ db, keys, storage, clock }, use) => {
    const given = { db, keys, storage, clock, services: { attempts: limits } };
    const proxies = readProxies(['127.0.0.1']);
    await using one = await startTestApi(given, { proxies });
    await using other = await startTestApi(given, { proxies });
    await use([one, other]);
  },
  signInFrom: async ({ apis }, use) => {
    await use(async (network, email, password, api = apis[0]) => {
      const query = 'mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }';
      const answer = await from(api, network, query, { input: { email, password } });
      return answer.data['signIn']['__typename'];
    });
  },
});

async function from(
  api: TestApi,
  network: string,
  query: string,
  variables: object = {},
  accessToken = '',
): Promise<GraphQLAnswer> {
  const authorization = accessToken ? { authorization: `Bearer ${accessToken}` } : {};
  const answer = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': network, ...authorization },
    body: JSON.stringify({ query, variables }),
  });
  return (await answer.json()) as GraphQLAnswer;
}

const wrong = 'not the password';

test('guessing at one account is slowed down, in the whole fleet, and the same for an account that is none', async ({
  apis,
  shop,
  signInFrom,
}) => {
  const guess = async (email: string) => {
    const told: string[] = [];
    for (let time = 0; time < 6; time += 1) {
      told.push(await signInFrom(`198.51.100.${time}`, email, wrong, apis[time % 2]));
    }
    return told;
  };
  const [known, unknown] = [await guess(shop.email), await guess('nobody@example.com')];
  expect(known.slice(0, 3)).toEqual(Array(3).fill('InvalidCredentialsError'));
  expect(known.slice(3)).toEqual(Array(3).fill('RateLimitedError'));
  expect(unknown).toEqual(known);
});

test('many at the same moment, and many in one document, are counted one by one', async ({
  apis,
  shop,
  signInFrom,
}) => {
  const told = await Promise.all(
    Array.from({ length: 12 }, (_, time) => signInFrom(`198.51.100.${time}`, shop.email, wrong, apis[time % 2])),
  );
  expect(told.filter((one) => one === 'InvalidCredentialsError')).toHaveLength(3);
  expect(told.filter((one) => one === 'RateLimitedError')).toHaveLength(9);

  const input = `{ email: "another@example.com", password: "${wrong}" }`;
  const aliases = Array.from({ length: 20 }, (_, i) => `a${i}: signIn(input: ${input}) { __typename }`);
  const answer = await from(apis[0], '203.0.113.9', `mutation { ${aliases.join(' ')} }`);
  const types = Object.values(answer.data).map((one) => (one as { __typename: string }).__typename);
  expect(types.filter((one) => one === 'InvalidCredentialsError')).toHaveLength(3);
  expect(types.filter((one) => one === 'RateLimitedError')).toHaveLength(17);
});

test('trying many accounts from one network is slowed down, whichever address of a /64 it comes from', async ({
  signInFrom,
}) => {
  const told: string[] = [];
  for (let time = 0; time < 10; time += 1) {
    told.push(await signInFrom(`2001:db8:1:2::${time + 1}`, `somebody${time}@example.com`, wrong));
  }
  expect(told).toEqual([...Array(8).fill('InvalidCredentialsError'), ...Array(2).fill('RateLimitedError')]);
  expect(await signInFrom('2001:db8:1:3::1', 'somebody@example.com', wrong)).toBe('InvalidCredentialsError');
});

test('nobody locks the owner out: where the account was opened before, it is opened again', async ({
  shop,
  signInFrom,
}) => {
  const home = '203.0.113.5';
  expect(await signInFrom(home, shop.email, shop.password)).toBe('Session');
  for (let time = 0; time < 5; time += 1) await signInFrom(`198.51.100.${time}`, shop.email, wrong);
  expect(await signInFrom('198.51.100.77', shop.email, shop.password)).toBe('RateLimitedError');
  expect(await signInFrom(home, shop.email, shop.password)).toBe('Session');
  // There too, one may not try for ever.
  for (let time = 0; time < 3; time += 1) await signInFrom(home, shop.email, wrong);
  expect(await signInFrom(home, shop.email, shop.password)).toBe('RateLimitedError');
});

test('a new password by mail opens the way again, where the owner is and where the account was opened before', async ({
  apis,
  shop,
  signInFrom,
  mails,
}) => {
  const [home, cafe] = ['203.0.113.5', '203.0.113.6'];
  expect(await signInFrom(home, shop.email, shop.password)).toBe('Session');
  for (const network of [home, cafe]) {
    for (let time = 0; time < 4; time += 1) await signInFrom(network, shop.email, wrong);
    expect(await signInFrom(network, shop.email, shop.password)).toBe('RateLimitedError');
    const ask = 'mutation ($email: String!) { passwordResetRequest(input: { email: $email }) { __typename } }';
    await from(apis[0], network, ask, { email: shop.email });
    const token = await mails.newestToken(shop.email);
    const password = `gentil vento azul ${network}`;
    const reset = 'mutation ($input: PasswordResetInput!) { passwordReset(input: $input) { __typename } }';
    const { data } = await from(apis[0], network, reset, { input: { token, password } });
    expect(data['passwordReset']).toEqual({ __typename: 'PasswordWasReset' });
    expect(await signInFrom(network, shop.email, password)).toBe('Session');
  }
});

test('a second factor opens the way again, and signing in with one is never too often', async ({
  apis,
  shop,
  clock,
  signInFrom,
}) => {
  const { email, password } = shop;
  const { recoveryCodes } = await setUpTotp(shop, clock);
  const home = '203.0.113.5';
  const challenge = async () => {
    const query = `mutation ($input: SignInInput!) { signIn(input: $input) { __typename
      ... on SecondFactorRequiredError { challenge } } }`;
    return (await from(apis[0], home, query, { input: { email, password } })).data['signIn']['challenge'] as string;
  };
  const confirm = async (given: string) => {
    const query = 'mutation ($input: SignInConfirmInput!) { signInConfirm(input: $input) { __typename } }';
    const input = { challenge: given, recoveryCode: recoveryCodes.pop() };
    return (await from(apis[0], home, query, { input })).data['signInConfirm']['__typename'] as string;
  };
  for (let time = 0; time < 5; time += 1) expect(await confirm(await challenge())).toBe('Session');

  for (const guessedAt of ['198.51.100.1', home]) {
    const open = await challenge();
    for (let time = 0; time < 4; time += 1) await signInFrom(guessedAt, email, wrong);
    expect(await signInFrom(guessedAt, email, password)).toBe('RateLimitedError');
    expect(await confirm(open)).toBe('Session');
    expect(await signInFrom(guessedAt, email, password)).toBe('SecondFactorRequiredError');
  }
});

test('what succeeds is not held against the network', async ({ apis, shop, signInFrom, signUp }) => {
  const people: Person[] = [shop, await signUp(), await signUp()];
  for (let time = 0; time < 4; time += 1) {
    for (const { email, password } of people) {
      expect(await signInFrom('203.0.113.5', email, password, apis[time % 2])).toBe('Session');
    }
  }
});

const token = 'not a token';
const place = { country: 'BR', timeZone: 'UTC' };

/** What somebody would send who guesses, or who has us send mails. */
const guesses: Record<string, object> = {
  signIn: { email: 'ana@example.com', password: wrong },
  signInConfirm: { challenge: token, code: '000000' },
  signUp: { tenantName: 'X', name: 'X', email: 'ana@example.com', password: wrong, ...place },
  passwordResetRequest: { email: 'ana@example.com' },
  passwordReset: { token, password: wrong },
  passwordChange: { currentPassword: wrong, newPassword: 'another wrong one' },
  emailVerify: { token },
  emailVerificationResend: {},
  sessionConfirm: { password: wrong },
  totpConfirm: { code: '000000' },
  invitationCreate: { email: 'ana@example.com', role: 'SELLER' },
  invitationAccept: { token },
  apiKeyReport: { key: token },
  googleSignInBegin: {},
  googleSignIn: { attempt: token, code: token, state: token },
  googleSignUp: { identity: token, tenantName: 'X', ...place },
};

test('each of them is slowed down', async ({ apis, shop }) => {
  expect(Object.keys(guesses).sort()).toEqual(Object.keys(sensitive).sort());
  for (const [name, input] of Object.entries(guesses)) {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { __typename } }`;
    const told: unknown[] = [];
    for (let time = 0; time <= limits.perNetwork; time += 1) {
      const { data } = await from(apis[time % 2]!, '203.0.113.9', query, { input }, shop.accessToken);
      told.push((data?.[name] as { __typename: string } | null)?.__typename);
    }
    expect(told[0], name).not.toBe('RateLimitedError');
    expect(told.at(-1), name).toBe('RateLimitedError');
  }
});

test('delays grow up to a limit, are said, and end; what is long ago is forgotten', async ({ db, database }) => {
  const secret = Buffer.alloc(32, 1);
  const attempt = { what: 'test', account: 'a', network: '198.51.100.1' };
  const growing = {
    ...limits,
    perAccount: 2,
    delayMs: 60_000,
    accountDelayMsMax: 200_000,
    forgottenAfterMs: 7_200_000,
  };
  const begin = () => inScope(db, {}, (tx) => beginAttempt(tx, secret, attempt, growing));
  await using superuser = await connect(database.superuserUrl);
  const pass = (time: string) =>
    superuser.query(`update attempt_counts set next_at = next_at - $1::interval, last_at = last_at - $1::interval`, [
      time,
    ]);
  await begin();
  for (const seconds of [60, 120, 200, 200]) {
    await begin();
    const refused = await begin().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TooManyAttemptsError);
    const { retryAfter } = refused as TooManyAttemptsError;
    expect(retryAfter).toBeLessThanOrEqual(seconds);
    expect(retryAfter).toBeGreaterThan(seconds - 30);
    await pass(`${seconds} seconds`);
  }
  await pass('3 hours');
  await begin();
  await begin(); // as often as at first
  await expect(begin()).rejects.toBeInstanceOf(TooManyAttemptsError);
  await inScope(db, {}, (tx) => endAttempt(tx, secret, { attempt, isKnown: false }));
  expect(await begin()).toMatchObject({ isKnown: true });
});

test('many who try and succeed at the same moment never wait for each other in a circle', async ({ db }) => {
  const secret = Buffer.alloc(32, 1);
  const free = { ...limits, perAccount: 1_000, perNetwork: 1_000 };
  const write = (fn: (tx: Tx) => Promise<unknown>) => inScope(db, {}, fn);
  for (let round = 0; round < 30; round += 1) {
    const tries = Array.from({ length: 8 }, async (_, index) => {
      const attempt = { what: 'test', account: `a${round} ${index % 2}`, network: `198.51.100.${round}` };
      await write((tx) => beginAttempt(tx, secret, attempt, free));
      await write((tx) =>
        index < 6 ? endAttempt(tx, secret, { attempt, isKnown: index < 2 }) : forgetAttempts(tx, secret, attempt),
      );
    });
    await Promise.all(tries);
  }
});

test('what is counted names nobody', async ({ database, shop, signInFrom }) => {
  await signInFrom('203.0.113.5', shop.email, wrong);
  await signInFrom('203.0.113.5', shop.email, shop.password);
  await using superuser = await connect(database.superuserUrl);
  const keys = await superuser.sql<{ length: number }>`
    select length(key) as length from attempt_counts union all select length(key) from known_places`;
  expect(keys.length).toBeGreaterThan(1);
  expect(keys.every(({ length }) => length === 16)).toBe(true);
});

test('every mutation that is counted can say so', () => {
  const mutations = schema.getMutationType()?.getFields() ?? {};
  const here = Object.keys(sensitive).filter((name) => name in mutations);
  expect(here).toEqual(expect.arrayContaining(['signIn', 'signUp']));
  const silent = here.filter((name) => {
    const result = getNamedType(mutations[name]?.type);
    return !isUnionType(result) || !result.getTypes().some((type) => type.name === 'RateLimitedError');
  });
  expect(silent).toEqual([]);
});

/** Open to everybody, and nothing to guess with: the token is 256 bits long, and what it costs is paid in points. */
const harmless = ['sessionRefresh', 'signOut'];

test('every mutation that is open to everybody is counted, or harmless', () => {
  const open = Object.values(schema.getMutationType()?.getFields() ?? {}).filter(({ extensions }) => {
    const { pothosOptions } = extensions as { pothosOptions?: { authScopes?: object } };
    return 'public' in (pothosOptions?.authScopes ?? {});
  });
  expect(
    open
      .map(({ name }) => name)
      .filter((name) => !(name in sensitive))
      .sort(),
  ).toEqual(harmless);
});
