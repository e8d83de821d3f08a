import { randomUUID } from 'node:crypto';
import { idTypes, type Variables } from './calls.ts';
import type { Owner } from './fill.ts';
import type { Answer, Tenant } from './tenant.ts';
import { tells } from './world.ts';

/** The owner of rows that a tenant of the API is. */
export const ownerOf = ({ person, canary }: Tenant): Owner => ({
  tenantId: person.tenantId,
  userId: person.userId,
  canary,
});

/** The type of an id, by the input's field that takes it: `TagUpdateInput.tagId` is a Tag. */
export function idTypeOf(owner: string, types: string[]): string | undefined {
  const name = owner.split('.')[1] ?? '';
  const nounOf = (type: string) => `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  return idTypes[owner] ?? types.find((type) => [`${nounOf(type)}Id`, `${nounOf(type)}Ids`].includes(name));
}

/** What stands at a path of some arguments; of a list, in its first element. */
export function valueAt(variables: Variables, path: string[]): unknown {
  let value: unknown = variables;
  for (const name of path) {
    const inside = Array.isArray(value) ? (value[0] as unknown) : value;
    if (typeof inside !== 'object' || inside === null) return undefined;
    value = (inside as Variables)[name];
  }
  return value;
}

/** What of another tenant an answer holds that was not sent. */
export function leaks(answer: Answer, other: Tenant, sent: string[]): string[] {
  const text = `${answer.headers}\n${answer.body}`;
  const ids = [...other.ids.values()].flatMap((of) => [...of]);
  return [
    ...(tells(other, text) ? [text] : []),
    ...[...ids, other.person.tenantId, other.person.userId].filter((id) => !sent.includes(id) && text.includes(id)),
  ];
}

/**
 * A cursor to the same place of a list, of a row that never was: an id begins with its time, by which lists are in order. What only counts
 * within an object of one's own is nobody's as it is.
 */
export function nobodysCursor(cursor: string): string {
  const values = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
  const last = values.at(-1);
  const unique = typeof last === 'number' ? last : `${String(last).slice(0, 19)}${randomUUID().slice(19)}`;
  return Buffer.from(JSON.stringify([...values.slice(0, -1), unique])).toString('base64url');
}

/** An answer without what differs from one request to the next: two that are equal tell the same. */
export function anonymous({ status, body }: Answer, ...sent: string[]): string {
  let text = body;
  for (const id of sent) text = text.replaceAll(id, '<sent>');
  return `${status} ${text}`
    .replaceAll(/"[A-Za-z0-9+/_-]{20,}={0,2}"/g, (quoted) => `"${kindOf(quoted.slice(1, -1))}"`)
    .replaceAll(/\/(audit|imports|uploads)\/[\w-]{20,}/g, '/$1/<token>')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '<time>');
}

/** A global id by its type, a cursor by its list, anything else as it is. */
function kindOf(text: string): string {
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  const [, type] = /^(\w+):[0-9a-f-]{36}$/.exec(decoded) ?? [];
  if (type !== undefined) return `<id of ${type}>`;
  return /^\["[-\w,]+",/.test(decoded) ? '<cursor>' : text;
}
