import type { Tx } from '../../prisma/client.ts';
import { InvalidInputError, NotFoundError } from '../errors.ts';
import { tagsPerContactMax } from './contact-fields.ts';
import { lockContact, touchContact } from './lock-contact.ts';

/** How a contact's tags change: `set` makes them exactly these. */
export type TagChange = 'set' | 'add' | 'remove';

/** Changes which tags a contact has. Tags that are there already, or are not there to be removed, are no error. */
export async function changeTags(
  tx: Tx,
  tenantId: string,
  contactId: string,
  change: TagChange,
  tagIds: readonly string[],
): Promise<{ id: string }> {
  const { now } = await lockContact(tx, tenantId, contactId);
  if (await applyTags(tx, tenantId, contactId, change, tagIds)) await touchContact(tx, tenantId, contactId, now);
  return { id: contactId };
}

/** The same, for a contact that is locked or new. Says whether anything changed. */
export async function applyTags(
  tx: Tx,
  tenantId: string,
  contactId: string,
  change: TagChange,
  tagIds: readonly string[],
): Promise<boolean> {
  const ids = [...new Set(tagIds)];
  if (ids.length > tagsPerContactMax) throw tooMany();
  await lockTags(tx, tenantId, ids);
  let changed = 0;
  if (change !== 'add') {
    const tagId = change === 'remove' ? { in: ids } : { notIn: ids };
    changed += (await tx.contactTag.deleteMany({ where: { tenantId, contactId, tagId } })).count;
  }
  if (change !== 'remove') {
    const data = ids.map((tagId) => ({ tenantId, contactId, tagId }));
    changed += (await tx.contactTag.createMany({ data, skipDuplicates: true })).count;
    if (change === 'add' && (await tx.contactTag.count({ where: { tenantId, contactId } })) > tagsPerContactMax) {
      throw tooMany();
    }
  }
  return changed > 0;
}

/** The tags exist, and will until the transaction ends. */
async function lockTags(tx: Tx, tenantId: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const found = await tx.$queryRaw<unknown[]>`
    select 1 as one from tags where tenant_id = ${tenantId}::uuid and id = any(${ids}::uuid[]) order by id for key share`;
  if (found.length < ids.length) throw new NotFoundError('There is no such tag.');
}

function tooMany(): InvalidInputError {
  return new InvalidInputError([
    { path: 'tagIds', message: `Expected at most ${tagsPerContactMax} tags for a contact.` },
  ]);
}
