import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { InvalidInputError } from '../errors.ts';
import { noSuchContact } from './lock-contact.ts';

export const assignedAtOnceMax = 100;

type Row = { id: string; assignedTo: string | null };

/** Makes contacts a person's, or everybody's with null; all of them or none. Whoever is no member of the tenant is refused by the key. */
export async function assignContacts(
  tx: Tx,
  by: Answerable,
  input: { contactIds: readonly string[]; userId: string | null },
): Promise<{ ids: string[] }> {
  const { tenantId } = by;
  const { userId } = input;
  const ids = [...new Set(input.contactIds)];
  if (ids.length === 0 || ids.length > assignedAtOnceMax) {
    throw new InvalidInputError([{ path: 'contactIds', message: `Expected 1 to ${assignedAtOnceMax} contacts.` }]);
  }
  const rows = await tx.$queryRaw<Row[]>`
    select id, assigned_to as "assignedTo" from contacts
     where tenant_id = ${tenantId}::uuid and id = any(${ids}::uuid[]) and merged_into_id is null order by id for no key update`;
  if (rows.length < ids.length) noSuchContact();
  const others = rows.filter(({ assignedTo }) => assignedTo !== userId);
  await assignFamilies(
    tx,
    tenantId,
    others.map(({ id }) => id),
    userId,
  );
  for (const { id, assignedTo } of others) {
    await recordAudit(tx, by, {
      action: 'contact.assign',
      target: { type: 'Contact', id },
      before: { assignedTo },
      after: { assignedTo: userId },
    });
  }
  return { ids };
}

/** What was merged into a contact is always the same person's: it comes back as that. */
export async function assignFamilies(
  tx: Tx,
  tenantId: string,
  contactIds: readonly string[],
  userId: string | null,
): Promise<void> {
  if (contactIds.length === 0) return;
  await tx.$executeRaw`
    with recursive family as (
      select id from contacts where tenant_id = ${tenantId}::uuid and id = any(${[...contactIds]}::uuid[])
      union
      select c.id from contacts c join family on c.tenant_id = ${tenantId}::uuid and c.merged_into_id = family.id
    )
    update contacts c set assigned_to = ${userId}::uuid, updated_at = clock_timestamp() from family
     where c.tenant_id = ${tenantId}::uuid and c.id = family.id and c.assigned_to is distinct from ${userId}::uuid`;
}
