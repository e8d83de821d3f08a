import type { Prisma, Tx } from '../../prisma/client.ts';
import { InvalidInputError } from '../errors.ts';
import { checkConsents, type ConsentInput } from './consent-input.ts';
import { type CheckedContact, checkContact, type ContactInput } from './contact-input.ts';
import { applyTags } from './contact-tags.ts';
import { externalIdTaken, findByExternalId } from './external-id.ts';
import { addIdentities } from './identities.ts';
import { recordGiven } from './set-consent.ts';
import { suppressionKeys, withdrawSuppressed } from './suppression.ts';

export type NewContact = ContactInput & {
  tagIds?: readonly string[] | null | undefined;
  /** A grant that a withdrawal stands against is not recorded: as of somebody who was deleted. */
  consents?: ConsentInput[] | null | undefined;
};

/** Stores a new contact. Throws a conflict when its external id or one of its identities belongs to another one. */
export async function createContact(tx: Tx, tenantId: string, input: NewContact, now: Date): Promise<{ id: string }> {
  const checked = await checkContact(tx, tenantId, input, now);
  const consents = checkConsents(input.consents ?? [], now, (index) => `consents.${index}.`);
  refuseNobody(checked);
  const { fields, customFields } = checked;
  const [contact] = await tx.contact.createManyAndReturn({
    data: [{ tenantId, ...fields, customFields: withoutNulls(customFields) }],
    skipDuplicates: true,
    select: { id: true },
  });
  if (!contact) throw externalIdTaken(await findByExternalId(tx, tenantId, fields.externalId ?? ''));

  const identities = [...(checked.phone ? [checked.phone] : []), ...(checked.identities ?? [])];
  await addIdentities(tx, tenantId, contact.id, identities, now);
  await applyTags(tx, tenantId, contact.id, 'add', input.tagIds ?? []);
  const keys = suppressionKeys({ identities, email: fields.email, externalId: fields.externalId });
  const granted = consents.filter((consent) => consent.granted).map(({ purpose }) => purpose);
  await withdrawSuppressed(tx, tenantId, [{ contactId: contact.id, keys }], granted);
  await recordGiven(tx, tenantId, contact.id, consents);
  return contact;
}

/** Somebody must be known by something. */
function refuseNobody({ fields, phone, identities }: CheckedContact): void {
  if (fields.name || fields.email || fields.externalId || phone || (identities ?? []).length > 0) return;
  throw new InvalidInputError([
    { path: 'name', message: 'Expected a name, a phone or another identity, an e-mail address, or an external id.' },
  ]);
}

function withoutNulls(values: CheckedContact['customFields']): Prisma.JsonObject {
  return Object.fromEntries([...values].filter(([, value]) => value !== null));
}
