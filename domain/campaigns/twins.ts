import type { Tx } from '../../prisma/client.ts';

// Contacts that turn out to be one person after a campaign was frozen: of their messages one is sent.

const lockName = (tenantId: string) => `contact-merges:${tenantId}`;

/** A launch that is about to end waits for merges under way, and merges for it: each sees what the other did. */
export async function lockMerges(tx: Tx, tenantId: string): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock_shared(hashtextextended(${lockName(tenantId)}, 0))`;
}

/** What has left, or may have. */
const spoken = ['DISPATCHING', 'ACCEPTED', 'SENT', 'DELIVERED', 'READ', 'FAILED', 'UNKNOWN'];

/**
 * Before one contact is merged into another: where both are recipients of a campaign, one message is left. It is the one that has gone out
 * already; if none has, the target's.
 */
export async function skipTwins(tx: Tx, tenantId: string, sourceId: string, targetId: string): Promise<void> {
  await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${lockName(tenantId)}, 0))`;
  const families = await tx.$queryRaw<{ id: string; isSource: boolean }[]>`
    with recursive family as (
      select id, id = ${sourceId}::uuid as is_source from contacts where tenant_id = ${tenantId}::uuid and id in (${sourceId}::uuid, ${targetId}::uuid)
      union
      select c.id, family.is_source from contacts c join family on c.tenant_id = ${tenantId}::uuid and c.merged_into_id = family.id
    )
    select id, is_source as "isSource" from family`;
  const ids = families.map(({ id }) => id);
  const sourceIds = families.flatMap(({ id, isSource }) => (isSource ? [id] : []));
  // Locked first and judged by the next statement: a message that leaves at this moment is seen as one that has left.
  const open = await tx.$queryRaw<{ id: string }[]>`
    select id from messages where tenant_id = ${tenantId}::uuid and contact_id = any(${ids}::uuid[]) and campaign_id is not null
       and due_at is not null order by id for update`;
  if (open.length === 0) return;
  await tx.$executeRaw`
    update messages m set status = 'SKIPPED', reason = 'DUPLICATE', due_at = null
     where m.tenant_id = ${tenantId}::uuid and m.contact_id = any(${ids}::uuid[]) and m.campaign_id is not null and m.status = 'QUEUED'
       and exists (
         select from messages o where o.tenant_id = ${tenantId}::uuid and o.contact_id = any(${ids}::uuid[]) and o.campaign_id = m.campaign_id and o.id <> m.id
            and (o.status = any(${spoken}::text[]) or (o.status = 'QUEUED' and m.contact_id = any(${sourceIds}::uuid[]) and o.contact_id <> all(${sourceIds}::uuid[]))))`;
}

/** The same for merges that came in between while an audience was being frozen, and could not see its messages. */
export async function skipMergedTwins(tx: Tx, tenantId: string, campaignId: string): Promise<void> {
  await tx.$executeRaw`
    update messages m set status = 'SKIPPED', reason = 'DUPLICATE', due_at = null
      from contact_merges g
     where g.tenant_id = ${tenantId}::uuid and g.undone_at is null and g.merged_at > now() - interval '10 minutes'
       and m.tenant_id = g.tenant_id and m.campaign_id = ${campaignId}::uuid and m.contact_id = g.source_id and m.status = 'QUEUED'
       and exists (select from messages o where o.tenant_id = g.tenant_id and o.campaign_id = m.campaign_id and o.contact_id = g.target_id and o.status = 'QUEUED')`;
}
