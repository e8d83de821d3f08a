import { z } from 'zod';
import { readJson, readRefusal } from './json.ts';
import type { Meta } from './meta.ts';

/** From which number, and with whose token. */
export type Sender = { phoneNumberId: string; token: string };

/** One message as Meta takes it (reference: whatsapp-cloud-api, section 2.1). */
export type WireMessage = {
  /** E.164 with its `+`, or a business-scoped user id. */
  address: string;
  /** Comes back in every status of the message. */
  callbackData: string;
  /** The message it answers. */
  contextWamid?: string | null;
  /** `type` and the property of the same name. */
  content: { type: string } & Record<string, unknown>;
};

export type Sent =
  /** A 200 that cannot be read was still sent: then there is no wamid. */
  | { outcome: 'accepted'; wamid: string | null; waId: string | null; userId: string | null }
  | { outcome: 'refused'; code: number; details: string }
  /** It never left. */
  | { outcome: 'not-sent'; reason: string }
  /** It may have gone out: never sent again blindly. */
  | { outcome: 'unknown'; reason: string };

const Accepted = z.object({
  messages: z.tuple([z.object({ id: z.string().min(1) })], z.unknown()),
  contacts: z
    .tuple([z.object({ wa_id: z.string().optional(), user_id: z.string().optional() })], z.unknown())
    .optional()
    .catch(undefined),
});

/** Refusals that do not say whether the message went out (reference: whatsapp-cloud-api, section 6.2, column Dup). */
const mayHaveGoneOut = new Set([1, 2, 131000, 131016, 133004]);

/** Hands one message to Meta. Never throws for what the network or Meta does. */
export async function send(meta: Meta, sender: Sender, message: WireMessage, signal?: AbortSignal): Promise<Sent> {
  const answer = await meta.call(
    { method: 'POST', path: `/${sender.phoneNumberId}/messages`, token: sender.token, body: bodyOf(message) },
    signal,
  );
  if (answer.kind === 'not-sent') return { outcome: 'not-sent', reason: answer.reason };
  if (answer.kind === 'lost') return { outcome: 'unknown', reason: answer.reason };
  if (answer.status >= 200 && answer.status < 300) {
    const accepted = Accepted.safeParse(readJson(answer.text));
    const contact = accepted.data?.contacts?.[0];
    return {
      outcome: 'accepted',
      wamid: accepted.data?.messages[0].id ?? null,
      waId: contact?.wa_id ?? null,
      userId: contact?.user_id ?? null,
    };
  }
  const refusal = readRefusal(answer.text);
  if (!refusal) return { outcome: 'unknown', reason: `HTTP_${answer.status}` }; // from something between us and Meta
  if (refusal.isTransient && answer.status >= 500) return { outcome: 'unknown', reason: `META_${refusal.code}` };
  if (mayHaveGoneOut.has(refusal.code)) return { outcome: 'unknown', reason: `META_${refusal.code}` };
  return { outcome: 'refused', code: refusal.code, details: refusal.details };
}

function bodyOf({ address, callbackData, contextWamid, content }: WireMessage): string {
  return JSON.stringify({
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    ...(address.startsWith('+') ? { to: address } : { recipient: address }),
    ...content,
    ...(contextWamid ? { context: { message_id: contextWamid } } : {}),
    biz_opaque_callback_data: callbackData,
  });
}
