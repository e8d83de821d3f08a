import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { InvalidInputError } from '../errors.ts';
import { lockContact } from './lock-contact.ts';

export const reasonLengthMax = 200;

/** Writes down that somebody is about to see a contact as it is, and why. */
export async function revealContact(
  tx: Tx,
  by: Answerable,
  { contactId, reason }: { contactId: string; reason: string },
): Promise<{ id: string }> {
  const said = reason.trim();
  if (said === '' || said.length > reasonLengthMax) {
    throw new InvalidInputError([{ path: 'reason', message: `Expected 1 to ${reasonLengthMax} characters.` }]);
  }
  await lockContact(tx, by.tenantId, contactId);
  await recordAudit(tx, by, {
    action: 'contact.reveal',
    target: { type: 'Contact', id: contactId },
    after: { reason: said },
  });
  return { id: contactId };
}

/** Writes down that somebody who is shown numbers in part has tried one, and been told that a contact has it. */
export async function recordNumberFound(tx: Tx, by: Answerable, contactId: string): Promise<void> {
  await recordAudit(tx, by, { action: 'contact.numberFound', target: { type: 'Contact', id: contactId } });
}
