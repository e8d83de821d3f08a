import type { Tx } from '../../prisma/client.ts';
import { NotFoundError } from '../errors.ts';

/**
 * Keeps everybody else from changing a contact until the transaction ends, and gives the database's time for `updatedAt`.
 * A contact that was merged into another one is as good as gone.
 */
export async function lockContact(tx: Tx, tenantId: string, contactId: string): Promise<{ now: Date }> {
  const [locked] = await tx.$queryRaw<{ now: Date }[]>`
    select clock_timestamp() as now from contacts
     where tenant_id = ${tenantId}::uuid and id = ${contactId}::uuid and merged_into_id is null for no key update`;
  return locked ?? noSuchContact();
}

export function noSuchContact(): never {
  throw new NotFoundError('There is no such contact.');
}

/** Says that a contact changed, where its own row did not. */
export async function touchContact(tx: Tx, tenantId: string, contactId: string, now: Date): Promise<void> {
  await tx.contact.update({
    where: { tenantId_id: { tenantId, id: contactId } },
    data: { updatedAt: now },
    select: { id: true },
  });
}
