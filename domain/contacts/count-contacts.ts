import { Prisma, type Tx } from '../../prisma/client.ts';
import { contactsWhere } from './compile-filter.ts';
import type { ResolvedFilter } from './filter-definitions.ts';

export type ContactCount = { value: number; exact: boolean; asOf: Date };

/** What a count may cost by Postgres's own reckoning: a million contacts cost 40,000 and take less than a second. */
const costMaxDefault = 200_000;

/**
 * How many contacts a filter means now. Where counting them all would take too long, a sample of the table's blocks is counted, as
 * large as the cost allows: never an attempt that runs into a time limit, for a failed statement spoils the whole transaction.
 */
export async function countContacts(
  tx: Tx,
  tenantId: string,
  resolved: ResolvedFilter | null,
  costMax = costMaxDefault,
): Promise<ContactCount> {
  const where = contactsWhere(tenantId, resolved);
  const all = counting(Prisma.sql`contacts c`, where);
  if (costMax === Infinity || (await costOf(tx, all)) <= costMax) return { ...(await run(tx, all)), exact: true };
  // Repeatable: what has not changed is estimated alike.
  const sampling = (percent: number) =>
    counting(Prisma.sql`contacts c tablesample system (${percent}::real) repeatable (1)`, where);
  const percent = Math.min(100, (100 * costMax) / (await costOf(tx, sampling(100))));
  const { value, asOf } = await run(tx, sampling(percent));
  return { value: Math.round((value * 100) / percent), exact: percent === 100, asOf };
}

const counting = (from: Prisma.Sql, where: Prisma.Sql) =>
  Prisma.sql`select count(*)::int as value, now() as "asOf" from ${from} where ${where}`;

async function run(tx: Tx, statement: Prisma.Sql): Promise<{ value: number; asOf: Date }> {
  const rows = await tx.$queryRaw<[{ value: number; asOf: Date }]>(statement);
  return rows[0];
}

async function costOf(tx: Tx, statement: Prisma.Sql): Promise<number> {
  const rows = await tx.$queryRaw<
    [{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }]
  >`explain (format json) ${statement}`;
  return rows[0]['QUERY PLAN'][0].Plan['Total Cost'];
}
