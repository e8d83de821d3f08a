import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { ConsentWithdrawnError } from '../errors.ts';
import { type ConsentEntry, recordConsents } from './consent.ts';
import { checkConsents, type ConsentInput } from './consent-input.ts';
import { lockContact, touchContact } from './lock-contact.ts';
import { liftSuppression, suppressionKeys } from './suppression.ts';

/** Records one consent of one contact. A grant that a withdrawal stands against is refused: only the person's own later act counts. */
export async function setConsent(
  tx: Tx,
  by: Answerable,
  contactId: string,
  input: ConsentInput,
  now: Date,
): Promise<{ id: string }> {
  const { tenantId } = by;
  const consents = checkConsents([input], now, () => '');
  const locked = await lockContact(tx, tenantId, contactId);
  const refused = await recordGiven(tx, tenantId, contactId, consents);
  if (refused > 0) {
    throw new ConsentWithdrawnError('This consent was withdrawn; only the person can give it again, by a later act.');
  }
  await touchContact(tx, tenantId, contactId, locked.now);
  const { purpose, channel, granted, source } = input;
  await recordAudit(tx, by, {
    action: 'contactConsent.set',
    target: { type: 'Contact', id: contactId },
    after: { purpose, channel, granted, source },
  });
  return { id: contactId };
}

/** Records what is said of one contact; returns how many grants were refused. */
export async function recordGiven(
  tx: Tx,
  tenantId: string,
  contactId: string,
  consents: readonly Omit<ConsentEntry, 'contactId'>[],
): Promise<number> {
  const entries = consents.map((consent) => ({ contactId, ...consent }));
  const refused = new Set(await recordConsents(tx, tenantId, entries));
  const ownAct = entries.some((entry) => entry.granted && entry.source === 'PERSON' && !refused.has(entry));
  if (ownAct) await welcomeBack(tx, tenantId, contactId);
  return refused.size;
}

/** Somebody who was deleted once and consents now is not to be taken for withdrawn the next time. */
async function welcomeBack(tx: Tx, tenantId: string, contactId: string): Promise<void> {
  const contact = await tx.contact.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: contactId } },
    select: { email: true, externalId: true, identities: { select: { kind: true, matchKey: true } } },
  });
  await liftSuppression(tx, tenantId, suppressionKeys(contact));
}
