import type { Tx } from '../../prisma/client.ts';
import { ConflictError, InvalidInputError } from '../errors.ts';
import { identitiesPerContactMax, type Identity } from './contact-fields.ts';
import type { GivenIdentity } from './contact-input.ts';

type Stored = Identity & { id: string; createdAt: Date };

const keyOf = ({ kind, matchKey }: { kind: string; matchKey: string }) => `${kind}:${matchKey}`;

/** How identities are listed; the first phone of them is the contact's `phone`. */
export const identityOrder = [{ createdAt: 'asc' as const }, { id: 'asc' as const }];

/** Gives a contact these identities, in this order. Throws a conflict when one belongs to somebody else already. */
export async function addIdentities(
  tx: Tx,
  tenantId: string,
  contactId: string,
  given: readonly GivenIdentity[],
  from: Date,
): Promise<void> {
  const identities = withoutRepeats(given).map((identity, index) => ({
    ...identity,
    createdAt: new Date(from.getTime() + index), // what they are listed by
  }));
  const added = await tx.contactIdentity.createManyAndReturn({
    data: identities
      .map(({ kind, value, matchKey, createdAt }) => ({ tenantId, contactId, kind, value, matchKey, createdAt }))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)), // two writers wait for each other in one order
    skipDuplicates: true,
    select: { kind: true, matchKey: true },
  });
  if (added.length === identities.length) return;
  const ours = new Set(added.map(keyOf));
  throw await takenBy(tx, tenantId, identities.find((identity) => !ours.has(keyOf(identity))) ?? identities[0]);
}

/**
 * Makes a contact's identities what the input says: `identities` are all of them, `phone` is the first phone.
 * Returns those that are new to the contact.
 */
export async function changeIdentities(
  tx: Tx,
  tenantId: string,
  contactId: string,
  { phone, identities }: { phone: GivenIdentity | null | undefined; identities: GivenIdentity[] | undefined },
  now: Date,
): Promise<GivenIdentity[]> {
  if (phone === undefined && identities === undefined) return [];
  const rows = (await tx.contactIdentity.findMany({
    where: { tenantId, contactId },
    orderBy: identityOrder,
    select: { id: true, kind: true, value: true, matchKey: true, createdAt: true },
  })) as Stored[];
  const firstPhone = rows.find(({ kind }) => kind === 'PHONE');
  const stay = identities === undefined ? rows.filter((row) => phone === undefined || row !== firstPhone) : [];
  const wanted = withoutRepeats([...(phone ? [phone] : []), ...(identities ?? [])]);
  const known = new Map(rows.map((row) => [keyOf(row), row]));
  const kept = new Set([...stay, ...wanted].map(keyOf));

  const gone = rows.filter((row) => !kept.has(keyOf(row)));
  await tx.contactIdentity.deleteMany({ where: { tenantId, id: { in: gone.map(({ id }) => id) } } });
  for (const identity of wanted) {
    const row = known.get(keyOf(identity));
    if (row && row.value !== identity.value) {
      await tx.contactIdentity.update({
        where: { tenantId_id: { tenantId, id: row.id } },
        data: { value: identity.value },
        select: { id: true },
      });
    }
  }
  const added = wanted.filter((identity) => !known.has(keyOf(identity)));
  if (stay.length + wanted.length > identitiesPerContactMax) throw tooMany();
  await addIdentities(tx, tenantId, contactId, added, now);
  if (phone) await putFirst(tx, tenantId, contactId, phone);
  return added;
}

/** Lists a phone before all others. */
async function putFirst(tx: Tx, tenantId: string, contactId: string, phone: Identity): Promise<void> {
  await tx.$executeRaw`
    update contact_identities i set created_at = first.created_at - interval '1 millisecond'
      from (select min(created_at) as created_at from contact_identities
             where tenant_id = ${tenantId}::uuid and contact_id = ${contactId}::uuid and kind = 'PHONE' and match_key <> ${phone.matchKey}) first
     where i.tenant_id = ${tenantId}::uuid and i.contact_id = ${contactId}::uuid and i.kind = 'PHONE' and i.match_key = ${phone.matchKey}
       and i.created_at >= first.created_at`;
}

/** Each once, as it is said first. */
function withoutRepeats(identities: readonly GivenIdentity[]): GivenIdentity[] {
  const seen = new Set<string>();
  return identities.filter((identity) => {
    const isNew = !seen.has(keyOf(identity));
    seen.add(keyOf(identity));
    return isNew;
  });
}

/** Who has the identity: a contact that the caller sees, so its id may be said; or one that the caller does not. */
async function takenBy(tx: Tx, tenantId: string, identity: GivenIdentity | undefined): Promise<ConflictError> {
  if (!identity) throw new Error('No identity was refused.');
  const { kind, value, matchKey, path } = identity;
  const owner = await tx.contactIdentity.findFirst({
    where: { tenantId, kind, OR: [{ matchKey }, { value }], contact: { is: { tenantId } } },
    select: { contactId: true },
  });
  return new ConflictError(`${path}: It belongs to another contact.`, {
    path,
    ...(owner ? { conflicting: { typename: 'Contact', id: owner.contactId } } : {}),
  });
}

function tooMany(): InvalidInputError {
  return new InvalidInputError([
    { path: 'identities', message: `Expected at most ${identitiesPerContactMax} identities.` },
  ]);
}
