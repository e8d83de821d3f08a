import { hash } from 'node:crypto';
import { fieldOf, kindOfField, type EventKind } from './webhook-fields.ts';
import { parseLossless } from './json.ts';

/** Where an event belongs: to the tenant that holds this number or this account. */
export type Route = { source: 'META_NUMBER' | 'META_WABA'; externalId: string };

/** One element of what Meta posted: stored, routed and applied by itself. */
export type WebhookElement = {
  kind: EventKind;
  /** The same for every delivery of the same event: a hash, since a wamid holds the person's number. */
  key: string;
  /** Null where nothing in it says whose it is. */
  route: Route | null;
  payload: Json;
};

type Json = { readonly [name: string]: unknown };

/**
 * Splits what Meta posted into its elements, none lost: what nobody knows becomes OTHER, whole. Throws a SyntaxError where the body is
 * no JSON (reference: whatsapp-cloud-api, sections 7.2 to 7.5).
 */
export function readWebhook(body: string): WebhookElement[] {
  const envelope = parseLossless(body);
  const entries = isJson(envelope) ? listOf(envelope['entry']) : undefined;
  if (!isJson(envelope) || !entries) return [other(null, { envelope })];
  return entries.flatMap((entry) => {
    if (!isJson(entry)) return [other(null, { entry })];
    const changes = listOf(entry['changes']) ?? ('value' in entry ? [entry] : undefined); // some samples have the change in the entry itself
    if (!changes || changes.length === 0) return [other(accountRoute(entry['id']), { entry })];
    return changes.flatMap((change) => readChange(entry, change));
  });
}

function readChange(entry: Json, change: unknown): WebhookElement[] {
  const { id: wabaId, time } = entry;
  const value = isJson(change) ? change['value'] : undefined;
  if (!isJson(change) || !isJson(value)) return [other(accountRoute(wabaId), { wabaId, time, change })];
  const field = fieldOf(change['field'] ?? value['field'] ?? entry['field'], value);
  if (field === 'messages' || field === 'user_preferences') return readMessages({ wabaId, time, field, value });

  const phoneNumberId = phoneNumberIdOf(value);
  const customer = isJson(value['waba_info']) ? idOf(value['waba_info']['waba_id']) : undefined; // PARTNER_* events come under the partner's own id
  const route = phoneNumberId === undefined ? accountRoute(customer ?? wabaId) : numberRoute(phoneNumberId);
  const key = keyOf('account', wabaId, time, field, value);
  return [{ kind: kindOfField(field), key, route, payload: { wabaId: customer ?? wabaId, time, field, value } }];
}

/** What a value of the `messages` family holds, list by list. */
const lists = ['statuses', 'messages', 'user_preferences', 'errors'] as const;
type List = (typeof lists)[number];

/** What every element is told of its value; the rest of a value is an element of its own. */
const shared = new Set<string>([...lists, 'messaging_product', 'metadata', 'contacts', 'field', 'object']);

type Value = { wabaId: unknown; time: unknown; field: string; value: Json };

function readMessages(context: Value): WebhookElement[] {
  const { wabaId, time, field, value } = context;
  const phoneNumberId = phoneNumberIdOf(value);
  const route = phoneNumberId === undefined ? accountRoute(wabaId) : numberRoute(phoneNumberId);
  const contacts = (listOf(value['contacts']) ?? []).filter(isJson);
  const find = contactFinder(contacts);
  const unknown = (rest: unknown): WebhookElement => {
    const key = keyOf('other', wabaId, time, field, phoneNumberId, rest);
    return {
      kind: 'OTHER',
      key,
      route,
      payload: { wabaId, time, field, value: { metadata: value['metadata'], rest } },
    };
  };
  const elements = lists.flatMap((list) => {
    const given = value[list];
    if (given === undefined) return [];
    return (listOf(given) ?? [given]).map((item): WebhookElement => {
      if (!isJson(item)) return unknown({ [list]: [item] });
      const { kind, name, key } = readers[list](item, phoneNumberId, context);
      const contact = find(item);
      return { kind, key, route, payload: { phoneNumberId, [name]: item, ...(contact ? { contact } : {}) } };
    });
  });
  const rest = Object.entries(value).filter(([name]) => !shared.has(name));
  if (rest.length > 0 || elements.length === 0) elements.push(unknown({ contacts, ...Object.fromEntries(rest) }));
  return elements;
}

type Read = { kind: EventKind; name: string; key: string };

const readers: Record<List, (item: Json, phoneNumberId: string | undefined, context: Value) => Read> = {
  /** An id has several statuses, and several of the same where it went to a group or failed twice. */
  statuses: (item, phoneNumberId) => {
    const kind = item['type'] === 'call' ? 'OTHER' : 'STATUS';
    const wamid = idOf(item['id']);
    if (wamid === undefined || kind === 'OTHER')
      return { kind, name: 'status', key: keyOf('status', phoneNumberId, item) };
    const participant = item['recipient_participant_id'] ?? item['participant_recipient_id'];
    const [error] = listOf(item['errors']) ?? [];
    const code = isJson(error) ? error['code'] : undefined;
    return { kind, name: 'status', key: keyOf('status', wamid, item['status'], participant, code) };
  },
  messages: (item, phoneNumberId) => {
    const wamid = idOf(item['id']);
    return { kind: 'MESSAGE', name: 'message', key: keyOf('message', phoneNumberId, wamid ?? item) };
  },
  user_preferences: (item, phoneNumberId) => ({
    kind: 'PREFERENCE',
    name: 'preference',
    key: keyOf('preference', phoneNumberId, item),
  }),
  errors: (item, phoneNumberId, { wabaId, time }) => ({
    kind: 'ERROR',
    name: 'error',
    key: keyOf('error', wabaId, time, phoneNumberId, item),
  }),
};

/** Finds the contact that stands beside an element: a value may tell of a thousand of both. */
function contactFinder(contacts: readonly Json[]): (item: Json) => Json | undefined {
  const known = new Map<string, Json>();
  for (const contact of contacts) {
    for (const name of ['user_id', 'wa_id']) {
      const id = idOf(contact[name]);
      if (id !== undefined && !known.has(id)) known.set(id, contact);
    }
  }
  const [only] = contacts.length === 1 ? contacts : [];
  return (item) => {
    const userId = idOf(item['from_user_id'] ?? item['recipient_user_id'] ?? item['user_id']);
    const waId = idOf(item['from'] ?? item['recipient_id'] ?? item['wa_id']);
    const contact = known.get(userId ?? '') ?? known.get(waId ?? '');
    if (contact || !only) return contact;
    const differs = (id: string | undefined, name: string) =>
      id !== undefined && only[name] !== undefined && idOf(only[name]) !== id;
    return differs(userId, 'user_id') || differs(waId, 'wa_id') ? undefined : only; // never somebody else's
  };
}

/** A body that is no JSON, kept as an element of its own. */
export function unreadable(body: string): WebhookElement {
  return other(null, { unreadable: body });
}

function other(route: Route | null, payload: Json): WebhookElement {
  return { kind: 'OTHER', key: keyOf('other', payload), route, payload };
}

function phoneNumberIdOf(value: Json): string | undefined {
  return isJson(value['metadata']) ? idOf(value['metadata']['phone_number_id']) : undefined;
}

const numberRoute = (externalId: string): Route => ({ source: 'META_NUMBER', externalId });

function accountRoute(id: unknown): Route | null {
  const externalId = idOf(id);
  return externalId === undefined ? null : { source: 'META_WABA', externalId };
}

/** 128 bits of a hash: short in the index, and no two events meet. */
function keyOf(...parts: unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 22);
}

/** An id as text: digits come as JSON numbers and as strings, a wamid is opaque. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && /^[\x21-\x7e]{1,512}$/.test(value) ? value : undefined;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
