import type { Tx } from '../../prisma/client.ts';

/**
 * Pauses the campaigns that are under way with these templates and can no longer go on as they were launched: the template ended, or what it says is
 * no longer what the campaign pinned. A template that Meta has only paused stops no campaign: it waits.
 */
export async function pauseDependents(tx: Tx, tenantId: string, templateIds: readonly string[]): Promise<void> {
  if (templateIds.length === 0) return;
  await tx.$executeRaw`
    update campaigns c set status = 'PAUSED', updated_at = now(), blocked_reason = w.reason
    from (
      select o.id, case when t.deleted_at is not null or t.status in ('DELETED', 'PENDING_DELETION', 'ARCHIVED') then 'TEMPLATE_DELETED'
          when t.status = 'REJECTED' then 'TEMPLATE_REJECTED' when t.status = 'DISABLED' then 'TEMPLATE_DISABLED'
          when t.version_id is distinct from v.id then 'TEMPLATE_CHANGED' end as reason
      from templates t
      join template_versions v on v.tenant_id = t.tenant_id and v.template_id = t.id
      join campaigns o on o.tenant_id = v.tenant_id and o.template_version_id = v.id
      where t.tenant_id = ${tenantId}::uuid and t.id = any(${templateIds}::uuid[]) and o.status in ('SCHEDULED', 'LAUNCHING', 'RUNNING')
      order by o.id for update of o
    ) w
    where c.tenant_id = ${tenantId}::uuid and c.id = w.id and w.reason is not null`;
}
