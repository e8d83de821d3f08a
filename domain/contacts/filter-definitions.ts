import type { Tx } from '../../prisma/client.ts';
import { type FieldProblem, InvalidInputError } from '../errors.ts';
import { checkCustomValue, type CustomFieldShape, customFieldTypes, type CustomValue } from './custom-values.ts';
import { type ContactFilter, type CustomFieldCondition, type CustomFieldOperator, readFilter } from './filter.ts';
import { foldText } from './text.ts';

/** What of the tenant a filter refers to, as it is now. A tag, field or person that is not in here does not exist. */
export type FilterDefinitions = {
  customFields: ReadonlyMap<string, CustomFieldShape>;
  tagIds: ReadonlySet<string>;
  userIds: ReadonlySet<string>;
};

/** A filter and what it refers to: ready to be compiled. */
export type ResolvedFilter = { filter: ContactFilter; definitions: FilterDefinitions };

/** Reads a filter of a client's. Throws everything that is wrong with it, also a tag or custom field that is not there. */
export async function resolveFilter(
  tx: Tx,
  tenantId: string,
  input: unknown,
  path = 'filter',
): Promise<ResolvedFilter> {
  const filter = readFilter(input, path);
  const definitions = await loadDefinitions(tx, tenantId, [filter]);
  const misfits = findMisfits(filter, definitions, path);
  if (misfits.length > 0) throw new InvalidInputError(misfits);
  return { filter, definitions };
}

/** Loads what these filters refer to; asks the database only for what they name. */
export async function loadDefinitions(
  tx: Tx,
  tenantId: string,
  filters: readonly ContactFilter[],
): Promise<FilterDefinitions> {
  const references = filters.flatMap((filter) => referencesOf(filter, ''));
  const keys = references.flatMap(({ customField }) => (customField ? [customField.key] : []));
  const ids = references.flatMap(({ tagIds = [] }) => tagIds);
  const people = references.flatMap(({ userId }) => (userId === undefined ? [] : [userId]));
  const fields =
    keys.length > 0
      ? await tx.customField.findMany({
          where: { tenantId, key: { in: [...new Set(keys)] }, deletedAt: null },
          select: { key: true, type: true, options: true },
        })
      : [];
  const tags =
    ids.length > 0
      ? await tx.tag.findMany({ where: { tenantId, id: { in: [...new Set(ids)] } }, select: { id: true } })
      : [];
  const members =
    people.length > 0
      ? await tx.membership.findMany({
          where: { tenantId, userId: { in: [...new Set(people)] } },
          select: { userId: true },
        })
      : [];
  return {
    customFields: new Map(fields.map(({ key, type, options }) => [key, { type: typeOf(type), options }])),
    tagIds: new Set(tags.map(({ id }) => id)),
    userIds: new Set(members.map(({ userId }) => userId)),
  };
}

/** What a filter asks for that is not there (any more), or cannot be asked of it. Such a condition matches nobody. */
export function findMisfits(filter: ContactFilter, definitions: FilterDefinitions, path = 'filter'): FieldProblem[] {
  return referencesOf(filter, path).flatMap(({ path, customField, tagIds = [], userId }) => {
    if (!tagIds.every((id) => definitions.tagIds.has(id))) return [{ path, message: 'There is no such tag.' }];
    if (userId !== undefined && !definitions.userIds.has(userId))
      return [{ path, message: 'There is no such person.' }];
    const { misfit } = customField ? readOperand(customField, definitions) : {};
    return misfit ? [{ path: `${path}.${misfit.path}`, message: misfit.message }] : [];
  });
}

const operators: Record<CustomFieldShape['type'], readonly CustomFieldOperator[]> = {
  TEXT: ['EQ', 'IN', 'CONTAINS', 'STARTS_WITH', 'IS_SET'],
  NUMBER: ['EQ', 'IN', 'LT', 'LTE', 'GT', 'GTE', 'IS_SET'],
  BOOLEAN: ['EQ', 'IS_SET'],
  DATE: ['EQ', 'IN', 'LT', 'LTE', 'GT', 'GTE', 'IS_SET'],
  SELECT: ['EQ', 'IN', 'IS_SET'],
};

/** What a custom field is compared with, in the field's own type; or why the condition cannot be asked of it. */
export type Operand =
  | { type: CustomFieldShape['type']; values: CustomValue[]; misfit?: never }
  | { misfit: FieldProblem; type?: never; values?: never };

export function readOperand({ key, op, value }: CustomFieldCondition, { customFields }: FilterDefinitions): Operand {
  const field = customFields.get(key);
  if (!field) return misfit('key', 'There is no custom field with this key.');
  const { type } = field;
  if (!operators[type].includes(op))
    return misfit('op', `Expected one of ${operators[type].join(', ')} for this field.`);
  if (op === 'IS_SET')
    return typeof value === 'boolean' ? { type, values: [value] } : misfit('value', 'Expected true or false.');
  if (Array.isArray(value) !== (op === 'IN')) {
    return misfit('value', op === 'IN' ? 'Expected a list.' : 'Expected one value, not a list.');
  }
  const values: CustomValue[] = [];
  for (const given of [value].flat()) {
    const checked = checkCustomValue(field, given);
    if (checked.problem) return misfit('value', `Expected ${checked.problem.expected}.`);
    // Every text holds an empty one.
    if (checked.value === null || (type === 'TEXT' && foldText(String(checked.value)) === '')) {
      return misfit('value', 'Expected more than blanks and accents.');
    }
    values.push(checked.value);
  }
  return { type, values };
}

const misfit = (path: 'key' | 'op' | 'value', message: string) => ({ misfit: { path, message } });

type Reference = { path: string; customField?: CustomFieldCondition; tagIds?: string[]; userId?: string };

function referencesOf(filter: ContactFilter, path: string): Reference[] {
  if ('and' in filter) return filter.and.flatMap((one, index) => referencesOf(one, `${path}.and.${index}`));
  if ('or' in filter) return filter.or.flatMap((one, index) => referencesOf(one, `${path}.or.${index}`));
  if ('not' in filter) return referencesOf(filter.not, `${path}.not`);
  if ('customField' in filter) return [{ path: `${path}.customField`, customField: filter.customField }];
  if ('assignedTo' in filter) {
    return 'is' in filter.assignedTo ? [{ path: `${path}.assignedTo.is`, userId: filter.assignedTo.is }] : [];
  }
  if (!('tag' in filter) || 'isSet' in filter.tag) return [];
  return Object.entries(filter.tag).map(([key, ids]) => ({ path: `${path}.tag.${key}`, tagIds: [ids].flat() }));
}

function typeOf(stored: string): CustomFieldShape['type'] {
  const type = customFieldTypes.find((known) => known === stored);
  if (!type) throw new Error('A custom field has a type that this version does not know.');
  return type;
}
