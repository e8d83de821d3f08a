import { Prisma, type Tx } from '../../../prisma/client.ts';
import {
  type ConsentChannel,
  type ConsentEntry,
  type ConsentPurpose,
  recordConsents,
  recordFirstConsents,
} from '../consent.ts';
import type { Identity } from '../contact-fields.ts';
import { suppressionKeys, withdrawSuppressed } from '../suppression.ts';
import type { GoodRecord } from './check-record.ts';
import type { Create, Update } from './decide.ts';
import { PageRaceError } from './page-race.ts';

/** A consent that was given for everybody in the file. */
export type FileConsent = {
  purpose: ConsentPurpose;
  channel: ConsentChannel;
  granted: boolean;
  proof: string | null;
  /** ISO. */
  givenAt: string;
};

export type StoreOptions = {
  importId: string;
  consents: readonly FileConsent[];
  /** When the import was asked for: the time of consents that stand in columns. */
  importedAt: Date;
};

/**
 * Stores what a page decided about people, a statement for each table, in one order for every page: rows that two imports both want
 * are then waited for, not fought over.
 */
export async function storeContacts(
  tx: Tx,
  tenantId: string,
  { creates, updates }: { creates: readonly Create[]; updates: readonly Update[] },
  options: StoreOptions,
): Promise<void> {
  await insertContacts(tx, tenantId, creates, options.importId);
  const identities = [
    ...creates.flatMap(({ contactId, record }) => ownedBy(contactId, record.identities)),
    ...updates.flatMap(({ contactId, newIdentities }) => ownedBy(contactId, newIdentities)),
  ];
  await insertIdentities(tx, tenantId, identities);
  const tagged = await addTags(tx, tenantId, creates, updates);
  const suppressed = await suppressKnown(tx, tenantId, creates, updates, options);
  const isFirst = ({ contactId }: Create) => !suppressed.has(contactId);
  const first = creates.filter(isFirst).flatMap((one) => consentsOf(one, options));
  const later = [...creates.filter((one) => !isFirst(one)), ...updates].flatMap((one) => consentsOf(one, options));
  await recordFirstConsents(tx, tenantId, first);
  if (later.length > 0) await recordConsents(tx, tenantId, later);
  await updateContacts(tx, tenantId, updates, new Set([...tagged, ...later.map(({ contactId }) => contactId)]));
}

async function insertContacts(tx: Tx, tenantId: string, creates: readonly Create[], importId: string): Promise<void> {
  if (creates.length === 0) return;
  const rows = creates.toSorted((a, b) => compare(a.record.externalId ?? '', b.record.externalId ?? ''));
  const field = (name: keyof GoodRecord['fields']) => rows.map(({ record }) => record.fields[name]);
  await tx.$executeRaw`
    insert into contacts (tenant_id, id, import_line, name, email, external_id, birth_date, language, street, city, region, postal_code, country, custom_fields, import_id)
    select ${tenantId}::uuid, id, line, name, email, external_id, birth_date, language, street, city, region, postal_code, country,
           coalesce(custom_fields, '{}'), ${importId}::uuid
      from unnest(
        ${rows.map(({ contactId }) => contactId)}::uuid[], ${rows.map(({ record }) => record.line)}::int[], ${field('name')}::text[],
        ${field('email')}::text[], ${rows.map(({ record }) => record.externalId)}::text[], ${field('birthDate')}::date[],
        ${field('language')}::text[], ${field('street')}::text[], ${field('city')}::text[], ${field('region')}::text[],
        ${field('postalCode')}::text[], ${field('country')}::text[], ${rows.map(({ record }) => customFieldsOf(record))}::jsonb[]
      ) as r (id, line, name, email, external_id, birth_date, language, street, city, region, postal_code, country, custom_fields)`;
}

type OwnedIdentity = Identity & { contactId: string; position: number };
const ownedBy = (contactId: string, identities: readonly Identity[]): OwnedIdentity[] =>
  identities.map((identity, position) => ({ ...identity, contactId, position }));

async function insertIdentities(tx: Tx, tenantId: string, identities: OwnedIdentity[]): Promise<void> {
  if (identities.length === 0) return;
  const rows = identities.toSorted((a, b) => compare(a.kind, b.kind) || compare(a.matchKey, b.matchKey));
  await tx.$executeRaw`
    insert into contact_identities (tenant_id, contact_id, kind, value, match_key, created_at)
    select ${tenantId}::uuid, contact_id, kind, value, match_key, now() + position * interval '1 millisecond'
      from unnest(
        ${rows.map(({ contactId }) => contactId)}::uuid[], ${rows.map(({ kind }) => kind)}::text[], ${rows.map(({ value }) => value)}::text[],
        ${rows.map(({ matchKey }) => matchKey)}::text[], ${rows.map(({ position }) => position)}::int[]
      ) as r (contact_id, kind, value, match_key, position)`;
}

/** Makes the tags that are new, and puts the tags on. Returns the known contacts that have one more now. */
async function addTags(
  tx: Tx,
  tenantId: string,
  creates: readonly Create[],
  updates: readonly Update[],
): Promise<string[]> {
  const tagIds = await makeTags(tx, tenantId, [...creates, ...updates]);
  const pairsOf = (stored: readonly (Create | Update)[]) => {
    const pairs = stored.flatMap(({ contactId, record }) =>
      record.tags.map(({ nameKey }) => ({ contactId, tagId: tagIds.get(nameKey) ?? null })),
    );
    return Prisma.sql`unnest(${pairs.map(({ contactId }) => contactId)}::uuid[], ${pairs.map(({ tagId }) => tagId)}::uuid[]) as r (contact_id, tag_id)`;
  };
  const areTagged = (stored: readonly (Create | Update)[]) => stored.some(({ record }) => record.tags.length > 0);
  if (areTagged(creates)) {
    await tx.$executeRaw`
      insert into contact_tags (tenant_id, contact_id, tag_id) select ${tenantId}::uuid, contact_id, tag_id from ${pairsOf(creates)}`;
  }
  if (!areTagged(updates)) return [];
  const added = await tx.$queryRaw<{ id: string }[]>`
    with added as (
      insert into contact_tags (tenant_id, contact_id, tag_id) select ${tenantId}::uuid, contact_id, tag_id from ${pairsOf(updates)}
      on conflict (tenant_id, contact_id, tag_id) do nothing returning contact_id
    )
    select distinct contact_id as id from added`;
  return added.map(({ id }) => id);
}

/** The ids of the tags that records name, by their keys; those that are not there yet are made. */
async function makeTags(tx: Tx, tenantId: string, stored: readonly (Create | Update)[]): Promise<Map<string, string>> {
  const byKey = new Map(stored.flatMap(({ record }) => record.tags.map((tag) => [tag.nameKey, tag.name] as const)));
  if (byKey.size === 0) return new Map();
  const nameKeys = [...byKey.keys()].sort(compare);
  const tags = await tx.$queryRaw<{ id: string; nameKey: string }[]>`
    with wanted as (
      select name, name_key from unnest(${nameKeys.map((key) => byKey.get(key) ?? key)}::text[], ${nameKeys}::text[]) as w (name, name_key)
    ), made as (
      insert into tags (tenant_id, name, name_key) select ${tenantId}::uuid, name, name_key from wanted
      on conflict (tenant_id, name_key) do nothing returning id, name_key
    )
    select id, name_key as "nameKey" from made
    union all select t.id, t.name_key from tags t join wanted w on t.tenant_id = ${tenantId}::uuid and t.name_key = w.name_key`;
  if (tags.length < byKey.size) throw new PageRaceError(); // somebody made one since the statement began
  return new Map(tags.map(({ id, nameKey }) => [nameKey, id]));
}

/** People who were deleted once come back without consent. Returns their contacts. */
async function suppressKnown(
  tx: Tx,
  tenantId: string,
  creates: readonly Create[],
  updates: readonly Update[],
  { consents }: StoreOptions,
): Promise<Set<string>> {
  const [any] = await tx.$queryRaw<unknown[]>`
    select true as found from contact_suppressions where tenant_id = ${tenantId}::uuid limit 1`;
  if (!any) return new Set();
  const keys = [
    ...creates.map(({ contactId, record: { identities, externalId, fields } }) => ({
      contactId,
      keys: suppressionKeys({ identities, externalId, email: fields.email }),
    })),
    ...updates.map(({ contactId, newIdentities, newExternalId, newEmail }) => ({
      contactId,
      keys: suppressionKeys({ identities: newIdentities, externalId: newExternalId, email: newEmail }),
    })),
  ];
  const granted = [...consents, ...creates.flatMap(({ record }) => record.consents)].filter((one) => one.granted);
  return withdrawSuppressed(
    tx,
    tenantId,
    keys.filter((one) => one.keys.length > 0),
    [...new Set(granted.map(({ purpose }) => purpose))],
  );
}

/** What stands in the record's own columns goes before what was said of the whole file. */
function consentsOf(
  { contactId, record }: { contactId: string; record: GoodRecord },
  { consents, importId, importedAt }: StoreOptions,
): ConsentEntry[] {
  const own = record.consents.map(({ purpose, granted }) => ({
    contactId,
    purpose,
    channel: 'WHATSAPP' as const,
    granted,
    source: 'IMPORT' as const,
    proof: `import ${importId}, line ${record.line}`,
    givenAt: importedAt,
  }));
  const others = consents.filter(
    ({ purpose, channel }) => channel !== 'WHATSAPP' || !own.some((entry) => entry.purpose === purpose),
  );
  return [
    ...own,
    ...others.map(({ purpose, channel, granted, proof, givenAt }) => ({
      contactId,
      purpose,
      channel,
      granted,
      source: 'IMPORT' as const,
      proof: proof ?? `import ${importId}`,
      givenAt: new Date(givenAt),
    })),
  ];
}

/** Cells that hold something overwrite, empty ones leave; a contact that nothing changes about is not written. */
async function updateContacts(
  tx: Tx,
  tenantId: string,
  updates: readonly Update[],
  touched: ReadonlySet<string>,
): Promise<void> {
  if (updates.length === 0) return;
  const field = (name: keyof GoodRecord['fields']) => updates.map(({ record }) => record.fields[name]);
  const isTouched = updates.map(({ contactId, newIdentities }) => newIdentities.length > 0 || touched.has(contactId));
  await tx.$executeRaw`
    update contacts c
       set name = coalesce(r.name, c.name), email = coalesce(r.email, c.email), external_id = coalesce(c.external_id, r.external_id),
           birth_date = coalesce(r.birth_date, c.birth_date), language = coalesce(r.language, c.language), street = coalesce(r.street, c.street),
           city = coalesce(r.city, c.city), region = coalesce(r.region, c.region), postal_code = coalesce(r.postal_code, c.postal_code),
           country = coalesce(r.country, c.country), custom_fields = c.custom_fields || coalesce(r.custom_fields, '{}'),
           updated_at = clock_timestamp()
      from unnest(
        ${updates.map(({ contactId }) => contactId)}::uuid[], ${isTouched}::boolean[], ${field('name')}::text[], ${field('email')}::text[],
        ${updates.map(({ newExternalId }) => newExternalId)}::text[], ${field('birthDate')}::date[], ${field('language')}::text[],
        ${field('street')}::text[], ${field('city')}::text[], ${field('region')}::text[], ${field('postalCode')}::text[],
        ${field('country')}::text[], ${updates.map(({ record }) => customFieldsOf(record))}::jsonb[]
      ) as r (id, touched, name, email, external_id, birth_date, language, street, city, region, postal_code, country, custom_fields)
     where c.tenant_id = ${tenantId}::uuid and c.id = r.id
       and (r.touched
         or (c.name, c.email, c.external_id, c.birth_date, c.language, c.street, c.city, c.region, c.postal_code, c.country)
            is distinct from (coalesce(r.name, c.name), coalesce(r.email, c.email), coalesce(c.external_id, r.external_id), coalesce(r.birth_date, c.birth_date),
              coalesce(r.language, c.language), coalesce(r.street, c.street), coalesce(r.city, c.city), coalesce(r.region, c.region),
              coalesce(r.postal_code, c.postal_code), coalesce(r.country, c.country))
         or c.custom_fields <> c.custom_fields || coalesce(r.custom_fields, '{}'))`;
}

function customFieldsOf({ customFields }: GoodRecord): string | null {
  return customFields && JSON.stringify(customFields);
}

/** One order for every import, whatever the language of the letters. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
