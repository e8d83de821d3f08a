import type { WirePreference } from '../../connectors/whatsapp/webhook-payloads.ts';
import type { Tx } from '../../prisma/client.ts';
import { recordPersonsWord } from './person-consent.ts';
import { recognise } from './recognise.ts';

const grants: Readonly<Record<string, boolean>> = { stop: false, resume: true, signup: true };

/**
 * What a person set in WhatsApp about a business's marketing: the one way in which WhatsApp itself gives consent back. Somebody we do not
 * know yet is remembered, so that no import brings a person back who has said stop. Returns whether it meant anything to us.
 */
export async function applyPreference(tx: Tx, tenantId: string, preference: WirePreference): Promise<boolean> {
  const { category, value, at, person } = preference;
  const granted = Object.hasOwn(grants, value) ? grants[value] : undefined;
  if (category !== 'marketing_messages' || granted === undefined) return false;
  const contactId = await recognise(tx, tenantId, person);
  if (contactId === null) return false;
  const proof = `WhatsApp's marketing preference: ${value}`;
  await recordPersonsWord(tx, tenantId, contactId, { granted, givenAt: at, proof });
  return true;
}
