import { z } from 'zod';

// What the elements of a webhook say, as far as we act on it. Everything else in them stays in the stored event.

/** Digits come as JSON numbers and as strings; nothing that Postgres could not hold. */
const id = z.union([z.string().regex(/^[\x21-\x7e]{1,512}$/), z.number().int().nonnegative().transform(String)]);
const maybeId = id.optional().catch(undefined);

/** Unix seconds: a string in messages and statuses, a number elsewhere. */
const time = z.coerce
  .number()
  .min(1)
  .max(4_000_000_000)
  .transform((seconds) => new Date(Math.floor(seconds * 1_000)));

const word = z
  .string()
  .regex(/^[\w-]{1,64}$/)
  .optional()
  .catch(undefined);

const Contact = z
  .object({
    wa_id: maybeId,
    user_id: maybeId,
    profile: z
      .object({ name: z.string().optional().catch(undefined), username: z.string().optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .optional()
  .catch(undefined);

const Status = z.object({
  status: z.object({
    id: maybeId,
    status: z.string().max(64),
    timestamp: time,
    biz_opaque_callback_data: z.string().optional().catch(undefined),
    errors: z
      .array(z.object({ code: z.coerce.number().int().min(0).max(2_147_483_647) }))
      .optional()
      .catch(undefined),
    pricing: z.object({ category: word, type: word }).optional().catch(undefined),
  }),
});

export type WireStatus = {
  wamid: string | null;
  status: string;
  at: Date;
  callbackData: string | null;
  code: number | null;
  pricing: { category: string; type: string | null } | null;
};

/** Reads a stored STATUS (reference: whatsapp-cloud-api, section 7.4). Throws a ZodError. */
export function readStatus(payload: unknown): WireStatus {
  const { status } = Status.parse(payload);
  const category = status.pricing?.category;
  return {
    wamid: status.id ?? null,
    status: status.status,
    at: status.timestamp,
    callbackData: status.biz_opaque_callback_data ?? null,
    code: status.errors?.[0]?.code ?? null,
    pricing: category === undefined ? null : { category, type: status.pricing?.type ?? null },
  };
}

/** By what WhatsApp names a person: any of it may be missing. */
export type WirePerson = { userId: string | null; waId: string | null; name: string | null; username: string | null };

const Preference = z.object({
  phoneNumberId: maybeId,
  preference: z.object({
    wa_id: maybeId,
    user_id: maybeId,
    category: z.string().max(64),
    value: z.string().max(64),
    timestamp: time,
  }),
  contact: Contact,
});

export type WirePreference = { person: WirePerson; category: string; value: string; at: Date };

/** Reads a stored PREFERENCE (reference: whatsapp-cloud-api, section 7.5). Throws a ZodError. */
export function readPreference(payload: unknown): WirePreference {
  const { preference, contact } = Preference.parse(payload);
  return {
    person: personOf(preference.user_id, preference.wa_id, contact),
    category: preference.category,
    value: preference.value,
    at: preference.timestamp,
  };
}

const Change = z.object({
  wabaId: id,
  time: time.nullish().catch(null),
  field: z.string(),
  value: z.record(z.string(), z.unknown()),
});

export type WireChange = { wabaId: string; at: Date | null; field: string; value: Record<string, unknown> };

/** Reads a stored event about an account, a template or a number (reference: whatsapp-cloud-api, section 7.5). Throws a ZodError. */
export function readChange(payload: unknown): WireChange {
  const { wabaId, time: at, field, value } = Change.parse(payload);
  return { wabaId, at: at ?? null, field, value };
}

const Message = z.object({
  phoneNumberId: id,
  message: z.object({
    id,
    from: maybeId,
    from_user_id: maybeId,
    timestamp: time,
    type: z
      .string()
      .regex(/^\w{1,64}$/)
      .catch('unknown'),
    context: z.object({ id: maybeId }).optional().catch(undefined),
    reaction: z.object({ message_id: maybeId }).optional().catch(undefined),
    edit: z.object({ original_message_id: maybeId }).optional().catch(undefined),
    revoke: z.object({ original_message_id: maybeId }).optional().catch(undefined),
    system: z
      .object({ type: word, wa_id: maybeId, user_id: maybeId, previous_user_id: maybeId })
      .optional()
      .catch(undefined),
  }),
  contact: Contact,
  /** Left by us where the text was taken out before it was stored. */
  withheld: z.object({ isStop: z.boolean() }).optional(),
});

export type WireMessage = {
  phoneNumberId: string;
  wamid: string;
  type: string;
  at: Date;
  person: WirePerson;
  /** The message that this one answers, reacts to, edits or takes back. */
  contextWamid: string | null;
  /** The person's number or id has changed: what it was, and what it is. */
  moved: { from: WirePerson; to: WirePerson } | null;
  /** Everything beside what has a field of its own. */
  content: Readonly<Record<string, unknown>>;
  /** Set where the tenant keeps no text; what it said about stopping was read before. */
  withheld: { isStop: boolean } | null;
};

const moves = new Set(['user_changed_number', 'user_changed_user_id']);

/** Reads a stored MESSAGE of any type (reference: whatsapp-cloud-api, section 7.3). Throws a ZodError. */
export function readMessage(payload: unknown): WireMessage {
  const { phoneNumberId, message, contact, withheld } = Message.parse(payload);
  const { id: wamid, from, from_user_id: fromUserId, timestamp, type, system } = message;
  const original = message.edit?.original_message_id ?? message.revoke?.original_message_id;
  const isMove = type === 'system' && moves.has(system?.type ?? '');
  return {
    phoneNumberId,
    wamid,
    type,
    at: timestamp,
    person: personOf(fromUserId, from, contact),
    contextWamid: message.reaction?.message_id ?? original ?? message.context?.id ?? null,
    moved: isMove
      ? {
          from: personOf(system?.previous_user_id, from, undefined),
          to: personOf(system?.user_id, system?.wa_id, contact),
        }
      : null,
    content: contentOf((payload as { message: Record<string, unknown> }).message),
    withheld: withheld ?? null,
  };
}

/** What has a field of its own in a WireMessage. */
const ownFields = new Set(['id', 'from', 'from_user_id', 'from_parent_user_id', 'timestamp', 'type']);

function contentOf(message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message).filter(([name]) => !ownFields.has(name)));
}

function personOf(userId: string | undefined, waId: string | undefined, contact: z.infer<typeof Contact>): WirePerson {
  return {
    userId: userId ?? contact?.user_id ?? null,
    waId: waId ?? contact?.wa_id ?? null,
    name: contact?.profile?.name ?? null,
    username: contact?.profile?.username ?? null,
  };
}
