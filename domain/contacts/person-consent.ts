import type { Tx } from '../../prisma/client.ts';
import { lockContact, touchContact } from './lock-contact.ts';
import { recordGiven } from './set-consent.ts';

/** What a person said to WhatsApp itself about marketing, and when. */
export type PersonsWord = { granted: boolean; givenAt: Date; proof: string };

/**
 * Records the person's own act about marketing on WhatsApp. The last act counts by the person's time, in whatever order we hear of them:
 * a stop that is older than a later start of the same person is history. Of two at the same second the stop holds. Returns whether it counts.
 */
export async function recordPersonsWord(
  tx: Tx,
  tenantId: string,
  contactId: string,
  { granted, givenAt, proof }: PersonsWord,
): Promise<boolean> {
  const { now } = await lockContact(tx, tenantId, contactId);
  const [purpose, channel] = ['MARKETING', 'WHATSAPP'] as const;
  const stands = await tx.contactConsent.findUnique({
    where: { tenantId_contactId_purpose_channel: { tenantId, contactId, purpose, channel } },
    select: { granted: true, source: true, givenAt: true },
  });
  const at = givenAt > now ? now : givenAt;
  if (!granted && stands?.granted && stands.source === 'PERSON' && stands.givenAt > at) return false;
  const refused = await recordGiven(tx, tenantId, contactId, [
    { purpose, channel, granted, source: 'PERSON', proof, givenAt: at },
  ]);
  await touchContact(tx, tenantId, contactId, now);
  return refused === 0;
}
