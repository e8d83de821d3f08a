import { maskEmail, maskMessageIds, maskNumbers, maskPhone, maskWhole } from '../domain/contacts/mask.ts';
import { recordNumberFound } from '../domain/contacts/reveal-contact.ts';
import { ConflictError, InvalidInputError, type ObjectReference } from '../domain/errors.ts';
import type { Context } from './builder.ts';
import { known } from './node.ts';

// A tenant may keep telephone numbers and e-mail addresses of its contacts from its sellers, and from keys without `contacts.reveal`.
// Every field that gives one out is marked with `personal` and answers through one of these: schema/masking.test.ts holds the schema to it.

const masks = { phone: maskPhone, email: maskEmail, whole: maskWhole, messageIds: maskMessageIds };

/** What every field that gives out such a thing is marked with. */
export const personal = { extensions: { personal: true } };

const revealed = new WeakMap<object, Set<string>>();

/** From here on, the answer of this operation shows a contact as it is. */
export function reveal(context: Context, contactId: string): void {
  const ids = revealed.get(context) ?? new Set<string>();
  revealed.set(context, ids.add(contactId));
}

/** What the caller may see of a contact's telephone number, e-mail address, or of what may be one. */
export function masked<Value extends string | null>(
  context: Context,
  contactId: string | null,
  kind: keyof typeof masks,
  value: Value,
): Value | string {
  return value === null || !isInPart(context, contactId) ? value : masks[kind](value);
}

/** The same for what cannot be shown in part: there is none of it then. */
export function withheld<Value>(context: Context, contactId: string | null, value: Value): Value | null {
  return isInPart(context, contactId) ? null : value;
}

/** The same for what came in: the numbers that WhatsApp put into it, not what the person wrote. */
export function maskedContent(context: Context, contactId: string | null, content: unknown): unknown {
  return isInPart(context, contactId) ? maskNumbers(content) : content;
}

/** The same for what stood in a file of contacts: whoever sent the file knows it. */
export function withheldFromOthers<Value>(context: Context, senderId: string | null, value: Value): Value | null {
  const { isMasked, actor } = known(context);
  return isMasked && actor.id !== senderId ? null : value;
}

/** With whom a value is in conflict. Who is shown numbers in part is not told whose one is. */
export function conflictingWith(context: Context, conflict: ConflictError): ObjectReference | null {
  return (!isTried(context, conflict) && conflict.conflicting) || null;
}

/** That there is such a number has been learned by trying it all the same: it is written down, as a reveal is. */
export async function noteNumberFound(context: Context, error: unknown): Promise<void> {
  const { conflicting } = error instanceof ConflictError && isTried(context, error) ? error : {};
  if (conflicting) await context.write((tx) => recordNumberFound(tx, known(context), conflicting.id));
}

function isTried(context: Context, { path = '' }: ConflictError): boolean {
  return /^(phone|identities\.\d+)/.test(path) && known(context).isMasked;
}

function isInPart(context: Context, contactId: string | null): boolean {
  const isRevealed = contactId !== null && revealed.get(context)?.has(contactId);
  return known(context).isMasked && !isRevealed;
}

type Node = { and?: Node[] | null; or?: Node[] | null; not?: Node | null; field?: object | null };

/** Refuses filters by what the caller is not shown: asking often enough would tell it. That there is a number or address may be asked. */
export function refuseGuessing(context: Context, filter: object): void {
  if (!known(context).isMasked) return;
  for (const { field, path } of maskedConditions(filter, 'filter')) {
    const asked = Object.keys(field).filter((key) => key !== 'isSet');
    if (asked.length === 0) continue;
    const message = 'It is shown to you only in part: only `isSet` can be asked of it.';
    throw new InvalidInputError([{ path, message }]);
  }
}

/** A stored filter as the caller may see it: what it compares with is masked alike. */
export function maskedFilter(context: Context, filter: object): object {
  if (!known(context).isMasked) return filter;
  const copy = structuredClone(filter);
  for (const { field, kind } of maskedConditions(copy, 'filter')) {
    for (const [key, value] of Object.entries(field)) {
      if (typeof value === 'string') Object.assign(field, { [key]: masks[kind](value) });
      if (Array.isArray(value)) Object.assign(field, { [key]: value.map((one) => masks[kind](String(one))) });
    }
  }
  return copy;
}

function maskedConditions(node: Node, path: string): { field: object; kind: 'phone' | 'email'; path: string }[] {
  const { and, or, not, field } = node;
  const { phone, email } = (field ?? {}) as { phone?: object | null; email?: object | null };
  return [
    ...(and ?? []).flatMap((one, index) => maskedConditions(one, `${path}.and.${index}`)),
    ...(or ?? []).flatMap((one, index) => maskedConditions(one, `${path}.or.${index}`)),
    ...(not ? maskedConditions(not, `${path}.not`) : []),
    ...(phone ? [{ field: phone, kind: 'phone' as const, path: `${path}.field.phone` }] : []),
    ...(email ? [{ field: email, kind: 'email' as const, path: `${path}.field.email` }] : []),
  ];
}
