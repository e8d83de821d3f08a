import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { forgetPeople } from '../messages/forget-people.ts';
import { lockContact } from './lock-contact.ts';
import { suppress, suppressionKeys } from './suppression.ts';

/**
 * Erases a contact, what was merged into it and all that hangs on them. What stays is hashes of how they were known, so that no
 * import brings them back as consented, and messages without a person: what was sent stays counted.
 */
export async function deleteContact(tx: Tx, by: Answerable, contactId: string): Promise<{ id: string }> {
  const { tenantId } = by;
  await lockContact(tx, tenantId, contactId);
  await waitForMessages(tx, tenantId, contactId);
  const family = await tx.$queryRaw<{ id: string; email: string | null; externalId: string | null }[]>`
    with recursive family as (
      select id, email, external_id from contacts where tenant_id = ${tenantId}::uuid and id = ${contactId}::uuid
      union
      select c.id, c.email, c.external_id from contacts c join family on c.tenant_id = ${tenantId}::uuid and c.merged_into_id = family.id
    )
    select id, email, external_id as "externalId" from family`;
  const identities = await tx.contactIdentity.findMany({
    where: { tenantId, contactId: { in: family.map(({ id }) => id) } },
    select: { kind: true, matchKey: true },
  });
  const keys = [
    ...suppressionKeys({ identities }),
    ...family.flatMap(({ email, externalId }) => suppressionKeys({ identities: [], email, externalId })),
  ];
  await suppress(tx, tenantId, keys);
  await forgetPeople(
    tx,
    tenantId,
    family.map(({ id }) => id),
  );
  await tx.contact.delete({ where: { tenantId_id: { tenantId, id: contactId } }, select: { id: true } });
  await recordAudit(tx, by, {
    action: 'contact.delete',
    target: { type: 'Contact', id: contactId },
    before: { merged: family.length - 1, identities: identities.length },
  });
  return { id: contactId };
}

/** Whoever writes messages to the family at this moment holds its rows: afterwards all of them are seen, and no more can come. */
async function waitForMessages(tx: Tx, tenantId: string, contactId: string): Promise<void> {
  await tx.$queryRaw`
    with recursive family as (
      select id from contacts where tenant_id = ${tenantId}::uuid and id = ${contactId}::uuid
      union
      select c.id from contacts c join family on c.tenant_id = ${tenantId}::uuid and c.merged_into_id = family.id
    )
    select c.id from contacts c join family on family.id = c.id where c.tenant_id = ${tenantId}::uuid order by c.id for update of c`;
}
