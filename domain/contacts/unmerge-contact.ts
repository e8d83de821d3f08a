import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { ConflictError } from '../errors.ts';
import { empty, fill, type Filled, joinConsents, moveTags } from './absorb.ts';
import { noSuchContact } from './lock-contact.ts';
import { lockBoth } from './merge-contacts.ts';

/**
 * Takes a merge back: the contact is there again with everything that it brought, what was merged into it before included. What has
 * been changed in the target since stays with the target. Answers with the restored contact.
 */
export async function unmergeContact(tx: Tx, by: Answerable, contactId: string): Promise<{ id: string }> {
  const { tenantId } = by;
  const hidden = await tx.contact.findUnique({
    where: { tenantId_id: { tenantId, id: contactId } },
    select: { mergedIntoId: true },
  });
  if (!hidden) noSuchContact();
  if (!hidden.mergedIntoId) throw notMerged();
  const targetId = hidden.mergedIntoId;
  const { now, contacts } = await lockBoth(tx, tenantId, contactId, targetId);
  if (contacts.get(contactId)?.mergedIntoId !== targetId) throw notMerged(); // somebody was faster
  const target = contacts.get(targetId) ?? noSuchContact();
  if (target.mergedIntoId) {
    throw new ConflictError('The contact that it was merged into was merged itself: unmerge that one first.', {
      path: 'contactId',
      conflicting: { typename: 'Contact', id: targetId },
    });
  }
  const merge = await tx.contactMerge.findFirstOrThrow({
    where: { tenantId, sourceId: contactId, targetId, undoneAt: null },
    select: { id: true, filled: true },
  });

  const tagIds = await giveBack(tx, tenantId, contactId, targetId);
  const emptied = await empty(tx, tenantId, targetId, merge.filled as Filled, now);
  await retractConsents(tx, tenantId, targetId);
  await tx.contact.update({
    where: { tenantId_id: { tenantId, id: contactId } },
    data: { mergedIntoId: null, updatedAt: now },
    select: { id: true },
  });
  await tx.contactMerge.update({
    where: { tenantId_id: { tenantId, id: merge.id } },
    data: { undoneAt: now, filled: {} },
    select: { id: true },
  });
  await absorbRemaining(tx, tenantId, targetId, { tagIds, emptied, now });
  await recordAudit(tx, by, {
    action: 'contact.unmerge',
    target: { type: 'Contact', id: contactId },
    before: { mergedInto: targetId },
  });
  return { id: contactId };
}

/** What came with the contact, or with one that had been merged into it, goes back to it. Returns the ids of the tags. */
async function giveBack(tx: Tx, tenantId: string, contactId: string, targetId: string): Promise<string[]> {
  const family = await tx.$queryRaw<{ id: string }[]>`
    with recursive family as (
      select id from contacts where tenant_id = ${tenantId}::uuid and id = ${contactId}::uuid
      union
      select c.id from contacts c join family on c.tenant_id = ${tenantId}::uuid and c.merged_into_id = family.id
    )
    select id from family`;
  const ids = family.map(({ id }) => id);
  await tx.$executeRaw`
    update contact_identities set contact_id = ${contactId}::uuid, origin_contact_id = nullif(origin_contact_id, ${contactId}::uuid)
     where tenant_id = ${tenantId}::uuid and contact_id = ${targetId}::uuid and origin_contact_id = any(${ids}::uuid[])`;
  await tx.$executeRaw`
    update contact_notes set contact_id = ${contactId}::uuid, origin_contact_id = nullif(origin_contact_id, ${contactId}::uuid)
     where tenant_id = ${tenantId}::uuid and contact_id = ${targetId}::uuid and origin_contact_id = any(${ids}::uuid[])`;
  const tags = await tx.$queryRaw<{ tagId: string }[]>`
    update contact_tags set contact_id = ${contactId}::uuid, origin_contact_id = nullif(origin_contact_id, ${contactId}::uuid)
     where tenant_id = ${tenantId}::uuid and contact_id = ${targetId}::uuid and origin_contact_id = any(${ids}::uuid[])
     returning tag_id as "tagId"`;
  return tags.map(({ tagId }) => tagId);
}

/**
 * Consents that merges wrote go back to what was said of the target itself; where nothing was, nothing counts. The ledger says so in
 * new entries. What stands by a newer act is left alone.
 */
async function retractConsents(tx: Tx, tenantId: string, targetId: string): Promise<void> {
  await tx.$executeRaw`
    with merged as (
      select purpose, channel, greatest(clock_timestamp(), recorded_at + interval '1 millisecond') as now, recorded_at from contact_consents
       where tenant_id = ${tenantId}::uuid and contact_id = ${targetId}::uuid and source = 'MERGE' for update
    ), own as (
      select m.purpose, m.channel, m.now, e.id is not null as known, e.granted, e.source, e.proof, e.given_at
        from merged m left join lateral (
          select * from consent_entries e where e.tenant_id = ${tenantId}::uuid and e.contact_id = ${targetId}::uuid
             and e.purpose = m.purpose and e.channel = m.channel and e.source <> 'MERGE'
           order by e.recorded_at desc, e.id desc limit 1) e on true
    ), ledger as (
      insert into consent_entries (tenant_id, contact_id, purpose, channel, granted, source, proof, given_at, recorded_at)
      select ${tenantId}::uuid, ${targetId}::uuid, purpose, channel, coalesce(granted, false), 'MERGE', proof, coalesce(given_at, now), now from own
    ), restored as (
      update contact_consents c set granted = own.granted, source = own.source, given_at = own.given_at, recorded_at = own.now
        from own where own.known and c.tenant_id = ${tenantId}::uuid and c.contact_id = ${targetId}::uuid
         and c.purpose = own.purpose and c.channel = own.channel
    )
    delete from contact_consents c using own
     where not own.known and c.tenant_id = ${tenantId}::uuid and c.contact_id = ${targetId}::uuid
       and c.purpose = own.purpose and c.channel = own.channel`;
}

/** What is still merged into the target speaks again, where the other one had spoken first: on tags, fields and consents. */
async function absorbRemaining(
  tx: Tx,
  tenantId: string,
  targetId: string,
  { tagIds, emptied, now }: { tagIds: string[]; emptied: Filled; now: Date },
): Promise<void> {
  const merges = await tx.contactMerge.findMany({
    where: { tenantId, targetId, undoneAt: null },
    orderBy: [{ mergedAt: 'asc' }, { id: 'asc' }],
    select: { id: true, sourceId: true, filled: true },
  });
  for (const { id, sourceId, filled } of merges) {
    await moveTags(tx, tenantId, sourceId, targetId, tagIds);
    await joinConsents(tx, tenantId, sourceId, targetId);
    const more = await fill(tx, tenantId, sourceId, targetId, now, emptied);
    const { fields, customFields } = filled as Filled;
    await tx.contactMerge.update({
      where: { tenantId_id: { tenantId, id } },
      data: {
        filled: { fields: { ...fields, ...more.fields }, customFields: { ...customFields, ...more.customFields } },
      },
      select: { id: true },
    });
  }
}

function notMerged(): ConflictError {
  return new ConflictError('This contact is not merged into another one.', { path: 'contactId' });
}
