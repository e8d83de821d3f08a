import { arrayLiteral, plainArrayLiteral } from '../../../prisma/array-literal.ts';
import type { Tx } from '../../../prisma/client.ts';
import { identitiesPerContactMax, tagsPerContactMax } from '../contact-fields.ts';
import type { GoodRecord } from './check-record.ts';
import { externalIdKey, identityKey, keysOf, type Known, type OnConflict } from './decide.ts';
import { PageRaceError } from './page-race.ts';

export type LookupOptions = { importId: string; onConflict: OnConflict; isDryRun: boolean };

type KnownContact = {
  id: string;
  mergedIntoId: string | null;
  externalId: string | null;
  email: string | null;
  importId: string | null;
  importLine: number | null;
};

/**
 * What is known of the people in a page: which contacts they are (those that were merged lead to where they are now), and which
 * earlier line of this file spoke for them. Contacts that may be changed are locked, in the order of their ids. `inTurn` waits for the
 * pages ahead: when somebody is known already, those may know that contact by something else.
 */
export async function lookUp(
  tx: Tx,
  tenantId: string,
  records: readonly GoodRecord[],
  options: LookupOptions,
  inTurn: () => Promise<void>,
): Promise<Known> {
  const { importId, isDryRun } = options;
  const hits = await findOwners(tx, tenantId, records);
  if (hits.length > 0) await inTurn();
  const locks = options.onConflict === 'UPDATE' && !isDryRun;
  const contacts = await readContacts(
    tx,
    tenantId,
    hits.flatMap(({ owner, origin }) => [owner, origin]),
    locks,
  );

  const contactByKey = new Map<string, string>();
  const lineByClaim = new Map<string, number>();
  for (const { key, owner, origin } of hits) {
    const contact = whereMerged(contacts, owner);
    contactByKey.set(key, contact.id);
    for (const { importId: broughtBy, importLine } of [contact, contacts.get(owner), contacts.get(origin)].flatMap(
      (one) => one ?? [],
    )) {
      if (broughtBy === importId && importLine !== null) lineByClaim.set(contact.id, importLine);
    }
  }
  const claimable = isDryRun ? [...contactByKey.values(), ...records.flatMap(keysOf)] : [...contactByKey.values()];
  await addClaims(tx, tenantId, importId, claimable, lineByClaim);
  const externalIdOf = new Map([...contacts.values()].map(({ id, externalId }) => [id, externalId]));
  const emailOf = new Map([...contacts.values()].map(({ id, email }) => [id, email]));
  const fullness = await readFullness(tx, tenantId, records, contactByKey);
  return { contactByKey, lineByClaim, externalIdOf, emailOf, ...fullness };
}

/** A key that is known, the contact that has it, and the one that brought it before a merge. */
type Hit = { key: string; owner: string; origin: string };

/** Each key is looked up by itself, so that the plan is the same for ten contacts and for ten million. */
async function findOwners(tx: Tx, tenantId: string, records: readonly GoodRecord[]): Promise<Hit[]> {
  const identities = records.flatMap((record) => record.identities);
  const externalIds = records.flatMap(({ externalId }) => externalId ?? []);
  const hits: Hit[] = [];
  if (identities.length > 0) {
    const rows = await tx.$queryRaw<{ kind: string; matchKey: string; owner: string; origin: string }[]>`
      select w.kind, w.match_key as "matchKey", i.contact_id as owner, coalesce(i.origin_contact_id, i.contact_id) as origin
        from unnest(${plainArrayLiteral(identities.map(({ kind }) => kind))}::text[], ${arrayLiteral(identities.map(({ matchKey }) => matchKey))}::text[]) as w (kind, match_key)
       cross join lateral (
         select contact_id, origin_contact_id from contact_identities
          where tenant_id = ${tenantId}::uuid and kind = w.kind and match_key = w.match_key limit 1) i`;
    hits.push(...rows.map(({ owner, origin, ...identity }) => ({ key: identityKey(identity), owner, origin })));
  }
  if (externalIds.length > 0) {
    const rows = await tx.$queryRaw<{ externalId: string; id: string }[]>`
      select w.external_id as "externalId", c.id
        from unnest(${arrayLiteral(externalIds)}::text[]) as w (external_id)
       cross join lateral (
         select id from contacts where tenant_id = ${tenantId}::uuid and external_id = w.external_id limit 1) c`;
    hits.push(...rows.map(({ externalId, id }) => ({ key: externalIdKey(externalId), owner: id, origin: id })));
  }
  return hits;
}

/** The contacts, and those they were merged into. */
async function readContacts(
  tx: Tx,
  tenantId: string,
  ids: readonly string[],
  locks: boolean,
): Promise<Map<string, KnownContact>> {
  const contacts = new Map<string, KnownContact>();
  for (let wanted = [...new Set(ids)]; wanted.length > 0;) {
    const rows = locks
      ? await tx.$queryRaw<KnownContact[]>`
          select id, merged_into_id as "mergedIntoId", external_id as "externalId", email, import_id as "importId", import_line as "importLine"
            from contacts where tenant_id = ${tenantId}::uuid and id = any(${plainArrayLiteral(wanted)}::uuid[]) order by id for no key update`
      : await tx.$queryRaw<KnownContact[]>`
          select id, merged_into_id as "mergedIntoId", external_id as "externalId", email, import_id as "importId", import_line as "importLine"
            from contacts where tenant_id = ${tenantId}::uuid and id = any(${plainArrayLiteral(wanted)}::uuid[])`;
    for (const row of rows) contacts.set(row.id, row);
    if (rows.length < wanted.length) throw new PageRaceError(); // somebody deleted one since it was found
    wanted = [...new Set(rows.flatMap(({ mergedIntoId }) => mergedIntoId ?? []))].filter((id) => !contacts.has(id));
  }
  return contacts;
}

function whereMerged(contacts: ReadonlyMap<string, KnownContact>, id: string): KnownContact {
  const contact = contacts.get(id);
  if (!contact) throw new Error('A contact that was read is not there.');
  return contact.mergedIntoId === null ? contact : whereMerged(contacts, contact.mergedIntoId);
}

async function addClaims(
  tx: Tx,
  tenantId: string,
  importId: string,
  keys: string[],
  lineByClaim: Map<string, number>,
): Promise<void> {
  const wanted = keys.filter((key) => !lineByClaim.has(key));
  if (wanted.length === 0) return;
  const rows = await tx.$queryRaw<{ key: string; line: number }[]>`
    select w.key, c.line from unnest(${arrayLiteral(wanted)}::text[]) as w (key)
     cross join lateral (
       select line from contact_import_claims
        where tenant_id = ${tenantId}::uuid and import_id = ${importId}::uuid and key = w.key limit 1) c`;
  for (const { key, line } of rows) lineByClaim.set(key, line);
}

/** Contacts that are so full already that a record of this page may be too much: how many identities they have, and which tags. */
async function readFullness(
  tx: Tx,
  tenantId: string,
  records: readonly GoodRecord[],
  contactByKey: ReadonlyMap<string, string>,
): Promise<Pick<Known, 'identityCountOf' | 'tagsOf'>> {
  const [extended, tagged] = [new Set<string>(), new Set<string>()];
  let [identitiesAtMost, tagsAtMost] = [0, 0];
  for (const record of records) {
    const keys = keysOf(record);
    const contactId = keys.map((key) => contactByKey.get(key)).find((id) => id !== undefined);
    if (contactId === undefined) continue;
    const added = record.identities.filter((identity) => !contactByKey.has(identityKey(identity))).length;
    if (added > 0) extended.add(contactId);
    if (record.tags.length > 0) tagged.add(contactId);
    identitiesAtMost = Math.max(identitiesAtMost, added);
    tagsAtMost = Math.max(tagsAtMost, record.tags.length);
  }
  const identityCountOf = new Map<string, number>();
  if (extended.size > 0) {
    const rows = await tx.$queryRaw<{ id: string; count: number }[]>`
      select contact_id as id, count(*)::int as count from contact_identities
       where tenant_id = ${tenantId}::uuid and contact_id = any(${plainArrayLiteral([...extended])}::uuid[])
       group by contact_id having count(*) > ${identitiesPerContactMax - identitiesAtMost}::int`;
    for (const { id, count } of rows) identityCountOf.set(id, count);
  }
  const tagsOf = new Map<string, ReadonlySet<string>>();
  if (tagged.size > 0) {
    const rows = await tx.$queryRaw<{ id: string; nameKeys: string[] }[]>`
      select ct.contact_id as id, array_agg(t.name_key) as "nameKeys"
        from contact_tags ct join tags t on t.tenant_id = ct.tenant_id and t.id = ct.tag_id
       where ct.tenant_id = ${tenantId}::uuid and ct.contact_id = any(${plainArrayLiteral([...tagged])}::uuid[])
       group by ct.contact_id having count(*) > ${tagsPerContactMax - tagsAtMost}::int`;
    for (const { id, nameKeys } of rows) tagsOf.set(id, new Set(nameKeys));
  }
  return { identityCountOf, tagsOf };
}
