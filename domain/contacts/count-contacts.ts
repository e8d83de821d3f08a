import type { Prisma, Tx } from '../../prisma/client.ts';
import { contactsWhere } from './compile-filter.ts';
import type { ResolvedFilter } from './filter-definitions.ts';

export type ContactCount = { value: number; exact: boolean; asOf: Date };

/** Up to this cost by Postgres's own reckoning everything is counted: about a second for a million contacts, five for five. */
const exactCostMax = 200_000;

/**
 * How many contacts a filter means now. Where counting them all would take too long, a sample of the table's blocks is counted, as
 * large as the cost allows: no attempt that runs into a time limit, since a failed statement would spoil the whole transaction.
 */
export async function countContacts(
  tx: Tx,
  tenantId: string,
  resolved: ResolvedFilter | null,
  costMax = exactCostMax,
): Promise<ContactCount> {
  const where = contactsWhere(tenantId, resolved);
  const cost = costMax === Infinity ? 0 : await costOf(tx, where);
  if (cost <= costMax) return { ...(await count(tx, where)), exact: true };
  const percent = (100 * costMax) / cost;
  const sampled = await sample(tx, where, percent);
  return { ...sampled, value: Math.round((sampled.value * 100) / percent), exact: false };
}

type Counted = { value: number; asOf: Date };

async function count(tx: Tx, where: Prisma.Sql): Promise<Counted> {
  const rows = await tx.$queryRaw<[Counted]>`
    select count(*)::int as value, now() as "asOf" from contacts c where ${where}`;
  return rows[0];
}

/** Repeatable: what has not changed is estimated alike. */
async function sample(tx: Tx, where: Prisma.Sql, percent: number): Promise<Counted> {
  const rows = await tx.$queryRaw<[Counted]>`
    select count(*)::int as value, now() as "asOf" from contacts c tablesample system (${percent}::real) repeatable (1) where ${where}`;
  return rows[0];
}

async function costOf(tx: Tx, where: Prisma.Sql): Promise<number> {
  const rows = await tx.$queryRaw<[{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }]>`
    explain (format json) select count(*) from contacts c where ${where}`;
  return rows[0]['QUERY PLAN'][0].Plan['Total Cost'];
}
