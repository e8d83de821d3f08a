import type { Tx } from '../../prisma/client.ts';
import { ConflictError, InvalidInputError } from '../errors.ts';
import { checkConsents } from './consent-input.ts';
import { checkExternalId } from './contact-fields.ts';
import { applyTags } from './contact-tags.ts';
import { createContact, type NewContact } from './create-contact.ts';
import { findByExternalId } from './external-id.ts';
import { recordGiven } from './set-consent.ts';
import { updateContact } from './update-contact.ts';

/**
 * Creates the contact of an external id, or changes it: the tenant's own id decides, and a merged contact's leads to the one it was
 * merged into. Consents are recorded and tags set as far as they are given.
 */
export async function upsertContact(
  tx: Tx,
  tenantId: string,
  input: NewContact & { externalId: string },
  now: Date,
): Promise<{ id: string }> {
  const { value: externalId, problem } = checkExternalId(input.externalId);
  if (problem || externalId === null) {
    throw new InvalidInputError([
      { path: 'externalId', message: `Expected ${problem?.expected ?? 'the external id of a contact'}.` },
    ]);
  }
  const known = await findByExternalId(tx, tenantId, externalId);
  if (known !== undefined) return change(tx, tenantId, known, input, now);
  try {
    return await createContact(tx, tenantId, input, now);
  } catch (error) {
    if (!(error instanceof ConflictError) || error.path !== 'externalId') throw error;
    const created = await findByExternalId(tx, tenantId, externalId); // by somebody else, in between
    if (created === undefined) throw error;
    return change(tx, tenantId, created, input, now);
  }
}

async function change(
  tx: Tx,
  tenantId: string,
  contactId: string,
  { externalId: _stays, tagIds, consents, ...input }: NewContact,
  now: Date,
): Promise<{ id: string }> {
  const checked = checkConsents(consents ?? [], now, (index) => `consents.${index}.`);
  await updateContact(tx, tenantId, contactId, input, now);
  if (tagIds !== undefined) await applyTags(tx, tenantId, contactId, 'set', tagIds ?? []);
  await recordGiven(tx, tenantId, contactId, checked);
  return { id: contactId };
}
