import type { Prisma, Tx } from '../../prisma/client.ts';
import { isUniqueViolation } from '../unique.ts';
import { checkContact, type ContactInput } from './contact-input.ts';
import { externalIdTaken, findByExternalId } from './external-id.ts';
import { changeIdentities } from './identities.ts';
import { lockContact } from './lock-contact.ts';
import { suppressionKeys, withdrawSuppressed } from './suppression.ts';

/** Changes a contact: what is undefined stays, null clears. Throws a conflict when an external id or identity belongs to another one. */
export async function updateContact(
  tx: Tx,
  tenantId: string,
  contactId: string,
  input: ContactInput,
  now: Date,
): Promise<{ id: string }> {
  const checked = await checkContact(tx, tenantId, input, now); // locks custom fields: before the contact, as their deletion does
  const { now: updatedAt } = await lockContact(tx, tenantId, contactId);
  const { fields, customFields } = checked;
  const where = { tenantId_id: { tenantId, id: contactId } };
  const before = await tx.contact.findUniqueOrThrow({
    where,
    select: { email: true, externalId: true, customFields: true },
  });
  if (fields.externalId && fields.externalId !== before.externalId) {
    const owner = await findByExternalId(tx, tenantId, fields.externalId);
    if (owner !== undefined) throw externalIdTaken(owner);
  }
  const added = await changeIdentities(tx, tenantId, contactId, checked, updatedAt);
  const data = { ...fields, ...changedValues(before.customFields, customFields), updatedAt };
  await tx.contact.update({ where, data, select: { id: true } }).catch((error: unknown) => {
    throw isUniqueViolation(error) ? externalIdTaken() : error; // somebody took it in between
  });
  const keys = suppressionKeys({
    identities: added,
    email: fields.email === before.email ? null : fields.email,
    externalId: fields.externalId === before.externalId ? null : fields.externalId,
  });
  await withdrawSuppressed(tx, tenantId, [{ contactId, keys }]);
  return { id: contactId };
}

function changedValues(
  before: Prisma.JsonValue,
  changes: ReadonlyMap<string, Prisma.InputJsonValue | null>,
): { customFields?: Prisma.InputJsonObject } {
  if (changes.size === 0) return {};
  const values = new Map(Object.entries(before as Prisma.InputJsonObject));
  for (const [key, value] of changes) {
    if (value === null) values.delete(key);
    else values.set(key, value);
  }
  return { customFields: Object.fromEntries(values) };
}
