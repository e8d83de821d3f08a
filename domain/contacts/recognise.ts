import { bySystem } from '../audit/record-audit.ts';
import type { WirePerson } from '../../connectors/whatsapp/webhook-payloads.ts';
import type { Tx } from '../../prisma/client.ts';
import { checkIdentity, checkName } from './contact-fields.ts';
import type { GivenIdentity } from './contact-input.ts';
import { addIdentities } from './identities.ts';
import { lockContact } from './lock-contact.ts';
import { mergeContacts } from './merge-contacts.ts';
import { matchKeyOf } from './phone.ts';
import { suppressionKeys, withdrawSuppressed } from './suppression.ts';

/**
 * The contact behind what WhatsApp says of a person, found by any of it or made: its user id first, then the phone. Two contacts that turn
 * out to be one person are merged, which can be taken back. What WhatsApp reports is how the phone is written from then on. Null: nothing
 * was said by which anybody could be known.
 */
export async function recognise(tx: Tx, tenantId: string, person: WirePerson): Promise<string | null> {
  const identities = identitiesOf(person);
  if (identities.length === 0) return null;
  const owners = await findOwners(tx, tenantId, identities);
  const [first, second] = new Set(owners.values());
  if (first === undefined) return create(tx, tenantId, person, identities);
  const contactId = second === undefined ? first : await mergeInto(tx, tenantId, identities, owners);
  await learn(tx, tenantId, contactId, person, identities);
  return contactId;
}

/**
 * A person goes on under another number or user id: the old one is nobody's any more, so that nothing is sent to whoever gets that number
 * next. Where we never knew the old one, the new one is just somebody.
 */
export async function moveIdentities(
  tx: Tx,
  tenantId: string,
  { from, to }: { from: WirePerson; to: WirePerson },
): Promise<string | null> {
  const [before, after] = [identitiesOf(from), identitiesOf(to)];
  const [known] = (await findOwners(tx, tenantId, before)).values();
  if (known === undefined || after.length === 0) return recognise(tx, tenantId, after.length > 0 ? to : from);
  await lockContact(tx, tenantId, known);
  for (const other of new Set((await findOwners(tx, tenantId, after)).values())) {
    if (other !== known) await mergeContacts(tx, bySystem(tenantId), { sourceId: other, targetId: known });
  }
  const kept = new Set(after.map(keyOf));
  const renewed = new Set(after.map(({ kind }) => kind));
  const gone = before.filter((identity) => renewed.has(identity.kind) && !kept.has(keyOf(identity)));
  for (const { kind, matchKey } of gone) {
    await tx.contactIdentity.deleteMany({ where: { tenantId, contactId: known, kind, matchKey } });
  }
  await learn(tx, tenantId, known, to, after);
  return known;
}

const keyOf = ({ kind, matchKey }: { kind: string; matchKey: string }) => `${kind} ${matchKey}`;

/** By what a person can be known again; the user id first. A username is only shown: it may change hands. */
function identitiesOf({ userId, waId }: WirePerson): GivenIdentity[] {
  const identities: GivenIdentity[] = [];
  if (userId !== null) {
    identities.push({ kind: 'WHATSAPP_USER_ID', value: userId, matchKey: userId, path: 'userId' });
  }
  const digits = waId?.replace(/^\+/, '') ?? '';
  if (/^\d{5,18}$/.test(digits)) {
    const value = `+${digits}`;
    identities.push({ kind: 'PHONE', value, matchKey: matchKeyOf(value), path: 'waId' });
  }
  return identities;
}

/** Who has which of the identities, by kind and key. */
async function findOwners(
  tx: Tx,
  tenantId: string,
  identities: readonly GivenIdentity[],
): Promise<Map<string, string>> {
  const rows = await tx.contactIdentity.findMany({
    where: { tenantId, OR: identities.map(({ kind, matchKey }) => ({ kind, matchKey })) },
    select: { kind: true, matchKey: true, contactId: true },
  });
  return new Map(rows.map((row) => [keyOf(row), row.contactId]));
}

/** Whoever is known by the phone stays: that is who was imported and written to. */
async function mergeInto(
  tx: Tx,
  tenantId: string,
  identities: readonly GivenIdentity[],
  owners: ReadonlyMap<string, string>,
): Promise<string> {
  const [sourceId = '', targetId = ''] = identities.map((identity) => owners.get(keyOf(identity)) ?? '');
  await mergeContacts(tx, bySystem(tenantId), { sourceId, targetId });
  return targetId;
}

async function create(tx: Tx, tenantId: string, person: WirePerson, identities: GivenIdentity[]): Promise<string> {
  const { id, createdAt } = await tx.contact.create({
    data: { tenantId, name: nameOf(person) },
    select: { id: true, createdAt: true },
  });
  await addIdentities(tx, tenantId, id, identities, createdAt);
  await withdrawSuppressed(tx, tenantId, [{ contactId: id, keys: suppressionKeys({ identities }) }]);
  await setUsername(tx, tenantId, id, person, createdAt);
  return id;
}

/** Writes down what is new about a known contact; most of the time that is nothing. */
async function learn(
  tx: Tx,
  tenantId: string,
  contactId: string,
  person: WirePerson,
  identities: readonly GivenIdentity[],
): Promise<void> {
  const stored = await tx.contactIdentity.findMany({
    where: { tenantId, contactId },
    select: { id: true, kind: true, value: true, matchKey: true },
  });
  const known = new Map(stored.map((row) => [keyOf(row), row]));
  const missing = identities.filter((identity) => !known.has(keyOf(identity)));
  const rewritten = identities.filter(
    (identity) => (known.get(keyOf(identity))?.value ?? identity.value) !== identity.value,
  );
  const username = usernameOf(person);
  const hasUsername = username === null || known.get(keyOf(username))?.value === username.value;
  if (missing.length > 0 || rewritten.length > 0 || !hasUsername) {
    const { now } = await lockContact(tx, tenantId, contactId);
    for (const identity of rewritten) {
      await tx.contactIdentity.updateMany({
        where: { tenantId, contactId, kind: identity.kind, matchKey: identity.matchKey },
        data: { value: identity.value },
      });
    }
    if (missing.length > 0) {
      await addIdentities(tx, tenantId, contactId, missing, now);
      await withdrawSuppressed(tx, tenantId, [{ contactId, keys: suppressionKeys({ identities: missing }) }]);
    }
    await setUsername(tx, tenantId, contactId, person, now);
  }
  const name = nameOf(person);
  if (name !== null) await tx.contact.updateMany({ where: { tenantId, id: contactId, name: null }, data: { name } });
}

/** A person has one username on WhatsApp. Whoever had it before has it no more. */
async function setUsername(tx: Tx, tenantId: string, contactId: string, person: WirePerson, now: Date): Promise<void> {
  const username = usernameOf(person);
  if (username === null) return;
  const { kind, value, matchKey } = username;
  await tx.contactIdentity.deleteMany({
    where: {
      tenantId,
      kind,
      OR: [
        { contactId, NOT: { matchKey } },
        { matchKey, NOT: { contactId, value } },
      ],
    },
  });
  await tx.contactIdentity.createMany({
    data: [{ tenantId, contactId, kind, value, matchKey, createdAt: now }],
    skipDuplicates: true,
  });
}

/** What cannot be one is left out: it is only shown. */
function usernameOf({ username }: WirePerson): GivenIdentity | null {
  const checked = checkIdentity('USERNAME', username ?? '', '');
  return checked.problem ? null : { ...checked.value, path: 'username' };
}

function nameOf({ name }: WirePerson): string | null {
  return checkName(name ?? '').value ?? null;
}
