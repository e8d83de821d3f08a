import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { type AuthKeys, loadAuthKeys, type RawKey } from '../domain/auth/keys.ts';
import { expect, sendOperation, startTestApi, type TestApi, test } from '../test/fixtures.ts';

const signingKey = (kid: string): RawKey => ({
  kid,
  key: generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }),
});
const [old, next] = [signingKey('2026'), signingKey('2027')];
const [oldSecret, newSecret] = [
  { kid: '2026', key: randomBytes(32) },
  { kid: '2027', key: randomBytes(32) },
];
const keysOf = (jwt: RawKey[], secrets: RawKey[]) => loadAuthKeys('http://parley.test', jwt, secrets);

const who = async (api: TestApi, accessToken: string) =>
  (await sendOperation(api.url, '{ viewer { user { id } } }', {}, accessToken)).data['viewer']?.user.id as
    string | undefined;

const refresh = async (api: TestApi, refreshToken: string) => {
  const answer = await api.graphql(
    `mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) {
      __typename ... on Session { accessToken refreshToken } } }`,
    { input: { refreshToken } },
  );
  return answer.data['sessionRefresh'] as { __typename: string; accessToken: string; refreshToken: string };
};

const kidOf = (token: string) => decodeProtectedHeader(token).kid;

test('keys are changed on two machines, one after the other, and nobody is signed out at any moment', async ({
  db,
  storage,
  clock,
  signUp,
  api: first,
  keys,
}) => {
  const start = (given: AuthKeys) => startTestApi({ db, storage, clock, keys: given });
  const person = await signUp();

  const shared = keys.secrets.map((key, index) => ({ kid: `shared-${index}`, key }));
  const stage = (signing: RawKey[], secrets: RawKey[]) => start(keysOf(signing, secrets));
  await using a0 = await stage([old], [oldSecret, ...shared]);
  await using b0 = await stage([old], [oldSecret, ...shared]);
  let session = await refresh(a0, person.refreshToken);
  expect(session.__typename).toBe('Session');
  const tokens = [session.accessToken];
  /** Every token that was handed out in this quarter of an hour opens on every machine; the session goes on there. */
  const everybodyIsIn = async (...apis: TestApi[]) => {
    for (const api of apis) {
      for (const token of tokens) expect(await who(api, token), kidOf(token)).toBeDefined();
      const before = session;
      session = await refresh(api, before.refreshToken);
      expect(session.__typename).toBe('Session');
      tokens.push(session.accessToken);
      for (const other of apis) {
        expect(await who(other, session.accessToken)).toBeDefined();
        // A lost answer, repeated on the other machine, gives the same successor: whichever secret is the first there.
        expect((await refresh(other, before.refreshToken)).refreshToken).toBe(session.refreshToken);
      }
    }
  };
  await everybodyIsIn(a0, b0);

  // 1. The new keys come behind the old ones, machine by machine: they are known before anybody uses them.
  const known = [
    [old, next],
    [oldSecret, newSecret, ...shared],
  ] as const;
  await using a1 = await stage([...known[0]], [...known[1]]);
  await everybodyIsIn(a1, b0);
  await using b1 = await stage([...known[0]], [...known[1]]);
  await everybodyIsIn(a1, b1);
  expect(kidOf(session.accessToken)).toBe('2026');

  // 2. They go to the front, machine by machine.
  const used = [
    [next, old],
    [newSecret, oldSecret, ...shared],
  ] as const;
  await using a2 = await stage([...used[0]], [...used[1]]);
  await everybodyIsIn(a2, b1);
  expect(new Set(tokens.map(kidOf))).toEqual(new Set(['2026', '2027']));
  await using b2 = await stage([...used[0]], [...used[1]]);
  await everybodyIsIn(a2, b2);
  expect(kidOf(session.accessToken)).toBe('2027');

  // 3. When the last token of the old key has expired, it goes. Too early, and its tokens are nobody’s.
  await using early = await stage([next], [newSecret]);
  const [oldest = ''] = tokens;
  expect(await who(early, oldest)).toBeUndefined();
  clock.advance(15 * 60_000 + 11_000);
  expect(await who(a2, oldest)).toBeUndefined(); // it has expired by itself
  tokens.length = 0;
  await using a3 = await stage([next], [newSecret]);
  await everybodyIsIn(a3, b2);
  await using b3 = await stage([next], [newSecret]);
  await everybodyIsIn(a3, b3);
  expect(await who(first, session.accessToken)).toBeUndefined(); // a machine that was forgotten knows none of this
});
