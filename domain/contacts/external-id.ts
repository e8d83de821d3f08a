import type { Tx } from '../../prisma/client.ts';
import { ConflictError } from '../errors.ts';

/** The contact that an external id leads to: where its owner was merged into another contact, that one. */
export async function findByExternalId(tx: Tx, tenantId: string, externalId: string): Promise<string | undefined> {
  const [found] = await tx.$queryRaw<{ id: string }[]>`
    with recursive way as (
      select id, merged_into_id from contacts where tenant_id = ${tenantId}::uuid and external_id = ${externalId}
      union
      select c.id, c.merged_into_id from contacts c join way on c.tenant_id = ${tenantId}::uuid and c.id = way.merged_into_id
    )
    select id from way where merged_into_id is null`;
  return found?.id;
}

export function externalIdTaken(ownerId?: string): ConflictError {
  return new ConflictError('externalId: It belongs to another contact.', {
    path: 'externalId',
    ...(ownerId === undefined ? {} : { conflicting: { typename: 'Contact', id: ownerId } }),
  });
}
