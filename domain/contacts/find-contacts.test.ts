import { type Db, inTenant, type Tx } from '../../prisma/client.ts';
import { expect, test as base } from '../../test/fixtures.ts';
import { makeTag, makeTenant } from '../../test/make.ts';
import { connect } from '../../test/sql.ts';
import type { Page } from '../page.ts';
import { resolveFilter } from './filter-definitions.ts';
import { contactOrder, type contactOrders, findContacts, idsOfPage } from './find-contacts.ts';

// What a page may read of a table with 40,000 contacts, half of them another tenant's: as the application, under row-level security.
const contactsEach = 20_000;
const pageSize = 50;

type Crowd = { db: Db; tenantId: string; rareTag: string; commonTag: string };

const test = base.extend<{ crowd: Crowd }>({
  crowd: async ({ database, db }, use) => {
    const tenantId = await makeTenant(db);
    const rareTag = await makeTag(db, tenantId, 'rare');
    const commonTag = await makeTag(db, tenantId, 'common');
    for (const one of [tenantId, await makeTenant(db)]) await inTenant(db, one, (tx) => fill(tx, one));
    await inTenant(db, tenantId, (tx) => putTags(tx, tenantId, rareTag, commonTag));
    await using superuser = await connect(database.superuserUrl);
    await superuser.query('vacuum analyze');
    await use({ db, tenantId, rareTag, commonTag });
  },
});

async function fill(tx: Tx, tenantId: string): Promise<void> {
  await tx.$executeRaw`
    insert into contacts (tenant_id, name, email, external_id, created_at, updated_at)
    select ${tenantId}::uuid, (array['Ana', 'Bia', 'Cid', 'Davi', 'Eva'])[1 + i % 5] || ' ' || i, 'person' || i || '@example.com', 'x' || i,
      timestamptz '2026-01-01' + make_interval(mins => i / 3), timestamptz '2026-02-01' + make_interval(mins => i / 2)
    from generate_series(1, ${contactsEach}::int) i`;
  await tx.$executeRaw`
    insert into contact_identities (tenant_id, contact_id, kind, value, match_key)
    select tenant_id, id, 'PHONE', '+55119' || substr(external_id, 2)::int + 80000000, '+5511' || substr(external_id, 2)::int + 80000000
    from contacts where tenant_id = ${tenantId}::uuid`;
  await tx.$executeRaw`
    insert into contact_consents (tenant_id, contact_id, purpose, channel, granted, source, given_at, recorded_at)
    select tenant_id, id, 'MARKETING', 'WHATSAPP', substr(external_id, 2)::int % 2 = 0, 'API', now(), now()
    from contacts where tenant_id = ${tenantId}::uuid`;
}

async function putTags(tx: Tx, tenantId: string, rareTag: string, commonTag: string): Promise<void> {
  await tx.$executeRaw`
    insert into contact_tags (tenant_id, contact_id, tag_id)
    select tenant_id, id, ${commonTag}::uuid from contacts where tenant_id = ${tenantId}::uuid and substr(external_id, 2)::int % 2 = 0
    union all
    select tenant_id, id, ${rareTag}::uuid from contacts where tenant_id = ${tenantId}::uuid and substr(external_id, 2)::int % 500 = 0`;
}

test('no page reads more of the table than it shows, however deep and however it is asked for', async ({ crowd }) => {
  const { rareTag, commonTag } = crowd;
  const filters: Record<string, [filter: unknown, rowsMax: number]> = {
    everybody: [{ blocked: false }, pageSize + 1],
    'a name': [{ field: { name: { eq: 'ána 4005' } } }, 5],
    'a beginning of a name': [{ field: { name: { startsWith: 'Ana 40' } } }, 500],
    'a common beginning': [{ field: { name: { startsWith: 'ana' } } }, 500],
    'a phone': [{ field: { phone: { eq: '+55 11 98000-4005' } } }, 10],
    'some phones': [{ field: { phone: { in: ['+55 11 8000-4005', '+5511980004006'] } } }, 20],
    'a beginning of a phone': [{ field: { phone: { startsWith: '+55 11 98000 40' } } }, 500],
    'an e-mail address': [{ field: { email: { eq: 'person4005@example.com' } } }, 5],
    'an external id': [{ field: { externalId: { eq: 'x4005' } } }, 5],
    'a rare tag': [{ tag: { has: rareTag } }, 200],
    'a common tag': [{ tag: { has: commonTag } }, 500],
    'no common tag': [{ tag: { hasNot: commonTag } }, 500],
    consent: [{ consent: { purpose: 'MARKETING', channel: 'WHATSAPP', granted: true } }, 500],
    'a time': [{ createdAt: { gte: '2026-01-02T00:00:00Z', lt: '2026-01-03T00:00:00Z' } }, 200],
  };
  for (const by of ['CREATED_AT', 'UPDATED_AT', 'NAME'] as const) {
    const deep = await behindRow(crowd, by, contactsEach - 5_000);
    for (const [name, [filter, rowsMax]] of Object.entries(filters)) {
      if (name === 'a time' && by !== 'CREATED_AT') continue; // no index has both: Postgres has to look for the rows
      for (const page of [firstPage(by), deep]) {
        const { scanned, rows, plan } = await explain(crowd, filter, page);
        const asked = `${name}, by ${by}${page.from ? ', deep' : ''}:\n${plan}`;
        expect(scanned, asked).toEqual([]);
        expect(rows, asked).toBeLessThanOrEqual(rowsMax);
      }
    }
  }
});

test('a page of everybody reads its own rows only, wherever it begins', async ({ crowd }) => {
  for (const by of ['CREATED_AT', 'UPDATED_AT', 'NAME'] as const) {
    for (const page of [
      firstPage(by),
      await behindRow(crowd, by, 15_000),
      { ...(await behindRow(crowd, by, 15_000)), backward: true },
    ]) {
      const read = await inTenant(crowd.db, crowd.tenantId, async (tx) => {
        const before = await rowsRead(tx);
        const found = await findContacts(tx, crowd.tenantId, null, page, (wanted) => tx.contact.findMany(wanted));
        expect(found).toHaveLength(pageSize + 1);
        const after = await rowsRead(tx);
        return { scans: after.scans - before.scans, rows: after.rows - before.rows };
      });
      expect(read.scans).toBe(0);
      expect(read.rows).toBeLessThan(2 * pageSize);
    }
  }
});

test('prefixes and orders are served by indexes on any server: the collation is said', async ({ database }) => {
  await using owner = await connect(database.urls.owner);
  const rows = await owner.sql<{ name: string }>`
    select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_collation l on l.oid = a.attcollation
    where l.collname = 'C' and c.relname in ('contacts', 'contact_identities') and c.relkind = 'r'`;
  expect(rows.map(({ name }) => name).sort()).toEqual([
    'contact_identities.value',
    'contacts.email',
    'contacts.external_id',
    'contacts.name_key',
  ]);
});

const firstPage = (by: keyof typeof contactOrders): Page => {
  return { order: contactOrder(by, by !== 'NAME'), size: pageSize, backward: false, from: null };
};

/** The page that begins behind the so-manyth row. */
async function behindRow({ db, tenantId }: Crowd, by: keyof typeof contactOrders, row: number): Promise<Page> {
  const page = firstPage(by);
  const [last] = await inTenant(db, tenantId, (tx) =>
    tx.contact.findMany({
      where: { tenantId },
      orderBy: page.order.map(({ field, descending }) => ({ [field]: descending ? 'desc' : 'asc' })),
      skip: row,
      take: 1,
    }),
  );
  if (!last) throw new Error('There are not as many rows.');
  const values: Record<string, unknown> = last;
  return { ...page, from: page.order.map(({ field }) => values[field] as string | Date) };
}

/** What this connection has read of the contacts, by Postgres's own books. */
async function rowsRead(tx: Tx): Promise<{ scans: number; rows: number }> {
  const rows = await tx.$queryRaw<[{ scans: number; rows: number }]>`
    select seq_scan::int as scans, (seq_tup_read + idx_tup_fetch)::int as rows from pg_stat_xact_user_tables where relname = 'contacts'`;
  return rows[0];
}

type PlanNode = {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
};

/** Which tables a page scanned from end to end, and how many rows of any table it touched. */
async function explain({ db, tenantId }: Crowd, filter: unknown, page: Page) {
  return inTenant(db, tenantId, async (tx) => {
    const statement = idsOfPage(tenantId, await resolveFilter(tx, tenantId, filter), page);
    const answer = await tx.$queryRaw<
      [{ 'QUERY PLAN': [{ Plan: PlanNode }] }]
    >`explain (analyze, format json) ${statement}`;
    const nodes = flatten(answer[0]['QUERY PLAN'][0].Plan).filter((node) => node['Relation Name'] !== undefined);
    const touched = nodes.map(
      (node) =>
        (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) *
        node['Actual Loops'],
    );
    return {
      scanned: nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']),
      rows: touched.reduce((sum, rows) => sum + rows, 0),
      plan: nodes
        .map((node, index) => `${node['Node Type']} on ${node['Relation Name']}: ${touched[index]} rows`)
        .join('\n'),
    };
  });
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
