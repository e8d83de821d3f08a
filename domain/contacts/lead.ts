import type { Tx } from '../../prisma/client.ts';

/** The contact that stands for another one after merges: itself, where it was not merged. */
export async function leadOf(tx: Tx, tenantId: string, contactId: string): Promise<string> {
  const [lead] = await tx.$queryRaw<{ id: string }[]>`
    with recursive up as (
      select id, merged_into_id from contacts where tenant_id = ${tenantId}::uuid and id = ${contactId}::uuid
      union all
      select c.id, c.merged_into_id from contacts c join up on c.tenant_id = ${tenantId}::uuid and c.id = up.merged_into_id
    )
    select id from up where merged_into_id is null`;
  return lead?.id ?? contactId;
}
