import { randomUUID } from 'node:crypto';
import { createDb, type Db, inTenant, Prisma, type Tx } from '../../prisma/client.ts';
import { connect } from '../sql.ts';
import { expect, test as base } from '../fixtures.ts';
import type { Neighbours } from './breaches.ts';
import { makeNeighbours } from './neighbours.ts';
import { atMost, hashRows } from './rows.ts';

type Fixtures = {
  /** Two tenants with rows in every table; afterwards, the other's are as they were. */
  neighbours: Neighbours;
  /** Works as the first of them. */
  asMine: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
};

const test = base.extend<Fixtures>({
  neighbours: async ({ database }, use) => {
    await using superuser = await connect(database.superuserUrl);
    const neighbours = await makeNeighbours(superuser);
    const before = await hashRows(superuser, neighbours.theirs);
    await use(neighbours);
    expect(await hashRows(superuser, neighbours.theirs)).toEqual(before);
  },
  asMine: async ({ db, neighbours }, use) => use((work) => inTenant(db, neighbours.mine.tenantId, work)),
});

const idOf = ({ theirRows }: Neighbours, table: string) => String(theirRows.get(table)?.['id']);

test('a forgotten filter, in Prisma or in raw SQL, still finds the own rows only', async ({ asMine, neighbours }) => {
  const { tenantId } = neighbours.mine;
  const found = await asMine(async (tx) => [
    ...(await tx.contact.findMany()),
    ...(await tx.$queryRaw<{ tenantId: string }[]>`select tenant_id as "tenantId" from contacts`),
    ...(await tx.$queryRaw<{ tenantId: string }[]>`
      select c.tenant_id as "tenantId" from tenants t left join contacts c on true cross join tags`),
  ]);
  expect(found.map((row) => row.tenantId)).toEqual([tenantId, tenantId, tenantId]);
  expect(await asMine((tx) => tx.contact.count())).toBe(1);
  expect(await asMine((tx) => tx.contact.updateMany({ data: { city: 'Here' } }))).toEqual({ count: 1 });
});

test('a nested write that names another tenant’s row changes nothing', async ({ asMine, neighbours }) => {
  const { mine, theirs, myRows } = neighbours;
  const own = { tenantId: mine.tenantId, id: String(myRows.get('contacts')?.['id']) };
  const other = { tenantId: theirs.tenantId, id: idOf(neighbours, 'contacts') };
  const note = { tenantId: theirs.tenantId, id: idOf(neighbours, 'contact_notes') };
  const attempts: ((tx: Tx) => Promise<unknown>)[] = [
    (tx) => tx.contactNote.create({ data: { tenantId: mine.tenantId, contactId: other.id, body: 'x' } }),
    (tx) => tx.contact.update({ where: { tenantId_id: own }, data: { mergedIntoId: other.id } }),
    (tx) =>
      tx.contact.update({ where: { tenantId_id: own }, data: { mergedInto: { connect: { tenantId_id: other } } } }),
    (tx) => tx.contact.update({ where: { tenantId_id: own }, data: { notes: { connect: { tenantId_id: note } } } }),
    (tx) => tx.contact.update({ where: { tenantId_id: own }, data: { notes: { delete: { tenantId_id: note } } } }),
    (tx) =>
      tx.contact.update({
        where: { tenantId_id: own },
        data: { tags: { create: { tagId: idOf(neighbours, 'tags') } } },
      }),
    (tx) => tx.contact.update({ where: { tenantId_id: own }, data: { tenantId: theirs.tenantId } }),
    (tx) => tx.contact.update({ where: { tenantId_id: other }, data: { name: 'Mine now' } }),
    (tx) => tx.contact.delete({ where: { tenantId_id: other } }),
    (tx) => tx.contact.create({ data: { tenantId: theirs.tenantId, name: 'Planted' } }),
    (tx) => tx.contact.createMany({ data: [{ tenantId: theirs.tenantId, name: 'Planted' }], skipDuplicates: true }),
    (tx) => tx.tenant.create({ data: { name: 'x', country: 'BR', timeZone: 'UTC', locale: 'pt' } }),
  ];
  for (const attempt of attempts) {
    await expect(asMine(attempt)).rejects.toBeInstanceOf(Prisma.PrismaClientKnownRequestError);
  }
});

test('an upsert on another tenant’s key is refused, and says nothing that one on no key would not say', async ({
  asMine,
  neighbours,
}) => {
  const { theirs, theirRows } = neighbours;
  const upsert = (tenantId: string, id: string, externalId: string) =>
    asMine((tx) =>
      tx.contact.upsert({
        where: { tenantId_id: { tenantId, id } },
        update: { name: 'Mine now' },
        create: { tenantId, id, externalId },
      }),
    ).then(
      () => 'accepted',
      (error: unknown) => String(error),
    );
  const known = String(theirRows.get('contacts')?.['external_id']);
  const existing = await upsert(theirs.tenantId, idOf(neighbours, 'contacts'), known);
  const random = await upsert(randomUUID(), randomUUID(), 'unknown');
  expect(existing).toContain('42501');
  expect(existing).toBe(random);
});

test('what another tenant has is free for one’s own: no unique key reaches across', async ({ asMine, neighbours }) => {
  const { mine, theirRows } = neighbours;
  const { tenantId } = mine;
  const theirs = (table: string, column: string) => String(theirRows.get(table)?.[column]);
  await asMine(async (tx) => {
    const id = idOf(neighbours, 'contacts'); // even the id itself
    await tx.contact.create({ data: { tenantId, id, externalId: theirs('contacts', 'external_id') } });
    await tx.tag.create({ data: { tenantId, name: 'x', nameKey: theirs('tags', 'name_key') } });
    await tx.contactIdentity.create({
      data: {
        tenantId,
        contactId: id,
        kind: theirs('contact_identities', 'kind'),
        value: theirs('contact_identities', 'value'),
        matchKey: theirs('contact_identities', 'match_key'),
      },
    });
  });
});

test('an error in an expression is never raised by another tenant’s row', async ({ asMine, neighbours }) => {
  const { theirs } = neighbours;
  const found = asMine(
    (tx) =>
      tx.$queryRaw`select 1 / (strpos(name, ${theirs.canary}) - 1) from contacts where strpos(name, ${theirs.canary}) = 1`,
  );
  await expect(found).resolves.toEqual([]);
});

test('statistics and plans tell nothing of another tenant’s values', async ({ asMine, database, neighbours }) => {
  await using superuser = await connect(database.superuserUrl);
  await superuser.query('analyze');
  const known =
    await superuser.sql`select from pg_stats where schemaname = 'public' and tablename <> '_prisma_migrations'`;
  expect(known.length).toBeGreaterThan(0);

  const { theirs } = neighbours;
  const [seen, plan] = await asMine(async (tx) => [
    await tx.$queryRaw`select tablename::text from pg_stats where schemaname = 'public' and tablename <> '_prisma_migrations'`,
    await tx.$queryRaw`explain (analyze, verbose, buffers) select * from contacts where name like ${`${theirs.canary.slice(0, 6)}%`}`,
  ]);
  expect(seen).toEqual([]);
  expect(JSON.stringify(plan)).not.toContain(theirs.canary);
  await expect(asMine((tx) => tx.$queryRaw`select stavalues1::text from pg_statistic`)).rejects.toThrow('42501');
});

test('lookups of many tenants in the same tick do not mix', async ({ database }) => {
  await using superuser = await connect(database.superuserUrl);
  const pairs = [await makeNeighbours(superuser), await makeNeighbours(superuser), await makeNeighbours(superuser)];
  const tenants = pairs.flatMap(({ mine, myRows, theirs, theirRows }) => [
    { tenantId: mine.tenantId, contactId: String(myRows.get('contacts')?.['id']) },
    { tenantId: theirs.tenantId, contactId: String(theirRows.get('contacts')?.['id']) },
  ]);
  await using db = createDb(database.urls.app, { poolSize: 20 });
  const [first, ...others] = tenants;
  if (!first) throw new Error('There are no tenants.');

  const look = (work: Db, at: number) => async () => {
    const own = tenants[at % tenants.length] ?? first;
    const other = others[at % others.length] ?? first;
    return inTenant(work, own.tenantId, async (tx) => {
      // Prisma merges what is looked up in one tick into one statement.
      const found = await Promise.all([
        tx.contact.findUnique({ where: { tenantId_id: { tenantId: own.tenantId, id: own.contactId } } }),
        tx.contact.findUnique({ where: { tenantId_id: { tenantId: other.tenantId, id: other.contactId } } }),
        tx.tenant.findUnique({ where: { id: own.tenantId } }),
        tx.tenant.findUnique({ where: { id: other.tenantId } }),
      ]);
      return { isSame: own === other, found: found.map((row) => row !== null) };
    });
  };
  const looks = await atMost(
    50,
    Array.from({ length: 1_000 }, (_, at) => look(db, at)),
  );
  const mixed = looks.filter(({ isSame, found }) => found.join() !== `true,${isSame},true,${isSame}`);
  expect(mixed).toEqual([]);
});
