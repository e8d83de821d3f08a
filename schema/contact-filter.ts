import { encodeGlobalID } from '@pothos/plugin-relay';
import type { ContactFilter as StoredFilter, CustomFieldOperator as Operator } from '../domain/contacts/filter.ts';
import { filterDepthMax, filterListMax, filterNodesMax } from '../domain/contacts/filter.ts';
import { NotFoundError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { ConsentChannel, ConsentPurpose } from './consents.ts';
import { IdentityKind } from './contacts.ts';
import { rowId } from './node.ts';

const list = `At most ${filterListMax}.`;
const all = 'Where several are given, all must hold.';

const TextCondition = builder.inputType('TextCondition', {
  description: `How a text is to be; upper and lower case, accents and blanks around it do not count (of \`externalId\`, they do). ${all}`,
  fields: (t) => ({
    eq: t.string({ description: 'It is this.' }),
    in: t.stringList({ description: `It is one of these. ${list}` }),
    contains: t.string({ description: 'It holds this.' }),
    startsWith: t.string({ description: 'It begins with this.' }),
    isSet: t.boolean({ description: 'There is one, or there is none.' }),
  }),
});

const PhoneCondition = builder.inputType('PhoneCondition', {
  description: `How one of the telephone numbers is to be. ${all}`,
  fields: (t) => ({
    eq: t.string({
      description:
        'It is this one, with its country as `+55 11 98765-4321`. All ways of writing a number are one: with and without Brazil’s ninth digit, Mexico’s 1, Argentina’s 9.',
    }),
    in: t.stringList({ description: `It is one of these, as of \`eq\`. ${list}` }),
    contains: t.string({ description: 'It holds these digits one after the other; anything else is left out.' }),
    startsWith: t.string({ description: 'It begins with these digits, the country’s first: `+55 11`.' }),
    isSet: t.boolean({ description: 'There is one, or there is none.' }),
  }),
});

const DateCondition = builder.inputType('DateCondition', {
  description: `How a day of the calendar is to be. ${all}`,
  fields: (t) => ({
    eq: t.field({ type: 'Date', description: 'On this day.' }),
    gte: t.field({ type: 'Date', description: 'On this day or later.' }),
    gt: t.field({ type: 'Date', description: 'After this day.' }),
    lte: t.field({ type: 'Date', description: 'On this day or earlier.' }),
    lt: t.field({ type: 'Date', description: 'Before this day.' }),
    isSet: t.boolean({ description: 'There is one, or there is none.' }),
  }),
});

const TimeCondition = builder.inputType('TimeCondition', {
  description: `How a time is to be. ${all}`,
  fields: (t) => ({
    gte: t.field({ type: 'DateTime', description: 'At this time or later.' }),
    gt: t.field({ type: 'DateTime', description: 'After this time.' }),
    lte: t.field({ type: 'DateTime', description: 'At this time or earlier.' }),
    lt: t.field({ type: 'DateTime', description: 'Before this time.' }),
  }),
});

const ContactFieldCondition = builder.inputType('ContactFieldCondition', {
  description: 'One of a contact’s own fields, and how it is to be.',
  isOneOf: true,
  fields: (t) => ({
    name: t.field({ type: TextCondition, description: 'The name.' }),
    email: t.field({ type: TextCondition, description: 'The e-mail address.' }),
    externalId: t.field({ type: TextCondition, description: 'The tenant’s own id, to the letter.' }),
    phone: t.field({ type: PhoneCondition, description: 'Any of the telephone numbers.' }),
    street: t.field({ type: TextCondition, description: 'Street and number.' }),
    city: t.field({ type: TextCondition, description: 'City.' }),
    region: t.field({ type: TextCondition, description: 'State or province.' }),
    postalCode: t.field({ type: TextCondition, description: 'Postal code.' }),
    country: t.field({ type: TextCondition, description: 'ISO 3166-1 alpha-2.' }),
    language: t.field({
      type: TextCondition,
      description: 'BCP 47: `pt-BR`; all kinds of it with `startsWith: "pt"`.',
    }),
    birthDate: t.field({ type: DateCondition, description: 'The day of birth.' }),
  }),
});

const TagCondition = builder.inputType('TagCondition', {
  description: 'Which tags are to be on the contact. A tag that was deleted matches nobody, not even those without it.',
  isOneOf: true,
  fields: (t) => ({
    has: t.id({ description: 'This tag.' }),
    hasNot: t.id({ description: 'Not this tag.' }),
    hasAny: t.idList({ description: `At least one of these. ${list}` }),
    hasAll: t.idList({ description: `Every one of these. ${list}` }),
    isSet: t.boolean({ description: 'Any tag, or none at all.' }),
  }),
});

const CustomFieldOperator = builder.enumType('CustomFieldOperator', {
  description: 'How the value of a custom field is compared.',
  values: {
    EQ: { description: 'It is the value.' },
    IN: { description: `It is one of the values of a list. ${list} Not for \`BOOLEAN\`.` },
    CONTAINS: { description: 'It holds the text. `TEXT` only.' },
    STARTS_WITH: { description: 'It begins with the text. `TEXT` only.' },
    LT: { description: 'It is less, or earlier. `NUMBER` and `DATE` only.' },
    LTE: { description: 'It is at most the value, or not later. `NUMBER` and `DATE` only.' },
    GT: { description: 'It is more, or later. `NUMBER` and `DATE` only.' },
    GTE: { description: 'It is at least the value, or not earlier. `NUMBER` and `DATE` only.' },
    IS_SET: { description: 'There is one (`true`), or there is none (`false`).' },
  } satisfies Record<Operator, { description: string }>,
});

const CustomFieldCondition = builder.inputType('CustomFieldCondition', {
  description:
    'How a custom field is to be, in the field’s own type; upper and lower case and accents do not count in a `TEXT`. A field that was deleted, or has another type now, matches nobody, negated or not.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The field’s key.' }),
    op: t.field({ type: CustomFieldOperator, required: true, description: 'How it is compared.' }),
    value: t.field({
      type: 'JSON',
      required: true,
      description:
        'What with: a text, a number, a boolean, or a list of them for `IN`. A `DATE` is a text as `2026-01-31`.',
    }),
  }),
});

const ConsentCondition = builder.inputType('ConsentCondition', {
  description: 'Where the contact is to stand on a purpose.',
  fields: (t) => ({
    purpose: t.field({ type: ConsentPurpose, required: true, description: 'What about.' }),
    channel: t.field({ type: ConsentChannel, description: 'Where; on any channel when left out.' }),
    granted: t.boolean({ required: true, description: 'Granted; or not: never, or withdrawn.' }),
  }),
});

const BirthdayCondition = builder.inputType('BirthdayCondition', {
  description: 'When the contact has birthday.',
  fields: (t) => ({
    month: t.int({ required: true, description: 'From 1 to 12.' }),
    day: t.int({ description: 'From 1 to 31; the whole month when left out.' }),
  }),
});

const IdentityCondition = builder.inputType('IdentityCondition', {
  description: 'Whether the contact is known in a certain way.',
  fields: (t) => ({
    kind: t.field({ type: IdentityKind, required: true, description: 'In which way.' }),
    isSet: t.boolean({ required: true, description: 'It is, or it is not.' }),
  }),
});

export const AssigneeCondition = builder.inputType('AssigneeCondition', {
  description: 'Whose it is to be.',
  isOneOf: true,
  fields: (t) => ({
    is: t.id({ description: 'This person’s.' }),
    isSet: t.boolean({ description: 'Somebody’s, or everybody’s.' }),
  }),
});

type Input<Ref extends { $inferInput: unknown }> = Ref['$inferInput'];
type FilterShape = {
  and?: FilterShape[] | null;
  or?: FilterShape[] | null;
  not?: FilterShape | null;
  field?: Input<typeof ContactFieldCondition> | null;
  tag?: Input<typeof TagCondition> | null;
  customField?: object | null;
  consent?: Input<typeof ConsentCondition> | null;
  createdAt?: Input<typeof TimeCondition> | null;
  updatedAt?: Input<typeof TimeCondition> | null;
  birthday?: Input<typeof BirthdayCondition> | null;
  blocked?: boolean | null;
  identity?: Input<typeof IdentityCondition> | null;
  assignedTo?: Input<typeof AssigneeCondition> | null;
};

export const ContactFilter = builder.inputRef<FilterShape>('ContactFilter').implement({
  description:
    `Which contacts: \`and\`, \`or\`, \`not\`, or one condition. At most ${filterNodesMax} conditions on ${filterDepthMax} levels. As in
\`{ and: [{ tag: { has: "…" } }, { not: { field: { city: { eq: "São Paulo" } } } }] }\``.replaceAll('\n', ' '),
  isOneOf: true,
  fields: (t) => ({
    and: t.field({ type: [ContactFilter], description: 'Those whom all of these mean; at least one.' }),
    or: t.field({ type: [ContactFilter], description: 'Those whom any of these means; at least one.' }),
    not: t.field({ type: ContactFilter, description: 'Those whom this does not mean.' }),
    field: t.field({ type: ContactFieldCondition, description: 'By a field of the contact.' }),
    tag: t.field({ type: TagCondition, description: 'By tags.' }),
    customField: t.field({ type: CustomFieldCondition, description: 'By a custom field.' }),
    consent: t.field({ type: ConsentCondition, description: 'By consent.' }),
    createdAt: t.field({ type: TimeCondition, description: 'By when the contact was created.' }),
    updatedAt: t.field({ type: TimeCondition, description: 'By when the contact was last changed.' }),
    birthday: t.field({ type: BirthdayCondition, description: 'By the birthday, in any year.' }),
    blocked: t.boolean({ description: 'Blocked, or not.' }),
    identity: t.field({ type: IdentityCondition, description: 'By how the contact is known.' }),
    assignedTo: t.field({ type: AssigneeCondition, description: 'By whose contact it is.' }),
  }),
});

/** A client's filter as the domain reads it: tags and people by their rows' ids. */
export function readableFilter(input: object): object {
  return withIds(input, readableId);
}

/** What cannot be the id of such an object is nobody's. */
export function readableId(type: string, globalId: string): string {
  try {
    return rowId(type, globalId);
  } catch (error) {
    if (error instanceof NotFoundError) return nobody;
    throw error;
  }
}

/** A stored filter as a client may send it back. */
export function writtenFilter(stored: StoredFilter): object {
  return withIds(stored, encodeGlobalID);
}

/** Nobody's id: a tag of that name is not there, and is refused as such, by its path. */
const nobody = '00000000-0000-0000-0000-000000000000';

type Named = {
  and?: object[] | null;
  or?: object[] | null;
  not?: object | null;
  tag?: object | null;
  assignedTo?: object | null;
};

/** A filter with other ids for what it names. What is deeper than a filter may be stays as it is: it is refused for that. */
function withIds(filter: object, rename: (type: string, id: string) => string, depth = 1): object {
  const { and, or, not, tag, assignedTo }: Named = filter;
  if (depth > filterDepthMax) return filter;
  const below = (one: object) => withIds(one, rename, depth + 1);
  if (and) return { and: and.map(below) };
  if (or) return { or: or.map(below) };
  if (not) return { not: below(not) };
  if (tag) return { tag: renamed(tag, (id) => rename('Tag', id)) };
  if (assignedTo) return { assignedTo: renamed(assignedTo, (id) => rename('User', id)) };
  return filter;
}

function renamed(condition: object, rename: (id: string) => string): object {
  const entries = Object.entries(condition).map(([key, named]: [string, unknown]) => {
    if (Array.isArray(named)) return [key, named.map((id) => rename(String(id)))];
    return [key, typeof named === 'string' ? rename(named) : named];
  });
  return Object.fromEntries(entries) as object;
}
