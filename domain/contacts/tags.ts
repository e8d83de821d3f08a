import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { isUniqueViolation } from '../unique.ts';
import { checkTagName } from './contact-fields.ts';

/** A new tag. Two names that differ only in case are one tag. */
export async function createTag(tx: Tx, tenantId: string, input: { name: string }): Promise<{ id: string }> {
  const names = readName(input.name);
  const [tag] = await tx.tag.createManyAndReturn({
    data: [{ tenantId, ...names }],
    skipDuplicates: true,
    select: { id: true },
  });
  return tag ?? refuseTaken(tx, tenantId, names.nameKey);
}

export async function renameTag(
  tx: Tx,
  tenantId: string,
  tagId: string,
  input: { name: string },
): Promise<{ id: string }> {
  const names = readName(input.name);
  const other = await tx.tag.count({ where: { tenantId, nameKey: names.nameKey, id: { not: tagId } } });
  if (other > 0) await refuseTaken(tx, tenantId, names.nameKey);
  const { count } = await tx.tag.updateMany({ where: { tenantId, id: tagId }, data: names }).catch((error: unknown) => {
    throw isUniqueViolation(error) ? nameTaken() : error; // somebody took it in between
  });
  if (count === 0) throw noSuchTag();
  return { id: tagId };
}

/** Deletes a tag and takes it off every contact. */
export async function deleteTag(tx: Tx, by: Answerable, tagId: string): Promise<{ id: string }> {
  const [gone] = await tx.$queryRaw<{ name: string }[]>`
    delete from tags where tenant_id = ${by.tenantId}::uuid and id = ${tagId}::uuid returning name`;
  if (!gone) throw noSuchTag();
  await recordAudit(tx, by, { action: 'tag.delete', target: { type: 'Tag', id: tagId }, before: { name: gone.name } });
  return { id: tagId };
}

function readName(raw: string): { name: string; nameKey: string } {
  const { value, problem } = checkTagName(raw);
  if (value) return value;
  throw new InvalidInputError([
    { path: 'name', message: problem ? `${problem.message} Expected ${problem.expected}.` : 'Expected a name.' },
  ]);
}

async function refuseTaken(tx: Tx, tenantId: string, nameKey: string): Promise<never> {
  const owner = await tx.tag.findUnique({
    where: { tenantId_nameKey: { tenantId, nameKey } },
    select: { id: true },
  });
  throw nameTaken(owner?.id);
}

function nameTaken(ownerId?: string): ConflictError {
  return new ConflictError('name: There is a tag with this name already.', {
    path: 'name',
    ...(ownerId === undefined ? {} : { conflicting: { typename: 'Tag', id: ownerId } }),
  });
}

function noSuchTag(): NotFoundError {
  return new NotFoundError('There is no such tag.');
}
