import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { findMisfits, loadDefinitions, type ResolvedFilter, resolveFilter } from '../contacts/filter-definitions.ts';
import { readFilter } from '../contacts/filter.ts';
import { checkText } from '../contacts/text.ts';
import { ConflictError, type FieldProblem, InvalidInputError, NotFoundError } from '../errors.ts';
import { isUniqueViolation } from '../unique.ts';

export const segmentNameLengthMax = 200;

/** Saves a filter under a name. Two names that differ only in case are one. */
export async function createSegment(
  tx: Tx,
  tenantId: string,
  input: { name: string; filter: unknown },
): Promise<{ id: string }> {
  const names = readName(input.name);
  const { filter } = await resolveFilter(tx, tenantId, input.filter);
  const [segment] = await tx.segment.createManyAndReturn({
    data: [{ tenantId, ...names, filter }],
    skipDuplicates: true,
    select: { id: true },
  });
  return segment ?? refuseTaken(tx, tenantId, names.nameKey);
}

/** Renames a segment, gives it another filter, or both. */
export async function updateSegment(
  tx: Tx,
  tenantId: string,
  id: string,
  input: { name?: string | null | undefined; filter?: unknown },
  now: Date,
): Promise<{ id: string }> {
  const names = typeof input.name === 'string' ? readName(input.name) : undefined;
  const resolved = input.filter ? await resolveFilter(tx, tenantId, input.filter) : undefined;
  if (names) {
    const others = await tx.segment.count({ where: { tenantId, nameKey: names.nameKey, id: { not: id } } });
    if (others > 0) await refuseTaken(tx, tenantId, names.nameKey);
  }
  const data = { ...names, ...(resolved ? { filter: resolved.filter } : {}), updatedAt: now };
  const { count } = await tx.segment.updateMany({ where: { tenantId, id }, data }).catch((error: unknown) => {
    throw isUniqueViolation(error) ? nameTaken() : error; // somebody took it in between
  });
  if (count === 0) throw noSuchSegment();
  return { id };
}

export async function deleteSegment(tx: Tx, by: Answerable, id: string): Promise<{ id: string }> {
  const [gone] = await tx.$queryRaw<{ name: string }[]>`
    delete from segments where tenant_id = ${by.tenantId}::uuid and id = ${id}::uuid returning name`;
  if (!gone) throw noSuchSegment();
  await recordAudit(tx, by, { action: 'segment.delete', target: { type: 'Segment', id }, before: { name: gone.name } });
  return { id };
}

/** A segment's filter ready for use, and what in it is not there any more: such a condition matches nobody. */
export async function openFilter(
  tx: Tx,
  tenantId: string,
  stored: unknown,
): Promise<ResolvedFilter & { problems: FieldProblem[] }> {
  const filter = readFilter(stored);
  const definitions = await loadDefinitions(tx, tenantId, [filter]);
  return { filter, definitions, problems: findMisfits(filter, definitions) };
}

function readName(raw: string): { name: string; nameKey: string } {
  const { value, problem } = checkText(raw, segmentNameLengthMax);
  if (value) return { name: value, nameKey: value.toLowerCase() };
  throw new InvalidInputError([
    { path: 'name', message: problem ? `${problem.message} Expected ${problem.expected}.` : 'Expected a name.' },
  ]);
}

async function refuseTaken(tx: Tx, tenantId: string, nameKey: string): Promise<never> {
  const owner = await tx.segment.findUnique({
    where: { tenantId_nameKey: { tenantId, nameKey } },
    select: { id: true },
  });
  throw nameTaken(owner?.id);
}

function nameTaken(ownerId?: string): ConflictError {
  return new ConflictError('name: There is a segment with this name already.', {
    path: 'name',
    ...(ownerId === undefined ? {} : { conflicting: { typename: 'Segment', id: ownerId } }),
  });
}

function noSuchSegment(): NotFoundError {
  return new NotFoundError('There is no such segment.');
}
