import { createServer, connect as connectSocket } from 'node:net';
import pg from 'pg';
import { createDb, type Db, inScope, inTenant } from './client.ts';
import { expect, test } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';

const newTag = (tenantId: string, name: string) => ({ tenantId, name, nameKey: name });

test('a statement outside of a transaction is refused', async ({ db }) => {
  const client = await db.pool.connect();
  await expect(client.query('select 1')).rejects.toThrow('outside of a transaction');
  await expect(client.query({ text: 'insert into tags values (1)' })).rejects.toThrow('outside of a transaction');
  client.release(true);
});

test('a transaction that does not say whose it is runs nothing', async ({ db, shop }) => {
  const create = db.$transaction((tx) => tx.tag.create({ data: newTag(shop.tenantId, 'a') }));
  await expect(create).rejects.toThrow('must first say whose it is');
  await expect(db.$transaction((tx) => tx.$queryRaw`select 1`)).rejects.toThrow('must first say whose it is');
  await expect(db.$transaction(async () => 'nothing asked')).resolves.toBe('nothing asked');
});

test('without a tenant there are no rows, and none can be written', async ({ db, shop }) => {
  await inTenant(db, shop.tenantId, (tx) => tx.tag.create({ data: newTag(shop.tenantId, 'a') }));
  await expect(inScope(db, {}, (tx) => tx.tag.findMany())).resolves.toEqual([]);
  await expect(inScope(db, {}, (tx) => tx.tag.updateMany({ data: { name: 'b' } }))).resolves.toEqual({ count: 0 });
  await expect(inScope(db, {}, (tx) => tx.tag.create({ data: newTag(shop.tenantId, 'b') }))).rejects.toThrow(
    'row-level security',
  );
  await expect(inTenant(db, shop.tenantId, (tx) => tx.tag.findMany({ select: { name: true } }))).resolves.toEqual([
    { name: 'a' },
  ]);
});

test('a tenant’s transaction can neither read nor write another tenant’s rows', async ({ db, signUp }) => {
  const [ana, bea] = [await signUp(), await signUp()];
  const tag = await inTenant(db, ana.tenantId, (tx) => tx.tag.create({ data: newTag(ana.tenantId, 'ana’s') }));
  const where = { tenantId_id: { tenantId: ana.tenantId, id: tag.id } };
  await inTenant(db, bea.tenantId, async (tx) => {
    expect(await tx.tag.findUnique({ where })).toBeNull();
    expect(await tx.tag.deleteMany()).toEqual({ count: 0 });
  });
  await expect(
    inTenant(db, bea.tenantId, (tx) => tx.tag.create({ data: newTag(ana.tenantId, 'bea’s') })),
  ).rejects.toThrow('row-level security');
});

test('on one connection nothing of a scope is left for the next one', async ({ database, signUp }) => {
  const [ana, bea] = [await signUp(), await signUp()];
  await using db = createDb(database.urls.app, { poolSize: 1 }); // as behind a pool of transactions: whoever comes next gets it
  const whose = (tx: Parameters<Parameters<typeof inScope>[2]>[0]) =>
    tx.$queryRaw`select current_setting('app.tenant_id', true) as tenant, current_setting('app.user_id', true) as person,
      current_setting('transaction_read_only') as readonly, pg_backend_pid() as pid`;
  const seen: unknown[] = [];
  await Promise.all(
    [ana, {}, bea, { userId: bea.userId }, {}, ana].map(async (scope, index) => {
      const failing = index % 2 === 0; // the last one is committed
      const ran = inScope(
        db,
        scope,
        async (tx) => {
          seen.push(...((await whose(tx)) as unknown[]));
          if (failing) throw new Error('rolled back');
        },
        { readOnly: index % 3 === 0 },
      );
      await (failing ? expect(ran).rejects.toThrow('rolled back') : ran);
    }),
  );
  const pid = (seen[0] as { pid: number }).pid;
  const row = (tenant: string, person: string, readonly: string) => ({ tenant, person, readonly, pid });
  expect(seen).toEqual([
    row(ana.tenantId, ana.userId, 'on'),
    row('', '', 'off'),
    row(bea.tenantId, bea.userId, 'off'),
    row('', bea.userId, 'on'),
    row('', '', 'off'),
    row(ana.tenantId, ana.userId, 'off'),
  ]);

  const client = await db.pool.connect(); // as it is left to whoever comes next, past our own refusal
  const plainly = pg.Client.prototype.query as (this: pg.ClientBase, text: string) => Promise<pg.QueryResult>;
  const setting = (name: string) => `current_setting('app.${name}', true)`;
  const left = await plainly.call(client, `select ${setting('tenant_id')} as tenant, ${setting('user_id')} as person`);
  expect(left.rows).toEqual([{ tenant: '', person: '' }]);
  client.release(true);
});

test('two tenants’ lookups in the same tick do not mix', async ({ db, signUp }) => {
  const shops = [await signUp(), await signUp()];
  const tags = await Promise.all(
    shops.map(({ tenantId }) => inTenant(db, tenantId, (tx) => tx.tag.create({ data: newTag(tenantId, tenantId) }))),
  );
  const found = await Promise.all(
    Array.from({ length: 100 }, (_, index) => {
      const own = shops[index % 2]?.tenantId ?? '';
      const lookUp = (tag: { tenantId: string; id: string } | undefined) => ({
        where: { tenantId_id: { tenantId: tag?.tenantId ?? '', id: tag?.id ?? '' } },
        select: { name: true },
      });
      return inTenant(db, own, (tx) => Promise.all(tags.map((tag) => tx.tag.findUnique(lookUp(tag)))));
    }),
  );
  found.forEach((pair, index) => {
    expect(pair).toEqual(shops.map(({ tenantId }, at) => (at === index % 2 ? { name: tenantId } : null)));
  });
});

test('a reading transaction writes nothing', async ({ db, shop }) => {
  const write = inScope(db, shop, (tx) => tx.tag.create({ data: newTag(shop.tenantId, 'a') }), { readOnly: true });
  await expect(write).rejects.toThrow('read-only transaction');
});

test('a transaction whose statement failed is never taken for committed', async ({ db, shop }) => {
  const swallowed = inTenant(db, shop.tenantId, async (tx) => {
    await tx.tag.create({ data: newTag(shop.tenantId, 'a') });
    await tx.$queryRaw`select 1 / 0`.catch(() => 'swallowed');
    return 'all is well';
  });
  await expect(swallowed).rejects.toThrow('rolled back');
  await expect(inTenant(db, shop.tenantId, (tx) => tx.tag.count())).resolves.toBe(0);
});

test('what is broken off is cancelled at the server, leaves nothing, and frees its place in the pool', async ({
  database,
  shop,
}) => {
  await using db = createDb(database.urls.app, { poolSize: 1 });
  await using superuser = await connect(database.superuserUrl);
  await superuser.query(`alter role app in database ${database.name} set statement_timeout = 0`); // it would end by itself
  const sleeping = () =>
    superuser.sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and state = 'active' and query like '%pg_sleep(%' and pid <> pg_backend_pid()`;
  const abort = new AbortController();
  const ran = inScope(
    db,
    shop,
    async (tx) => {
      await tx.tag.create({ data: newTag(shop.tenantId, 'a') });
      await tx.$queryRaw`select 1 as slept from pg_sleep(600)`;
    },
    { signal: abort.signal, timeoutMs: 600_000 },
  );
  const refused = expect(ran).rejects.toThrow();
  await expect.poll(sleeping, { timeout: 10_000 }).toEqual([{ n: 1 }]);
  abort.abort();
  await refused;
  await expect.poll(sleeping, { timeout: 10_000 }).toEqual([{ n: 0 }]);
  await expect(inTenant(db, shop.tenantId, (tx) => tx.tag.count())).resolves.toBe(0);
  await expect(inScope(db, shop, (tx) => tx.tag.count(), { signal: abort.signal })).rejects.toThrow('aborted');
});

test('BEGIN, the scope and the first query leave without waiting for an answer', async ({ database, shop }) => {
  await using proxy = await listenBetween(new URL(database.urls.app));
  await using db: Db = createDb(proxy.url, { poolSize: 1 });
  await inTenant(db, shop.tenantId, (tx) => tx.tag.count()); // connects
  proxy.holdUntilSent('count');
  await expect(inTenant(db, shop.tenantId, (tx) => tx.tag.count())).resolves.toBe(0); // would never end, did it wait for BEGIN's answer
  expect(proxy.sentBeforeFirstAnswer()).toMatch(/begin read write; select set_config\('app\.tenant_id'.*count/is);
});

/** Stands between the pool and the server, and can hold the server's answers until the client has sent some text. */
async function listenBetween(target: URL) {
  let awaited: string | undefined;
  let sent = '';
  let held: (() => void)[] = [];
  const server = createServer((client) => {
    const upstream = connectSocket(Number(target.port), target.hostname);
    client.on('data', (bytes: Buffer) => {
      upstream.write(bytes);
      if (awaited === undefined) return;
      sent += bytes.toString('latin1');
      if (!sent.toLowerCase().includes(awaited)) return;
      awaited = undefined;
      for (const answer of held) answer();
      held = [];
    });
    upstream.on('data', (bytes: Buffer) => {
      const answer = () => client.write(bytes);
      if (awaited === undefined) answer();
      else held.push(answer);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = new URL(target);
  if (typeof address === 'object' && address) url.host = `127.0.0.1:${address.port}`;
  return {
    url: url.href,
    holdUntilSent: (text: string) => void (awaited = text),
    sentBeforeFirstAnswer: () => sent,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
