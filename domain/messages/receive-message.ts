import type { WireMessage } from '../../connectors/whatsapp/webhook-payloads.ts';
import { Prisma, type Tx } from '../../prisma/client.ts';
import { recordPersonsWord } from '../contacts/person-consent.ts';
import { moveIdentities, recognise } from '../contacts/recognise.ts';
import { saysStop } from './says-stop.ts';

/** The number that it came to is not connected, or not yet. */
export class UnknownNumberError extends Error {}

/** Messages of WhatsApp's about a person, not of the person: they open no service window. */
const notFromPerson = new Set(['system', 'request_welcome']);

/**
 * Stores a message that came in, once, with the contact found or made; opens the service window, and hears a wish to stop. Returns the
 * number that it counts against, or null where the message is known already.
 */
export async function receiveMessage(
  tx: Tx,
  tenantId: string,
  message: WireMessage,
): Promise<{ numberId: string } | null> {
  const { phoneNumberId, wamid, at } = message;
  const number = await tx.whatsAppNumber.findUnique({
    where: { tenantId_phoneNumberId: { tenantId, phoneNumberId } },
    select: { id: true },
  });
  if (!number) throw new UnknownNumberError('The number is not connected.');
  if (await tx.message.findFirst({ where: { tenantId, wamid }, select: { id: true } })) return null;

  const { moved, person } = message;
  const contactId = moved ? await moveIdentities(tx, tenantId, moved) : await recognise(tx, tenantId, person);
  const stored = await tx.message.createMany({
    data: [
      {
        tenantId,
        wamid,
        contactId,
        numberId: number.id,
        direction: 'INBOUND',
        status: 'RECEIVED',
        type: message.type.toUpperCase(),
        occurredAt: at,
        contextWamid: message.contextWamid,
        address: person.waId === null ? person.userId : `+${person.waId.replace(/^\+/, '')}`,
        content: message.withheld ? Prisma.DbNull : storable(message.content),
      },
    ],
    skipDuplicates: true,
  });
  if (stored.count === 0) return null; // another worker was faster: what it led to is its business
  if (contactId === null || notFromPerson.has(message.type)) return { numberId: number.id };

  await tx.$executeRaw`
    insert into contact_windows as w (tenant_id, contact_id, number_id, last_inbound_at) values (${tenantId}::uuid, ${contactId}::uuid, ${number.id}::uuid, least(${at}::timestamptz, now()))
    on conflict (tenant_id, contact_id, number_id) do update set last_inbound_at = greatest(w.last_inbound_at, excluded.last_inbound_at)`;
  const isStop = message.withheld?.isStop ?? saysStop({ type: message.type, ...message.content });
  if (isStop) {
    const proof = `A message that asks to stop: ${wamid}`;
    await recordPersonsWord(tx, tenantId, contactId, { granted: false, givenAt: at, proof });
  }
  return { numberId: number.id };
}

/** JSON that Postgres can hold: without U+0000 and broken surrogates, which its jsonb refuses. */
function storable(content: Readonly<Record<string, unknown>>): Prisma.InputJsonObject {
  const clean = (text: string) => text.replaceAll('\0', '').toWellFormed();
  return JSON.parse(JSON.stringify(content), (_key, value: unknown) => {
    if (typeof value === 'string') return clean(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [clean(key), member]));
  }) as Prisma.InputJsonObject;
}
