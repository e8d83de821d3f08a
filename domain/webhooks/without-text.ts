import type { EventKind } from '../../connectors/whatsapp/webhook-fields.ts';
import { saysStop } from '../messages/says-stop.ts';

type Json = { readonly [name: string]: unknown };

/** Of a message's parts, what says nothing of what was said: ids, kinds, times. A list of what stays: a part that is new goes. */
const stays: Readonly<Record<string, true | readonly string[]>> = {
  id: true,
  from: true,
  from_user_id: true,
  from_parent_user_id: true,
  timestamp: true,
  type: true,
  group_id: true,
  context: ['id', 'from', 'forwarded', 'frequently_forwarded'],
  image: ['mime_type'],
  video: ['mime_type'],
  audio: ['mime_type', 'voice'],
  document: ['mime_type'],
  sticker: ['mime_type', 'animated'],
  interactive: ['type'],
  reaction: ['message_id'],
  system: ['type', 'wa_id', 'user_id', 'previous_user_id', 'previous_parent_user_id', 'parent_user_id'],
  edit: ['original_message_id'],
  revoke: ['original_message_id'],
  unsupported: ['type'],
  errors: true,
};

/** An event of a tenant that keeps metadata only, as JSON: who wrote when and what kind of message. What it says about stopping is read before it goes. */
export function withoutText(kind: EventKind, payload: string): string {
  const event = JSON.parse(payload) as Json; // our own JSON
  const { message } = event;
  if (kind === 'MESSAGE' && isJson(message)) {
    return JSON.stringify({ ...event, message: keep(message), withheld: { isStop: saysStop(message) } });
  }
  if (kind !== 'OTHER') return payload; // about accounts, numbers and templates: nobody's words
  return JSON.stringify({ field: event['field'], withheld: {} });
}

function keep(message: Json): Json {
  return Object.fromEntries(
    Object.entries(message).flatMap(([name, value]) => {
      const rule = Object.hasOwn(stays, name) ? stays[name] : undefined;
      if (rule === undefined) return [];
      if (rule === true) return [[name, value]];
      return isJson(value)
        ? [[name, Object.fromEntries(Object.entries(value).filter(([part]) => rule.includes(part)))]]
        : [];
    }),
  );
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
