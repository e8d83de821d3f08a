import type { CustomFieldShape } from '../domain/contacts/custom-values.ts';
import type {
  ContactFilter,
  CustomFieldCondition,
  DateCondition,
  PhoneCondition,
  TagCondition,
  TextCondition,
  TimeCondition,
} from '../domain/contacts/filter.ts';
import { readOperand } from '../domain/contacts/filter-definitions.ts';
import { matchKeyOf } from '../domain/contacts/phone.ts';
import { foldText } from '../domain/contacts/text.ts';

/** A contact as plain values: what a filter means is said here a second time, without any SQL. */
export type Person = {
  id: string;
  name: string | null;
  email: string | null;
  externalId: string | null;
  street: string | null;
  city: string | null;
  region: string | null;
  postalCode: string | null;
  country: string | null;
  language: string | null;
  birthDate: Date | null;
  blockedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  customFields: Record<string, unknown>;
  tagIds: string[];
  phones: { value: string; matchKey: string }[];
  consents: { purpose: string; channel: string; granted: boolean }[];
};

/** The tenant of the oracle has these custom fields. */
export const customFields: ReadonlyMap<string, CustomFieldShape> = new Map([
  ['note', { type: 'TEXT', options: [] }],
  ['points', { type: 'NUMBER', options: [] }],
  ['member', { type: 'BOOLEAN', options: [] }],
  ['since', { type: 'DATE', options: [] }],
  ['size', { type: 'SELECT', options: ['S', 'M', 'L'] }],
]);

/** True, false, or null for what nobody can say: a condition on a tag or field that is not there. As in SQL, `not null` is null. */
export function matches(filter: ContactFilter, person: Person, tagIds: ReadonlySet<string>): boolean | null {
  const all = (filters: ContactFilter[]) => filters.map((one) => matches(one, person, tagIds));
  if ('and' in filter) {
    const found = all(filter.and);
    return found.includes(false) ? false : found.includes(null) ? null : true;
  }
  if ('or' in filter) {
    const found = all(filter.or);
    return found.includes(true) ? true : found.includes(null) ? null : false;
  }
  if ('not' in filter) {
    const found = matches(filter.not, person, tagIds);
    return found === null ? null : !found;
  }
  if ('field' in filter) return ofField(filter.field, person);
  if ('tag' in filter) return ofTags(filter.tag, person, tagIds);
  if ('customField' in filter) return ofCustomField(filter.customField, person);
  if ('consent' in filter) {
    const { purpose, channel, granted } = filter.consent;
    const isGranted = person.consents.some(
      (one) => one.granted && one.purpose === purpose && (channel === undefined || one.channel === channel),
    );
    return isGranted === granted;
  }
  if ('createdAt' in filter) return within(filter.createdAt, person.createdAt);
  if ('updatedAt' in filter) return within(filter.updatedAt, person.updatedAt);
  if ('birthday' in filter) {
    const { month, day } = filter.birthday;
    if (!person.birthDate || person.birthDate.getUTCMonth() + 1 !== month) return false;
    return day === undefined || person.birthDate.getUTCDate() === day;
  }
  if ('blocked' in filter) return (person.blockedAt !== null) === filter.blocked;
  if ('assignedTo' in filter) return 'isSet' in filter.assignedTo && !filter.assignedTo.isSet; // these are everybody's
  return (filter.identity.kind === 'PHONE' && person.phones.length > 0) === filter.identity.isSet;
}

function ofField(field: Extract<ContactFilter, { field: unknown }>['field'], person: Person): boolean {
  if ('phone' in field) return ofPhone(field.phone, person.phones);
  if ('birthDate' in field) return ofDate(field.birthDate, person.birthDate);
  const [[name, condition]] = Object.entries(field) as [[Exclude<keyof typeof person, 'phones'>, TextCondition]];
  const stored = person[name] as string | null;
  if (name === 'externalId' || name === 'email' || name === 'country') return ofText(condition, stored, (text) => text);
  if (name === 'language') return ofText(condition, stored, (text) => text.toLowerCase());
  return ofText(condition, stored, foldText);
}

function ofText(condition: TextCondition, stored: string | null, like: (text: string) => string): boolean {
  const { isSet, eq, in: anyOf, contains, startsWith } = condition;
  if (isSet !== undefined && isSet !== (stored !== null)) return false;
  const text = stored === null ? undefined : like(stored);
  if (eq !== undefined && text !== like(eq)) return false;
  if (anyOf !== undefined && !anyOf.some((one) => text === like(one))) return false;
  if (contains !== undefined && !text?.includes(like(contains))) return false;
  return startsWith === undefined || (text?.startsWith(like(startsWith)) ?? false);
}

function ofPhone(condition: PhoneCondition, phones: Person['phones']): boolean {
  const { isSet, eq, in: anyOf, contains, startsWith } = condition;
  if (isSet !== undefined && isSet !== phones.length > 0) return false;
  const known = (number: string) => phones.some(({ matchKey }) => matchKey === matchKeyOf(number));
  if (eq !== undefined && !known(eq)) return false;
  if (anyOf !== undefined && !anyOf.some(known)) return false;
  if (contains !== undefined && !phones.some(({ value }) => value.includes(contains))) return false;
  return startsWith === undefined || phones.some(({ value }) => value.startsWith(`+${startsWith}`));
}

function ofDate({ isSet, ...bounds }: DateCondition, date: Date | null): boolean {
  if (isSet !== undefined && isSet !== (date !== null)) return false;
  if (Object.keys(bounds).length === 0) return true;
  return date !== null && within(bounds, date);
}

function within({ eq, gte, gt, lte, lt }: TimeCondition & { eq?: string }, time: Date): boolean {
  const at = (text: string) => new Date(text).getTime();
  if (eq !== undefined && time.getTime() !== at(eq)) return false;
  if (gte !== undefined && time.getTime() < at(gte)) return false;
  if (gt !== undefined && time.getTime() <= at(gt)) return false;
  if (lte !== undefined && time.getTime() > at(lte)) return false;
  return lt === undefined || time.getTime() < at(lt);
}

function ofTags(condition: TagCondition, person: Person, tagIds: ReadonlySet<string>): boolean | null {
  if ('isSet' in condition) return condition.isSet === person.tagIds.length > 0;
  if (
    !Object.values(condition)
      .flat()
      .every((id) => tagIds.has(id))
  )
    return null;
  const has = (id: string) => person.tagIds.includes(id);
  if ('has' in condition) return has(condition.has);
  if ('hasNot' in condition) return !has(condition.hasNot);
  return 'hasAll' in condition ? condition.hasAll.every(has) : condition.hasAny.some(has);
}

function ofCustomField(condition: CustomFieldCondition, person: Person): boolean | null {
  const { type, values } = readOperand(condition, { customFields, tagIds: new Set(), userIds: new Set() });
  if (!type) return null;
  const found = person.customFields[condition.key];
  if (condition.op === 'IS_SET') return (found !== undefined && found !== null) === values[0];
  const jsonType = { TEXT: 'string', SELECT: 'string', DATE: 'string', NUMBER: 'number', BOOLEAN: 'boolean' }[type];
  if (typeof found !== jsonType) return false;
  const like = (value: unknown) => (type === 'TEXT' ? foldText(String(value)) : (value as number));
  return values.some((value) => compare[condition.op](like(found), like(value)));
}

type Compared = string | number;
const compare: Record<CustomFieldCondition['op'], (found: Compared, value: Compared) => boolean> = {
  EQ: (found, value) => found === value,
  IN: (found, value) => found === value,
  CONTAINS: (found, value) => String(found).includes(String(value)),
  STARTS_WITH: (found, value) => String(found).startsWith(String(value)),
  LT: (found, value) => found < value,
  LTE: (found, value) => found <= value,
  GT: (found, value) => found > value,
  GTE: (found, value) => found >= value,
  IS_SET: () => true,
};
