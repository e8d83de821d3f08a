import type { Tx } from '../../prisma/client.ts';

export type SilentNumber = { tenantId: string; numberId: string };

/** Numbers of whose messages no status comes, though Meta took messages from them. */
export async function findSilentNumbers(tx: Tx, atMost: number): Promise<SilentNumber[]> {
  return tx.$queryRaw`select tenant_id as "tenantId", number_id as "numberId" from find_silent_numbers(${atMost}::int)`;
}

/** That statuses of these numbers came just now. Half a minute more or less is nothing here: a hot row is not written for every batch. */
export async function heardOf(tx: Tx, tenantId: string, numberIds: readonly string[]): Promise<void> {
  if (numberIds.length === 0) return;
  await tx.$executeRaw`
    update number_paces p set status_at = now() from (
      select number_id from number_paces where tenant_id = ${tenantId}::uuid and number_id = any(${[...numberIds]}::uuid[])
         and (status_at is null or status_at < now() - interval '30 seconds') order by number_id for no key update) due
     where p.tenant_id = ${tenantId}::uuid and p.number_id = due.number_id`;
}
