import { allOf, choice, flag, listOf, oneOf, type Reader, refuse, someOf, text, wholeNumber } from '../reader.ts';
import { consentChannels, consentPurposes } from './consent.ts';
import { identityKinds } from './contact-fields.ts';
import { checkDate, isoDate } from './dates.ts';
import { parsePhone } from './phone.ts';
import { foldText } from './text.ts';

export const filterDepthMax = 10;
export const filterNodesMax = 200;
export const filterListMax = 500;
const textLengthMax = 1_000;

/**
 * Which contacts: a tree of conditions with exactly one key per node, as clients send it (with dates or with their texts) and
 * segments keep it (plain JSON; dates and times are ISO texts, tags their ids). compile-filter.ts turns it into SQL.
 */
export type ContactFilter =
  { and: ContactFilter[] } | { or: ContactFilter[] } | { not: ContactFilter } | ReturnType<typeof readCondition>;

/** Checks a filter of a client's or of a segment's. Throws everything that is wrong with it, by path. */
export function readFilter(input: unknown, path = 'filter'): ContactFilter {
  refuseTooLarge(input, path);
  return readNode(input, path);
}

const instant: Reader<string> = (value, path) => {
  const expected = 'Expected a time as 2026-01-31T12:00:00Z, in the years 1000 to 9999.';
  const isWritten = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value);
  if (!isWritten && !(value instanceof Date)) return refuse(path, expected);
  const time = new Date(value);
  const text = Number.isNaN(time.getTime()) ? '' : time.toISOString();
  return /^[1-9]\d{3}-/.test(text) ? text : refuse(path, expected);
};
const date: Reader<string> = (value, path) => {
  const text = value instanceof Date && !Number.isNaN(value.getTime()) ? isoDate(value) : value;
  const day = typeof text === 'string' && /^\d{4}-\d\d-\d\d$/.test(text) ? checkDate(text).value : undefined;
  return day ?? refuse(path, 'Expected a date as 1990-05-17, in the years 1000 to 9999.');
};
const idOf =
  (what: string): Reader<string> =>
  (value, path) =>
    typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)
      ? value
      : refuse(path, `Expected the id of a ${what}.`);
const tagId = idOf('tag');

const anyText = text(textLengthMax);
/** A text to compare without case and accents. What is left of it must be something: every text holds an empty one. */
const foldable: Reader<string> = (value, path) => {
  const read = anyText(value, path).replaceAll(/\s+/g, ' ').trim(); // as names and addresses are stored
  return foldText(read) === '' ? refuse(path, 'Expected more than blanks and accents.') : read.normalize('NFC');
};
const lower: Reader<string> = (value, path) => foldable(value, path).toLowerCase();
const upper: Reader<string> = (value, path) => foldable(value, path).toUpperCase();

const texts = (read: Reader<string>) =>
  someOf({ eq: read, in: listOf(read, filterListMax), contains: read, startsWith: read, isSet: flag });
export type TextCondition = ReturnType<ReturnType<typeof texts>>;

const phone: Reader<string> = (value, path) => {
  const read = parsePhone(anyText(value, path), ''); // no default country: a stored filter means the same for ever
  return read?.e164 ?? refuse(path, 'Expected a whole number with its country, as +5511987654321.');
};
const digits: Reader<string> = (value, path) => {
  const found = anyText(value, path).replaceAll(/\D/g, '');
  return found === '' ? refuse(path, 'Expected some digits of a number.') : found;
};

const dates = someOf({ eq: date, gte: date, gt: date, lte: date, lt: date, isSet: flag });
export type DateCondition = ReturnType<typeof dates>;

const fields = {
  name: texts(foldable),
  email: texts(lower),
  externalId: texts(anyText),
  phone: someOf({ eq: phone, in: listOf(phone, filterListMax), contains: digits, startsWith: digits, isSet: flag }),
  street: texts(foldable),
  city: texts(foldable),
  region: texts(foldable),
  postalCode: texts(foldable),
  country: texts(upper),
  language: texts(lower),
  birthDate: dates,
};
export type TextField = Exclude<keyof typeof fields, 'phone' | 'birthDate'>;
export type PhoneCondition = ReturnType<(typeof fields)['phone']>;

const times = someOf({ gte: instant, gt: instant, lte: instant, lt: instant });
export type TimeCondition = ReturnType<typeof times>;

const tags = oneOf({
  has: tagId,
  hasNot: tagId,
  hasAny: listOf(tagId, filterListMax),
  hasAll: listOf(tagId, filterListMax),
  isSet: flag,
});
export type TagCondition = ReturnType<typeof tags>;

export const customFieldOperators = [
  'EQ',
  'IN',
  'CONTAINS',
  'STARTS_WITH',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'IS_SET',
] as const;
export type CustomFieldOperator = (typeof customFieldOperators)[number];

const scalar: Reader<string | number | boolean> = (value, path) => {
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value;
  return typeof value === 'string' ? anyText(value, path) : refuse(path, 'Expected a text, a number, true or false.');
};
const scalars = listOf(scalar, filterListMax);
/** Which type a value must have is the field's to say: filter-definitions.ts. */
const customValue: Reader<CustomFieldOperand> = (value, path) => (Array.isArray(value) ? scalars : scalar)(value, path);
export type CustomFieldOperand = string | number | boolean | (string | number | boolean)[];

const customFields = allOf({ key: text(100), op: choice(customFieldOperators), value: customValue }, {});
export type CustomFieldCondition = ReturnType<typeof customFields>;

const consents = allOf({ purpose: choice(consentPurposes), granted: flag }, { channel: choice(consentChannels) });
export type ConsentCondition = ReturnType<typeof consents>;

const birthdays = allOf({ month: wholeNumber(1, 12) }, { day: wholeNumber(1, 31) });
export type BirthdayCondition = ReturnType<typeof birthdays>;

const identities = allOf({ kind: choice(identityKinds), isSet: flag }, {});
export type IdentityCondition = ReturnType<typeof identities>;

const assignees = oneOf({ is: idOf('person'), isSet: flag });
export type AssigneeCondition = ReturnType<typeof assignees>;

const conditions = {
  field: oneOf(fields),
  tag: tags,
  customField: customFields,
  consent: consents,
  createdAt: times,
  updatedAt: times,
  birthday: birthdays,
  blocked: flag,
  identity: identities,
  assignedTo: assignees,
};
const readCondition = oneOf(conditions);

const readNode: Reader<ContactFilter> = oneOf({
  and: (value, path) => readNodes(value, path),
  or: (value, path) => readNodes(value, path),
  not: (value, path): ContactFilter => readNode(value, path),
  ...conditions,
});
const readNodes: Reader<ContactFilter[]> = listOf(readNode, filterNodesMax);

/** Level by level, so that no tree is too deep to be refused. */
function refuseTooLarge(input: unknown, path: string): void {
  let nodes = 0;
  let level: unknown[] = [input];
  for (let depth = 1; level.length > 0; depth += 1) {
    nodes += level.length;
    if (depth > filterDepthMax) refuse(path, `Expected at most ${filterDepthMax} levels.`);
    if (nodes > filterNodesMax) refuse(path, `Expected at most ${filterNodesMax} conditions.`);
    level = level.flatMap(childrenOf);
  }
}

function childrenOf(node: unknown): unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  const { and = [], or = [], not }: Record<string, unknown> = { ...node };
  return [and, or, not ?? []].flat(1);
}
