import type { Tx } from '../../prisma/client.ts';

/**
 * Takes people out of their messages: whom it went to and what it said. That something was sent, and what became of it, stays, so that
 * totals add up. What still waited is skipped. WhatsApp's ids go too: they hold the phone number.
 */
export async function forgetPeople(tx: Tx, tenantId: string, contactIds: readonly string[]): Promise<void> {
  await tx.$executeRaw`
    with theirs as materialized (
      select id from messages where tenant_id = ${tenantId}::uuid and contact_id = any(${[...contactIds]}::uuid[]) order by id for update
    )
    update messages m set contact_id = null, address = null, parameters = '{}', content = null, wamid = null, context_wamid = null,
      status = case when m.status = 'QUEUED' then 'SKIPPED' else m.status end, due_at = null,
      reason = case when m.status = 'QUEUED' then 'CONTACT_DELETED' else m.reason end
      from theirs where m.tenant_id = ${tenantId}::uuid and m.id = theirs.id`;
}
