import type { Tx } from '../../prisma/client.ts';

export const closePageSize = 5_000;

/**
 * Takes up to a page of what still waits of a campaign out of its queue: cancelled with the campaign, or past its time. What a sender
 * holds at this moment is left to it. Returns how many.
 */
export function closeQueued(
  tx: Tx,
  tenantId: string,
  campaignId: string,
  as: 'CANCELLED' | 'EXPIRED',
  atMost = closePageSize,
): Promise<number> {
  const campaignIs = as === 'CANCELLED' ? ['CANCELLED'] : ['RUNNING', 'PAUSED'];
  return tx.$executeRaw`
    with page as materialized (
      select m.id from campaigns c join messages m on m.tenant_id = c.tenant_id and m.number_id = c.number_id and m.campaign_id = c.id
       where c.tenant_id = ${tenantId}::uuid and c.id = ${campaignId}::uuid and c.status = any(${campaignIs}::text[])
         and (${as} = 'CANCELLED' or c.valid_until <= now()) and m.due_at is not null
       limit ${atMost}::int for update of m skip locked
    )
    update messages m set status = ${as}, reason = null, due_at = null from page
     where m.tenant_id = ${tenantId}::uuid and m.id = page.id and m.status = 'QUEUED'`;
}
