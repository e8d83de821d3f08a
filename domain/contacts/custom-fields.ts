import { z } from 'zod';
import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { ConflictError, NotFoundError, problems } from '../errors.ts';
import { defineJob, enqueue } from '../jobs.ts';
import { isKey } from './contact-input.ts';
import type { CustomFieldType } from './custom-values.ts';
import { checkText, foldText } from './text.ts';

export const customFieldsMax = 100;
const labelLengthMax = 100;
const optionsMax = 200;
const optionLengthMax = 100;

export type CustomFieldInput = {
  key: string;
  label?: string | null | undefined;
  type: CustomFieldType;
  options?: string[] | null | undefined;
};

/** A new field of the tenant's contacts. Its key and type never change. */
export async function createCustomField(tx: Tx, tenantId: string, input: CustomFieldInput): Promise<{ id: string }> {
  const found = problems();
  const { key, type } = input;
  if (!isKey(key)) {
    found.add('key', 'Expected a letter and then at most 62 letters, digits and underscores, without accents.');
  }
  const label = readLabel(input.label ?? '', found) || key;
  const options = readOptions(type, input.options ?? [], found);
  found.throwIfAny();

  await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${`custom-fields:${tenantId}`}, 0))`; // for the two checks below
  const fields = await tx.customField.findMany({
    where: { tenantId },
    select: { id: true, key: true, deletedAt: true },
  });
  const same = fields.find((field) => field.key.toLowerCase() === key.toLowerCase());
  if (same?.deletedAt) {
    throw new ConflictError('key: The values of the deleted field are still being cleared: try again in a while.', {
      path: 'key',
    });
  }
  if (same) {
    throw new ConflictError('key: There is a custom field with this key already.', {
      path: 'key',
      conflicting: { typename: 'CustomField', id: same.id },
    });
  }
  if (fields.length >= customFieldsMax) {
    throw new ConflictError(`There are ${customFieldsMax} custom fields already, which is the most there can be.`);
  }
  return tx.customField.create({ data: { tenantId, key, label, type, options }, select: { id: true } });
}

/** Changes how a field is shown. Values that were chosen from the options stay, whatever happens to the options. */
export async function updateCustomField(
  tx: Tx,
  tenantId: string,
  fieldId: string,
  input: { label?: string | null | undefined; options?: string[] | null | undefined },
): Promise<{ id: string }> {
  const field = await tx.customField.findUnique({
    where: { tenantId_id: { tenantId, id: fieldId }, deletedAt: null },
    select: { key: true, type: true },
  });
  if (!field) throw noSuchField();
  const found = problems();
  const data = {
    ...(input.label === undefined ? {} : { label: readLabel(input.label ?? '', found) || field.key }),
    ...(input.options === undefined
      ? {}
      : { options: readOptions(field.type as CustomFieldType, input.options ?? [], found) }),
  };
  found.throwIfAny();
  const { count } = await tx.customField.updateMany({ where: { tenantId, id: fieldId, deletedAt: null }, data });
  if (count === 0) throw noSuchField();
  return { id: fieldId };
}

/** Clears the values of a deleted field, and then forgets the field. */
export const clearCustomField = defineJob({
  name: 'contacts/clear-custom-field',
  lane: 'maintenance',
  payload: z.object({ tenantId: z.uuid(), fieldId: z.uuid(), after: z.uuid().optional() }),
  key: ({ fieldId }) => fieldId,
  maxAttempts: 10,
});

/** Deletes a field. It is gone for everybody at once; values of many contacts are cleared in the background, page by page. */
export async function deleteCustomField(tx: Tx, by: Answerable, fieldId: string): Promise<{ id: string }> {
  const { tenantId } = by;
  const [field] = await tx.customField.updateManyAndReturn({
    where: { tenantId, id: fieldId, deletedAt: null },
    data: { deletedAt: new Date() },
    select: { key: true, type: true },
  });
  if (!field) throw noSuchField();
  await recordAudit(tx, by, {
    action: 'customField.delete',
    target: { type: 'CustomField', id: fieldId },
    before: { name: field.key, type: field.type },
  });
  await clearPage(tx, { tenantId, fieldId });
  return { id: fieldId };
}

const pageSize = 5_000;

/** Clears the next contacts' values; when there may be more, the next page is enqueued in the same transaction. */
export async function clearPage(tx: Tx, place: z.infer<typeof clearCustomField.payload>): Promise<void> {
  const { tenantId, fieldId, after = '00000000-0000-0000-0000-000000000000' } = place;
  const field = await tx.customField.findUnique({
    where: { tenantId_id: { tenantId, id: fieldId }, deletedAt: { not: null } },
    select: { key: true },
  });
  if (!field) return;
  const [page] = await tx.$queryRaw<{ last: string | null; seen: number }[]>`
    with page as (
      select id, custom_fields ? ${field.key} as holds from contacts
       where tenant_id = ${tenantId}::uuid and id > ${after}::uuid order by id limit ${pageSize} for no key update
    ), cleared as (
      update contacts c set custom_fields = c.custom_fields - ${field.key}::text, updated_at = clock_timestamp()
        from page where page.holds and c.tenant_id = ${tenantId}::uuid and c.id = page.id
    )
    select max(id::text) as last, count(*)::int as seen from page`;
  if (page?.last && page.seen === pageSize) await enqueue(tx, clearCustomField, { ...place, after: page.last });
  else await tx.customField.deleteMany({ where: { tenantId, id: fieldId } });
}

function readLabel(raw: string, found: ReturnType<typeof problems>): string {
  const { value, problem } = checkText(raw, labelLengthMax);
  if (problem) found.add('label', `${problem.message} Expected ${problem.expected}.`);
  return value ?? '';
}

function readOptions(type: CustomFieldType, raw: string[], found: ReturnType<typeof problems>): string[] {
  if (type !== 'SELECT') {
    if (raw.length > 0) found.add('options', 'Expected none: only a SELECT has options.');
    return [];
  }
  if (raw.length === 0 || raw.length > optionsMax) {
    found.add('options', `Expected 1 to ${optionsMax} options.`);
    return [];
  }
  const seen = new Set<string>();
  return raw.map((option, index) => {
    const { value, problem } = checkText(option, optionLengthMax);
    if (problem) found.add(`options.${index}`, `${problem.message} Expected ${problem.expected}.`);
    else if (value === null) found.add(`options.${index}`, 'Expected a text.');
    else if (seen.has(foldText(value))) found.add(`options.${index}`, 'Expected each option once.');
    seen.add(foldText(value ?? ''));
    return value ?? '';
  });
}

function noSuchField(): NotFoundError {
  return new NotFoundError('There is no such custom field.');
}
