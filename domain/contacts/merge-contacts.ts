import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { ConflictError, InvalidInputError } from '../errors.ts';
import { skipTwins } from '../campaigns/twins.ts';
import { assignFamilies } from './assign-contacts.ts';
import { noSuchContact } from './lock-contact.ts';
import { fill, joinConsents, moveTags } from './absorb.ts';

/**
 * Makes one contact of two: the source is hidden, what it has goes to the target and remembers where it came from, so that
 * `unmergeContact` can give it back. The stricter consent wins. Answers with the target.
 */
export async function mergeContacts(
  tx: Tx,
  by: Answerable,
  { sourceId, targetId }: { sourceId: string; targetId: string },
): Promise<{ id: string }> {
  const { tenantId } = by;
  if (sourceId === targetId) {
    throw new InvalidInputError([{ path: 'sourceId', message: 'Expected another contact than the target.' }]);
  }
  const { now, contacts } = await lockBoth(tx, tenantId, sourceId, targetId);
  for (const path of ['sourceId', 'targetId'] as const) {
    const contact = contacts.get(path === 'sourceId' ? sourceId : targetId) ?? noSuchContact();
    if (contact.mergedIntoId) throw mergedAlready(path, contact.mergedIntoId);
  }
  await skipTwins(tx, tenantId, sourceId, targetId);
  await moveIdentities(tx, tenantId, sourceId, targetId, now);
  await tx.$executeRaw`
    update contact_notes set contact_id = ${targetId}::uuid, origin_contact_id = coalesce(origin_contact_id, contact_id)
     where tenant_id = ${tenantId}::uuid and contact_id = ${sourceId}::uuid`;
  await moveTags(tx, tenantId, sourceId, targetId);
  await joinConsents(tx, tenantId, sourceId, targetId);
  const filled = await fill(tx, tenantId, sourceId, targetId, now);
  await tx.contactMerge.create({ data: { tenantId, sourceId, targetId, filled, mergedAt: now }, select: { id: true } });
  await tx.contact.update({
    where: { tenantId_id: { tenantId, id: sourceId } },
    data: { mergedIntoId: targetId, updatedAt: now },
    select: { id: true },
  });
  const [source, target] = [contacts.get(sourceId)?.assignedTo ?? null, contacts.get(targetId)?.assignedTo ?? null];
  if (source !== target) await assignFamilies(tx, tenantId, [targetId], target ?? source);
  await recordAudit(tx, by, {
    action: 'contact.merge',
    target: { type: 'Contact', id: sourceId },
    after: { mergedInto: targetId },
  });
  return { id: targetId };
}

/** The target's own come first, and its phone stays its phone: those that come are listed from now on, in the order that they had. */
async function moveIdentities(tx: Tx, tenantId: string, sourceId: string, targetId: string, now: Date): Promise<void> {
  await tx.$executeRaw`
    update contact_identities i
       set contact_id = ${targetId}::uuid, origin_contact_id = coalesce(i.origin_contact_id, i.contact_id),
           created_at = ${now}::timestamptz + coming.place * interval '1 millisecond'
      from (select id, row_number() over (order by created_at, id) as place from contact_identities
             where tenant_id = ${tenantId}::uuid and contact_id = ${sourceId}::uuid) coming
     where i.tenant_id = ${tenantId}::uuid and i.id = coming.id`;
}

type Locked = { mergedIntoId: string | null; assignedTo: string | null };

/** Locks two contacts, hidden ones too, in the order of their ids: two merges the other way round wait instead of blocking each other. */
export async function lockBoth(
  tx: Tx,
  tenantId: string,
  one: string,
  other: string,
): Promise<{ now: Date; contacts: Map<string, Locked> }> {
  const rows = await tx.$queryRaw<(Locked & { id: string; now: Date })[]>`
    select id, merged_into_id as "mergedIntoId", assigned_to as "assignedTo", clock_timestamp() as now from contacts
     where tenant_id = ${tenantId}::uuid and id in (${one}::uuid, ${other}::uuid) order by id for no key update`;
  const [first] = rows;
  return { now: first?.now ?? new Date(0), contacts: new Map(rows.map((row) => [row.id, row])) };
}

function mergedAlready(path: string, mergedIntoId: string): ConflictError {
  return new ConflictError(`${path}: This contact was merged into another one already.`, {
    path,
    conflicting: { typename: 'Contact', id: mergedIntoId },
  });
}
