import { arrayLiteral, plainArrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';
import { matchKeyOf } from './phone.ts';

/** Under which number WhatsApp knows the person that a message went to, where that is another way of writing it. */
export type ReportedPhone = { messageId: string; waId: string };

/**
 * What WhatsApp reports is how a phone is written from then on: Brazil's ninth digit, Mexico's 1. Only ever another way of writing the
 * same phone; a number that is somebody else's is left alone.
 */
export async function adoptPhones(tx: Tx, tenantId: string, reported: readonly ReportedPhone[]): Promise<void> {
  if (reported.length === 0) return;
  const phones = reported.map(({ messageId, waId }) => ({
    messageId,
    value: `+${waId}`,
    matchKey: matchKeyOf(`+${waId}`),
  }));
  await tx.$executeRaw`
    update contact_identities i set value = r.value
      from unnest(${plainArrayLiteral(phones.map(({ messageId }) => messageId))}::uuid[], ${arrayLiteral(phones.map(({ value }) => value))}::text[],
        ${arrayLiteral(phones.map(({ matchKey }) => matchKey))}::text[]) as r (message_id, value, match_key)
      join messages m on m.tenant_id = ${tenantId}::uuid and m.id = r.message_id
     where i.tenant_id = ${tenantId}::uuid and i.kind = 'PHONE' and i.value = m.address and i.match_key = r.match_key and i.value <> r.value`;
}
