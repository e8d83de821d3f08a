// The trial fields come first: the schema is built when the fixtures import it.
import { orphan } from '../test/trial-fields.ts';
import { createDb, type Db } from '../prisma/client.ts';
import { expect, startTestApi, test, type Person } from '../test/fixtures.ts';
import { connect, type Connection } from '../test/sql.ts';

const trial = '__typename ... on Trial { tag tags tenant { name } } ... on UserError { code message }';

async function tagNames(shop: Person) {
  return (await shop.graphql('{ trialTags }')).data['trialTags'];
}

test('a typed error after a write leaves no row', async ({ shop }) => {
  const answer = await shop.graphql(`mutation { trialWrite(name: "a", fail: TYPED) { ${trial} } }`);
  expect(answer).toEqual({
    data: { trialWrite: { __typename: 'ConflictError', code: 'CONFLICT', message: 'Refused.' } },
  });
  expect(await tagNames(shop)).toEqual([]);
});

test('a bug after a write leaves no row, and says nothing of itself', async ({ shop }) => {
  const answer = await shop.graphql(`mutation { trialWrite(name: "a", fail: BUG) { ${trial} } }`);
  expect(answer).toMatchObject({ data: { trialWrite: null }, errors: [{ message: 'Something went wrong.' }] });
  expect(await tagNames(shop)).toEqual([]);
});

test('a failing sub-selection leaves the write, and is an error', async ({ shop }) => {
  const answer = await shop.graphql('mutation { trialWrite(name: "a") { ... on Trial { tag broken } } }');
  expect(answer).toMatchObject({
    data: { trialWrite: null },
    errors: [{ path: ['trialWrite', 'broken'], extensions: { code: 'INTERNAL' } }],
  });
  expect(await tagNames(shop)).toEqual(['a']);
});

test('the answer of a mutation is read from what was committed, relations included', async ({ shop }) => {
  const answer = await shop.graphql(`mutation {
    one: trialWrite(name: "a") { ${trial} }
    two: trialWrite(name: "b") { ${trial} } }`);
  expect(answer).toEqual({
    data: {
      one: { __typename: 'Trial', tag: 'a', tags: ['a'], tenant: { name: 'Shop 1' } },
      two: { __typename: 'Trial', tag: 'b', tags: ['a', 'b'], tenant: { name: 'Shop 1' } },
    },
  });
});

test('a mutation field that failed does not keep the next one from its work', async ({ shop }) => {
  const answer = await shop.graphql(`mutation {
    one: trialWrite(name: "a", fail: BUG) { ${trial} }
    two: trialWrite(name: "b", fail: TYPED) { ${trial} }
    three: trialWrite(name: "c") { ... on Trial { broken } }
    four: trialWrite(name: "d") { ${trial} } }`);
  expect(answer.data).toMatchObject({
    one: null,
    two: { code: 'CONFLICT' },
    three: null,
    four: { tag: 'd', tags: ['c', 'd'] },
  });
  expect(answer.errors?.map(({ path }) => path)).toEqual([['one'], ['three', 'broken']]);
});

test('one operation holds at most one connection, whatever it does', async ({
  database,
  keys,
  storage,
  clock,
  shop,
}) => {
  await using db = createDb(database.urls.app, { poolSize: 1 }); // with a second one it would wait for itself
  await using api = await startTestApi({ db, keys, storage, clock });
  const query = '{ a: trialTags b: trialTags viewer { user { name } tenant { name } } tenant { name } }';
  const mutation = (name: string) => `mutation {
    one: trialWrite(name: "${name}1") { ${trial} } two: trialWrite(name: "${name}2") { ${trial} }
    tenantUpdate(input: { idempotencyKey: "${name}", name: "Renamed" }) { ... on Tenant { name } } }`;
  const answers = await Promise.all(
    [query, mutation('a'), query, mutation('b'), query].map((text) => api.graphql(text, {}, shop.accessToken)),
  );
  expect(answers.map(({ errors }) => errors)).toEqual(answers.map(() => undefined));
});

test('no operation opens a transaction that it does not need', async ({ db, keys, storage, clock, shop }) => {
  const watched = watch(db);
  await using api = await startTestApi({ db: watched.db, keys, storage, clock });
  const opens = async (text: string, accessToken?: string) => {
    await expect.poll(watched.open).toBe(0); // an answer does not wait for the end of what was only read
    const before = watched.opened();
    expect((await api.graphql(text, {}, accessToken)).errors).toBeUndefined();
    return watched.opened() - before;
  };
  expect(await opens('{ __typename viewer { role } }')).toBe(0);
  expect(await opens('{ viewer { role user { name } } tenant { name } trialTags }', shop.accessToken)).toBe(1);
  expect(await opens('mutation { trialWrite(name: "a") { ... on Trial { tag } } }', shop.accessToken)).toBe(2); // who asks, the write
  expect(await opens(`mutation { trialWrite(name: "b") { ${trial} } }`, shop.accessToken)).toBe(3);
  expect(watched.mostAtOnce()).toBe(1);
});

test('a resolver that runs on after its parent became null opens no transaction', async ({ shop, db }) => {
  const answer = await shop.graphql('{ trialOrphan { broken late } }');
  expect(answer).toMatchObject({ data: null, errors: [{ path: ['trialOrphan', 'broken'] }] });
  orphan.goOn.resolve();
  expect(await orphan.outcome.promise).toMatchObject({ message: 'The operation is over.' });
  await expect.poll(() => db.pool.idleCount).toBe(db.pool.totalCount);
});

test('an operation that takes too long is answered, and its statement is cancelled', async ({
  database,
  db,
  keys,
  storage,
  clock,
  shop,
}) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { timeoutMs: 300 });
  await using superuser = await connect(database.superuserUrl);
  for (const operation of ['{ trialSleep }', 'mutation { trialSleepWriting }']) {
    const answer = await api.graphql(operation, {}, shop.accessToken);
    expect(answer).toMatchObject({ data: null, errors: [{ extensions: { code: 'TIMEOUT' } }] });
    await expect.poll(() => busy(superuser), { timeout: 10_000 }).toEqual([]);
  }
  expect(await tagNames(shop)).toEqual([]);
});

test('when the client goes away, what it was reading is cancelled and no connection stays in a transaction', async ({
  api,
  database,
  shop,
}) => {
  await using superuser = await connect(database.superuserUrl);
  const gone = new AbortController();
  const asked = fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${shop.accessToken}` },
    body: JSON.stringify({ query: '{ trialSleep }' }),
    signal: gone.signal,
  });
  const refused = expect(asked).rejects.toThrow('aborted');
  await expect.poll(() => busy(superuser), { timeout: 10_000 }).toEqual([{ state: 'active' }]);
  gone.abort();
  await refused;
  await expect.poll(() => busy(superuser), { timeout: 10_000 }).toEqual([]);
});

test('a write that has begun is ended although its client has gone away', async ({ api, database, shop }) => {
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`begin`;
  await superuser.sql`lock table tags in exclusive mode`; // the write waits for it
  const gone = new AbortController();
  const asked = fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${shop.accessToken}` },
    body: JSON.stringify({
      query: 'mutation { one: trialWrite(name: "a") { __typename } two: trialWrite(name: "b") { __typename } }',
    }),
    signal: gone.signal,
  });
  const refused = expect(asked).rejects.toThrow('aborted');
  await using observer = await connect(database.superuserUrl);
  const waiting = () =>
    observer.sql`select 1 as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await expect.poll(waiting, { timeout: 10_000 }).toEqual([{ n: 1 }]);
  gone.abort();
  await refused;
  await expect.poll(() => api.logLines.join(''), { timeout: 10_000 }).toContain('"status":499');
  await superuser.sql`commit`;
  await expect.poll(() => tagNames(shop), { timeout: 10_000 }).toEqual(['a']); // and the field after it never ran
  await expect.poll(() => busy(observer), { timeout: 10_000 }).toEqual([]);
  expect(await tagNames(shop)).toEqual(['a']);
});

/** Counts transactions: how many there were, and how many at the same moment. */
function watch(db: Db): { db: Db; opened: () => number; open: () => number; mostAtOnce: () => number } {
  let opened = 0;
  let open = 0;
  let mostAtOnce = 0;
  const $transaction = async (...args: Parameters<Db['$transaction']>) => {
    opened += 1;
    mostAtOnce = Math.max(mostAtOnce, (open += 1));
    try {
      return await db.$transaction(...args);
    } finally {
      open -= 1;
    }
  };
  return {
    db: { ...db, $transaction: $transaction as Db['$transaction'] },
    opened: () => opened,
    open: () => open,
    mostAtOnce: () => mostAtOnce,
  };
}

/** What the application's connections are at, besides waiting for work. */
function busy({ sql }: Connection) {
  return sql<{ state: string }>`select state from pg_stat_activity
    where datname = current_database() and application_name = 'parley' and state <> 'idle'`;
}
