import { Prisma, type Tx } from '../../prisma/client.ts';

/** That nothing of `campaigns c` waits, is under way, or may still be settled: two index lookups, however many recipients it has. */
const nothingOpen = Prisma.sql`
  not exists (select from messages m where m.tenant_id = c.tenant_id and m.number_id = c.number_id and m.campaign_id = c.id and m.due_at is not null)
  and not exists (select from messages m where m.tenant_id = c.tenant_id and m.campaign_id = c.id and m.open_until is not null)`;

/**
 * Ends those campaigns of which nothing is open any more: what ran or was paused is FINISHED, what was cancelled gets its time. One that
 * somebody else is changing is passed over: the clock comes round. Returns those that ended.
 */
export async function finishCampaigns(tx: Tx, tenantId: string, campaignIds: readonly string[]): Promise<string[]> {
  if (campaignIds.length === 0) return [];
  const rows = await tx.$queryRaw<{ id: string }[]>`
    with done as materialized (
      select c.id from campaigns c
       where c.tenant_id = ${tenantId}::uuid and c.id = any(${[...campaignIds]}::uuid[]) and c.finished_at is null
         and (c.status = 'CANCELLED' or (c.status in ('RUNNING', 'PAUSED') and c.launched_at is not null)) and ${nothingOpen}
       order by c.id for no key update skip locked
    )
    update campaigns c set status = case when c.status = 'CANCELLED' then c.status else 'FINISHED' end,
      blocked_reason = null, stalled_since = null, finished_at = clock_timestamp(), updated_at = clock_timestamp()
      from done where c.tenant_id = ${tenantId}::uuid and c.id = done.id
    returning c.id`;
  return rows.map(({ id }) => id);
}
