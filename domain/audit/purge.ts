import type { Tx } from '../../prisma/client.ts';

/** Deletes entries that are older than two years, of all tenants, at most so many; returns how many. The database lets nothing younger go. */
export async function purgeAuditEntries(tx: Tx, atMost: number): Promise<number> {
  const [purged] = await tx.$queryRaw<{ gone: number }[]>`select purge_audit_entries(${atMost}::int) as gone`;
  return purged?.gone ?? 0;
}
