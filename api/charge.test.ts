import { createDb } from '../prisma/client.ts';
import { createLog } from '../runtime/log.ts';
import { type Clock, expect, type Person, startTestApi, test as base, type TestApi } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import type { AuthKeys } from '../domain/auth/keys.ts';
import type { Storage } from '../runtime/storage.ts';
import { createBudget } from './budget.ts';
import type { CostOptions } from './charge.ts';

/** An operation of 102 points. */
const query = '{ contacts(first: 100) { nodes { id } } }';
const price = 102;

type Asked = { status: number; retryAfter: string | null; code: unknown; cost: Record<string, number> };

async function ask(api: TestApi, caller: Person | null, accept = 'application/json', text = query): Promise<Asked> {
  const answer = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: {
      accept,
      'content-type': 'application/json',
      ...(caller ? { authorization: `Bearer ${caller.accessToken}` } : {}),
    },
    body: JSON.stringify({ query: text }),
  });
  const { errors, extensions } = (await answer.json()) as {
    errors?: { extensions: Record<string, unknown> }[];
    extensions: { cost: Record<string, number> };
  };
  const { cost } = extensions;
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    code: errors?.[0]?.extensions['code'],
    cost,
  };
}

type Given = {
  database: { urls: { app: string } };
  db: Parameters<typeof startTestApi>[0]['db'];
  keys: AuthKeys;
  storage: Storage;
  clock: Clock;
};

/** Starts APIs as processes of one fleet: each with a budget of its own, over the same buckets. */
const test = base.extend<{ start: (cost: Partial<CostOptions['allowances']>, costMax?: number) => Promise<TestApi> }>({
  start: async ({ database, db, keys, storage, clock }: Given, use) => {
    await using started = new AsyncDisposableStack();
    await use(async (allowances, costMax = 100_000) => {
      const limitsDb = started.use(createDb(database.urls.app, { poolSize: 1, applicationName: 'parley-limits' }));
      const budget = createBudget({ db: limitsDb, log: createLog('silent') });
      const plenty = { capacity: 1e9, rate: 1e9 };
      const all = { caller: plenty, tenant: plenty, network: plenty, ...allowances };
      return started.use(
        await startTestApi({ db, keys, storage, clock }, { cost: { costMax, budget, allowances: all } }),
      );
    });
  },
});

test('every answer says what it cost and what is left', async ({ start, shop }) => {
  const api = await start({ caller: { capacity: 10_000, rate: 500 } });
  const first = await ask(api, shop);
  expect(first).toMatchObject({ status: 200, code: undefined, cost: { requested: price, restoreRate: 500 } });
  expect(first.cost['available']).toBeLessThanOrEqual(10_000 - price);
  expect(first.cost['available']).toBeGreaterThan(9_000);
  const failing = await ask(api, null);
  expect(failing).toMatchObject({ code: 'UNAUTHENTICATED', cost: { requested: price } });
});

test('an operation that is too dear is refused before it runs, and costs nothing', async ({ start, shop }) => {
  const api = await start({ caller: { capacity: 10_000, rate: 1 } }, 101);
  for (let time = 0; time < 3; time += 1) {
    const refused = await ask(api, shop);
    expect(refused).toMatchObject({ status: 200, code: 'COST_LIMIT', cost: { requested: price, available: 10_000 } });
  }
  expect(await ask(api, shop, 'application/graphql-response+json')).toMatchObject({ status: 400, code: 'COST_LIMIT' });
});

test('the processes of a fleet share a bucket, to within a slice for each', async ({ start, shop, signUp }) => {
  const allowance = { capacity: 8_160, rate: 0.001 }; // 80 operations; a slice is a twentieth
  const apis = [await start({ caller: allowance }), await start({ caller: allowance })];
  const other = await signUp();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => ask(apis[index % 2] ?? apis[0]!, shop)));
  const allowed = answers.filter(({ code }) => code === undefined).length;
  expect(allowed).toBeGreaterThanOrEqual(72);
  expect(allowed).toBeLessThanOrEqual(88);
  const refused = answers.find(({ code }) => code !== undefined);
  expect(refused).toMatchObject({ status: 200, code: 'RATE_LIMITED', retryAfter: expect.stringMatching(/^\d+$/) });
  expect((await ask(apis[0]!, shop, 'application/graphql-response+json')).status).toBe(429);
  for (const api of apis) expect(await ask(api, other)).toMatchObject({ status: 200, code: undefined }); // each caller has its own
  const fresh = await start({ caller: allowance }); // a process that starts anew lends a slice, and no more
  const lent = await Promise.all(Array.from({ length: 20 }, () => ask(fresh, shop)));
  expect(lent.filter(({ code }) => code === undefined).length).toBeLessThanOrEqual(4);
});

test('a bucket fills up again', async ({ start, shop }) => {
  const api = await start({ caller: { capacity: 300, rate: 400 } });
  await Promise.all(Array.from({ length: 10 }, () => ask(api, shop)));
  await expect.poll(async () => (await ask(api, shop)).code, { timeout: 20_000 }).toBeUndefined();
});

test('a tenant has one bucket for all of its callers, and a network one for nobody in particular', async ({
  start,
  shop,
  signUp,
}) => {
  const other = await signUp();
  const api = await start({ tenant: { capacity: 1_020, rate: 0.001 }, network: { capacity: 40, rate: 0.001 } });
  const codes = async (caller: Person | null, text?: string) =>
    (await Promise.all(Array.from({ length: 30 }, () => ask(api, caller, undefined, text)))).map(({ code }) => code);
  expect(await codes(shop)).toContain('RATE_LIMITED');
  expect((await ask(api, other)).code).toBeUndefined();
  expect(await codes(null, 'mutation { signOut(input: { refreshToken: "x" }) { __typename } }')).toContain(
    'RATE_LIMITED',
  );
  expect((await ask(api, other)).code).toBeUndefined();
});

test('what a bucket is called says nothing of whose it is', async ({ start, shop, database }) => {
  const api = await start({});
  await ask(api, shop);
  await ask(api, null);
  await using superuser = await connect(database.superuserUrl);
  const keys = () => superuser.sql<{ length: number }>`select length(key) as length from cost_buckets`;
  await expect.poll(async () => (await keys()).length).toBe(3);
  expect(await keys()).toEqual([{ length: 16 }, { length: 16 }, { length: 16 }]);
});

test('while the buckets cannot be asked, nothing is refused because of them', async ({
  db,
  keys,
  storage,
  clock,
  shop,
}) => {
  await using nowhere = createDb('postgresql://nobody:nothing@127.0.0.1:1/nowhere');
  const budget = createBudget({ db: nowhere, log: createLog('silent') });
  const small = { capacity: 400, rate: 1 };
  const cost = { costMax: 1_000, budget, allowances: { caller: small, tenant: small, network: small } };
  await using api = await startTestApi({ db, keys, storage, clock }, { cost });
  for (let time = 0; time < 10; time += 1) expect((await ask(api, shop)).code).toBeUndefined();
});
