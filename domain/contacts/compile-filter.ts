import { Prisma } from '../../prisma/client.ts';
import type { CustomFieldShape } from './custom-values.ts';
import type {
  AssigneeCondition,
  BirthdayCondition,
  ConsentCondition,
  ContactFilter,
  CustomFieldCondition,
  CustomFieldOperator,
  DateCondition,
  IdentityCondition,
  PhoneCondition,
  TagCondition,
  TextCondition,
  TextField,
  TimeCondition,
} from './filter.ts';
import { type FilterDefinitions, readOperand, type ResolvedFilter } from './filter-definitions.ts';
import { matchKeyOf } from './phone.ts';

const { sql } = Prisma;

/**
 * Which contacts of a tenant a filter means, as a condition over `contacts c`, to be used wherever contacts are selected:
 * a page, a count, `insert into … select … from contacts c where …`. Contacts merged into others are left out.
 */
export function contactsWhere(tenantId: string, resolved: ResolvedFilter | null): Prisma.Sql {
  const all = sql`c.tenant_id = ${tenantId}::uuid and c.merged_into_id is null`;
  return resolved ? sql`${all} and ${compileFilter(resolved.filter, resolved.definitions)}` : all;
}

/**
 * One condition over `contacts c`. Its text is made of the fragments in this file alone; whatever came in with the filter is a
 * bound parameter. A condition on a tag, custom field or person that is gone is null, neither true nor false, so that it matches nobody,
 * also under `not`; every other condition is true or false, never null.
 */
export function compileFilter(filter: ContactFilter, definitions: FilterDefinitions): Prisma.Sql {
  if ('and' in filter) return sql`(${join(filter.and, definitions, ' and ')})`;
  if ('or' in filter) return sql`(${join(filter.or, definitions, ' or ')})`;
  if ('not' in filter) return sql`(not ${compileFilter(filter.not, definitions)})`;
  if ('field' in filter) return ofField(filter.field);
  if ('tag' in filter) return ofTags(filter.tag, definitions);
  if ('customField' in filter) return ofCustomField(filter.customField, definitions);
  if ('consent' in filter) return ofConsent(filter.consent);
  if ('createdAt' in filter) return every(timeConditions(sql`c.created_at`, filter.createdAt));
  if ('updatedAt' in filter) return every(timeConditions(sql`c.updated_at`, filter.updatedAt));
  if ('birthday' in filter) return ofBirthday(filter.birthday);
  if ('blocked' in filter) return is(sql`c.blocked_at is not null`, filter.blocked);
  if ('assignedTo' in filter) return ofAssignee(filter.assignedTo, definitions);
  return ofIdentity(filter.identity);
}

const nobody = sql`null::boolean`;

function join(filters: ContactFilter[], definitions: FilterDefinitions, separator: ' and ' | ' or '): Prisma.Sql {
  return Prisma.join(
    filters.map((one) => compileFilter(one, definitions)),
    separator,
  );
}

const every = (conditions: Prisma.Sql[]) => sql`(${Prisma.join(conditions, ' and ')})`;
const is = (condition: Prisma.Sql, wanted: boolean) => (wanted ? sql`(${condition})` : sql`(not (${condition}))`);

/** How a text column is compared: `stored` may be null, `compared` is what an index may hold, `bound` a value in the same form. */
type TextColumn = {
  stored: Prisma.Sql;
  compared: Prisma.Sql;
  bound: (value: string) => Prisma.Sql;
  list: (values: string[]) => Prisma.Sql;
};

const plain = {
  bound: (value: string) => sql`${value}::text`,
  list: (values: string[]) => sql`${values}::text[]`,
};
const folded = {
  bound: (value: string) => sql`fold_text(${value}::text)`,
  list: (values: string[]) => sql`array(select fold_text(v) from unnest(${values}::text[]) v)`,
};

const textColumns: Record<TextField, TextColumn> = {
  name: { stored: sql`c.name`, compared: sql`c.name_key`, ...folded },
  email: { stored: sql`c.email`, compared: sql`c.email`, ...plain },
  externalId: { stored: sql`c.external_id`, compared: sql`c.external_id`, ...plain },
  street: { stored: sql`c.street`, compared: sql`fold_text(c.street)`, ...folded },
  city: { stored: sql`c.city`, compared: sql`fold_text(c.city)`, ...folded },
  region: { stored: sql`c.region`, compared: sql`fold_text(c.region)`, ...folded },
  postalCode: { stored: sql`c.postal_code`, compared: sql`fold_text(c.postal_code)`, ...folded },
  country: { stored: sql`c.country`, compared: sql`c.country`, ...plain },
  language: { stored: sql`c.language`, compared: sql`lower(c.language)`, ...plain },
};

function ofField(field: Extract<ContactFilter, { field: unknown }>['field']): Prisma.Sql {
  if ('phone' in field) return ofPhone(field.phone);
  if ('birthDate' in field) return ofDate(field.birthDate);
  const [[name, condition]] = Object.entries(field) as [[TextField, TextCondition]];
  return ofText(textColumns[name], condition);
}

/** `is not null` by its side keeps a comparison with nothing from being null, and leaves it to an index. */
function ofText({ stored, compared, bound, list }: TextColumn, condition: TextCondition): Prisma.Sql {
  const { eq, in: anyOf, contains, startsWith, isSet } = condition;
  const comparisons = [
    ...(eq === undefined ? [] : [sql`${compared} = ${bound(eq)}`]),
    ...(anyOf === undefined ? [] : [sql`${compared} = any(${list(anyOf)})`]),
    ...(contains === undefined ? [] : [sql`strpos(${compared}, ${bound(contains)}) > 0`]),
    ...(startsWith === undefined ? [] : [sql`${compared} ^@ ${bound(startsWith)}`]),
  ];
  return every([
    ...(comparisons.length > 0 ? [sql`${stored} is not null`, ...comparisons] : []),
    ...(isSet === undefined ? [] : [is(sql`${stored} is not null`, isSet)]),
  ]);
}

/** Digits between a prefix and the sign after 9: Postgres reckons better with bounds than with a prefix. */
function ofPhone({ eq, in: anyOf, contains, startsWith, isSet }: PhoneCondition): Prisma.Sql {
  const having = (comparison: Prisma.Sql) =>
    sql`exists (select from contact_identities i where i.tenant_id = c.tenant_id and i.contact_id = c.id and i.kind = 'PHONE' and ${comparison})`;
  return every([
    ...(eq === undefined ? [] : [having(sql`i.match_key = ${matchKeyOf(eq)}::text`)]),
    ...(anyOf === undefined ? [] : [having(sql`i.match_key = any(${anyOf.map(matchKeyOf)}::text[])`)]),
    ...(contains === undefined ? [] : [having(sql`strpos(i.value, ${contains}::text) > 0`)]),
    ...(startsWith === undefined
      ? []
      : [having(sql`i.value >= ${`+${startsWith}`}::text and i.value < ${`+${startsWith}:`}::text`)]),
    ...(isSet === undefined ? [] : [is(having(sql`true`), isSet)]),
  ]);
}

const comparisonSigns = { eq: sql`=`, gte: sql`>=`, gt: sql`>`, lte: sql`<=`, lt: sql`<` };

function ofDate({ isSet, ...bounds }: DateCondition): Prisma.Sql {
  const comparisons = Object.entries(bounds).map(
    ([sign, date]) => sql`c.birth_date ${comparisonSigns[sign as keyof typeof bounds]} ${date}::date`,
  );
  return every([
    ...(comparisons.length > 0 ? [sql`c.birth_date is not null`, ...comparisons] : []),
    ...(isSet === undefined ? [] : [is(sql`c.birth_date is not null`, isSet)]),
  ]);
}

function timeConditions(column: Prisma.Sql, bounds: TimeCondition): Prisma.Sql[] {
  return Object.entries(bounds).map(
    ([sign, time]) => sql`${column} ${comparisonSigns[sign as keyof TimeCondition]} ${time}::timestamptz`,
  );
}

function ofBirthday({ month, day }: BirthdayCondition): Prisma.Sql {
  return every([
    sql`c.birth_date is not null`,
    sql`extract(month from c.birth_date) = ${month}::int`,
    ...(day === undefined ? [] : [sql`extract(day from c.birth_date) = ${day}::int`]),
  ]);
}

const tagged = sql`select from contact_tags t where t.tenant_id = c.tenant_id and t.contact_id = c.id`;

function ofTags(condition: TagCondition, { tagIds }: FilterDefinitions): Prisma.Sql {
  if ('isSet' in condition) return is(sql`exists (${tagged})`, condition.isSet);
  const wanted = Object.values(condition).flat();
  if (!wanted.every((id) => tagIds.has(id))) return nobody;
  const has = (id: string) => sql`exists (${tagged} and t.tag_id = ${id}::uuid)`;
  if ('has' in condition) return has(condition.has);
  if ('hasNot' in condition) return sql`(not ${has(condition.hasNot)})`;
  if ('hasAll' in condition) return every(condition.hasAll.map(has));
  return sql`exists (${tagged} and t.tag_id = any(${condition.hasAny}::uuid[]))`;
}

function ofConsent({ purpose, channel, granted }: ConsentCondition): Prisma.Sql {
  const ofChannel = channel === undefined ? sql`` : sql` and s.channel = ${channel}::text`;
  return is(
    sql`exists (select from contact_consents s where s.tenant_id = c.tenant_id and s.contact_id = c.id and s.purpose = ${purpose}::text and s.granted${ofChannel})`,
    granted,
  );
}

function ofAssignee(condition: AssigneeCondition, { userIds }: FilterDefinitions): Prisma.Sql {
  if ('isSet' in condition) return is(sql`c.assigned_to is not null`, condition.isSet);
  if (!userIds.has(condition.is)) return nobody;
  return sql`(c.assigned_to is not null and c.assigned_to = ${condition.is}::uuid)`;
}

function ofIdentity({ kind, isSet }: IdentityCondition): Prisma.Sql {
  return is(
    sql`exists (select from contact_identities i where i.tenant_id = c.tenant_id and i.contact_id = c.id and i.kind = ${kind}::text)`,
    isSet,
  );
}

/** Values are compared in the type of the field and never cast: a value of another type, left from before, is just not equal. */
function ofCustomField(condition: CustomFieldCondition, definitions: FilterDefinitions): Prisma.Sql {
  const { type, values } = readOperand(condition, definitions);
  if (!type) return nobody;
  const json = sql`(c.custom_fields -> ${condition.key}::text)`;
  const text = sql`(c.custom_fields ->> ${condition.key}::text)`;
  if (condition.op === 'IS_SET') return is(sql`${text} is not null`, values[0] === true);
  return sql`coalesce(${compareCustom[type](condition.op, values.map(String), json, text)}, false)`;
}

type CompareCustom = (op: CustomFieldOperator, values: string[], json: Prisma.Sql, text: Prisma.Sql) => Prisma.Sql;

const compareCustom: Record<CustomFieldShape['type'], CompareCustom> = {
  BOOLEAN: (_op, [value], json) => sql`${json} = to_jsonb(${value}::boolean)`,
  NUMBER: (op, values, json) => {
    const compared =
      op === 'IN'
        ? sql`= any(array(select to_jsonb(v) from unnest(${values}::numeric[]) v))`
        : sql`${signOf(op)} to_jsonb(${values[0]}::numeric)`;
    return sql`(jsonb_typeof(${json}) = 'number' and ${json} ${compared})`;
  },
  TEXT: (op, values, json, text) => {
    const column: TextColumn = { stored: text, compared: sql`fold_text(${text})`, ...folded };
    return sql`(jsonb_typeof(${json}) = 'string' and ${ofText(column, textCondition(op, values))})`;
  },
  SELECT: compareCode,
  DATE: compareCode, // ISO dates compare as their texts do
};

/** The collation is said, for no other orders texts by their characters alone. */
function compareCode(op: CustomFieldOperator, values: string[], json: Prisma.Sql, text: Prisma.Sql): Prisma.Sql {
  const compared = op === 'IN' ? sql`= any(${values}::text[])` : sql`${signOf(op)} ${values[0]}::text`;
  return sql`(jsonb_typeof(${json}) = 'string' and ${text} collate "C" ${compared})`;
}

function signOf(op: CustomFieldOperator): Prisma.Sql {
  switch (op) {
    case 'LT':
      return comparisonSigns.lt;
    case 'LTE':
      return comparisonSigns.lte;
    case 'GT':
      return comparisonSigns.gt;
    case 'GTE':
      return comparisonSigns.gte;
    default:
      return comparisonSigns.eq;
  }
}

function textCondition(op: CustomFieldOperator, values: string[]): TextCondition {
  const [value = ''] = values;
  if (op === 'IN') return { in: values };
  if (op === 'CONTAINS') return { contains: value };
  return op === 'STARTS_WITH' ? { startsWith: value } : { eq: value };
}
