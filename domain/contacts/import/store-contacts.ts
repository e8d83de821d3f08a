import { arrayLiteral, plainArrayLiteral } from '../../../prisma/array-literal.ts';
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
 * are then waited for, not fought over. `inTurn` waits for the pages ahead.
 */
export async function storeContacts(
  tx: Tx,
  tenantId: string,
  { creates, updates }: { creates: readonly Create[]; updates: readonly Update[] },
  options: StoreOptions,
  inTurn: () => Promise<void>,
): Promise<void> {
  await insertContacts(tx, tenantId, creates, options.importId);
  const identities = [
    ...creates.flatMap(({ contactId, record }) => ownedBy(contactId, record.identities)),
    ...updates.flatMap(({ contactId, newIdentities }) => ownedBy(contactId, newIdentities)),
  ];
  await insertIdentities(tx, tenantId, identities);
  const tagged = await addTags(tx, tenantId, creates, updates, inTurn);
  const consented = await storeConsents(tx, tenantId, creates, updates, options);
  await updateContacts(tx, tenantId, updates, new Set([...tagged, ...consented]));
}

/** The fields of contacts as records have them: the column, its type, and what a record says. */
const columns: readonly [name: string, type: string, read: (record: GoodRecord) => string | null][] = [
  ['name', 'text', ({ fields }) => fields.name],
  ['email', 'text', ({ fields }) => fields.email],
  ['birth_date', 'date', ({ fields }) => fields.birthDate],
  ['language', 'text', ({ fields }) => fields.language],
  ['street', 'text', ({ fields }) => fields.street],
  ['city', 'text', ({ fields }) => fields.city],
  ['region', 'text', ({ fields }) => fields.region],
  ['postal_code', 'text', ({ fields }) => fields.postalCode],
  ['country', 'text', ({ fields }) => fields.country],
];
const ofCustomFields = ({ customFields }: GoodRecord) => customFields && JSON.stringify(customFields);

/** Columns of a page as arrays to unnest; those in which no record says anything are left out. */
function filledColumns(rows: readonly { record: GoodRecord }[]): { name: Prisma.Sql; values: Prisma.Sql }[] {
  return columns.flatMap(([name, type, read]) => {
    const values = rows.map(({ record }) => read(record));
    if (values.every((value) => value === null)) return [];
    return [{ name: Prisma.raw(name), values: Prisma.sql`${arrayLiteral(values)}::${Prisma.raw(type)}[]` }];
  });
}

async function insertContacts(tx: Tx, tenantId: string, creates: readonly Create[], importId: string): Promise<void> {
  if (creates.length === 0) return;
  const rows = creates.toSorted((a, b) => compare(a.record.externalId ?? '', b.record.externalId ?? ''));
  const filled = filledColumns(rows);
  const customFields = rows.map(({ record }) => ofCustomFields(record));
  if (customFields.some((value) => value !== null)) {
    filled.push({
      name: Prisma.sql`custom_fields`,
      values: Prisma.sql`${arrayLiteral(customFields.map((value) => value ?? '{}'))}::jsonb[]`,
    });
  }
  const names = Prisma.join([
    Prisma.sql`id`,
    Prisma.sql`import_line`,
    Prisma.sql`external_id`,
    ...filled.map(({ name }) => name),
  ]);
  const values = [
    Prisma.sql`${plainArrayLiteral(rows.map(({ contactId }) => contactId))}::uuid[]`,
    Prisma.sql`${plainArrayLiteral(rows.map(({ record }) => record.line))}::int[]`,
    Prisma.sql`${arrayLiteral(rows.map(({ record }) => record.externalId))}::text[]`,
    ...filled.map((column) => column.values),
  ];
  await tx.$executeRaw`
    insert into contacts (tenant_id, import_id, ${names})
    select ${tenantId}::uuid, ${importId}::uuid, ${names} from unnest(${Prisma.join(values)}) as r (${names})`;
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
        ${plainArrayLiteral(rows.map(({ contactId }) => contactId))}::uuid[], ${plainArrayLiteral(rows.map(({ kind }) => kind))}::text[],
        ${arrayLiteral(rows.map(({ value }) => value))}::text[], ${arrayLiteral(rows.map(({ matchKey }) => matchKey))}::text[],
        ${plainArrayLiteral(rows.map(({ position }) => position))}::int[]
      ) as r (contact_id, kind, value, match_key, position)`;
}

/** Makes the tags that are new, and puts the tags on. Returns the known contacts that have one more now. */
async function addTags(
  tx: Tx,
  tenantId: string,
  creates: readonly Create[],
  updates: readonly Update[],
  inTurn: () => Promise<void>,
): Promise<string[]> {
  const tagIds = await findTags(tx, tenantId, [...creates, ...updates], inTurn);
  const pairsOf = (stored: readonly (Create | Update)[]) => {
    const contacts = stored.flatMap(({ contactId, record }) => record.tags.map(() => contactId));
    const tags = stored.flatMap(({ record }) => record.tags.map(({ nameKey }) => tagIds.get(nameKey) ?? ''));
    return Prisma.sql`unnest(${plainArrayLiteral(contacts)}::uuid[], ${plainArrayLiteral(tags)}::uuid[]) as r (contact_id, tag_id)`;
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
async function findTags(
  tx: Tx,
  tenantId: string,
  stored: readonly (Create | Update)[],
  inTurn: () => Promise<void>,
): Promise<Map<string, string>> {
  const byKey = new Map(stored.flatMap(({ record }) => record.tags.map((tag) => [tag.nameKey, tag.name] as const)));
  if (byKey.size === 0) return new Map();
  const nameKeys = [...byKey.keys()].sort(compare);
  const find = () => tx.$queryRaw<{ id: string; nameKey: string }[]>`
    select id, name_key as "nameKey" from tags where tenant_id = ${tenantId}::uuid and name_key = any(${nameKeys}::text[])`;
  let tags = await find();
  if (tags.length < byKey.size) {
    await inTurn(); // the page ahead may be making the same ones
    await tx.$executeRaw`
      insert into tags (tenant_id, name, name_key)
      select ${tenantId}::uuid, name, name_key
        from unnest(${nameKeys.map((key) => byKey.get(key) ?? key)}::text[], ${nameKeys}::text[]) as w (name, name_key)
      on conflict (tenant_id, name_key) do nothing`;
    tags = await find();
  }
  if (tags.length < byKey.size) throw new PageRaceError(); // somebody deleted one since it was found
  return new Map(tags.map(({ id, nameKey }) => [nameKey, id]));
}

/** Records what people are said to have agreed to. Returns the contacts of whom something may have changed. */
async function storeConsents(
  tx: Tx,
  tenantId: string,
  creates: readonly Create[],
  updates: readonly Update[],
  options: StoreOptions,
): Promise<string[]> {
  const { consents, importId } = options;
  const suppressed = await suppressKnown(tx, tenantId, creates, updates, options);
  const isPlain = ({ contactId, record }: Create) => record.consents.length === 0 && !suppressed.has(contactId);
  const plain = creates.filter(isPlain).map(({ contactId }) => contactId);
  for (const consent of consents) await recordFirstConsents(tx, tenantId, plain, entryOf(consent, importId));
  const others = [...creates.filter((one) => !isPlain(one)), ...updates].flatMap((one) => consentsOf(one, options));
  if (others.length > 0) await recordConsents(tx, tenantId, others);
  return others.map(({ contactId }) => contactId);
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
  return [...own, ...others.map((consent) => ({ contactId, ...entryOf(consent, importId) }))];
}

function entryOf({ proof, givenAt, ...consent }: FileConsent, importId: string): Omit<ConsentEntry, 'contactId'> {
  return { ...consent, source: 'IMPORT', proof: proof ?? `import ${importId}`, givenAt: new Date(givenAt) };
}

/** Cells that hold something overwrite, empty ones leave; a contact that nothing changes about is not written. */
async function updateContacts(
  tx: Tx,
  tenantId: string,
  updates: readonly Update[],
  touched: ReadonlySet<string>,
): Promise<void> {
  if (updates.length === 0) return;
  const filled = filledColumns(updates).map((column) => ({
    ...column,
    next: Prisma.sql`coalesce(r.${column.name}, c.${column.name})`,
  }));
  const externalIds = updates.map(({ newExternalId }) => newExternalId);
  filled.push({
    name: Prisma.sql`external_id`,
    values: Prisma.sql`${arrayLiteral(externalIds)}::text[]`,
    next: Prisma.sql`coalesce(c.external_id, r.external_id)`,
  });
  const customFields = updates.map(({ record }) => ofCustomFields(record));
  if (customFields.some((value) => value !== null)) {
    filled.push({
      name: Prisma.sql`custom_fields`,
      values: Prisma.sql`${arrayLiteral(customFields.map((value) => value ?? '{}'))}::jsonb[]`,
      next: Prisma.sql`c.custom_fields || r.custom_fields`,
    });
  }
  const isTouched = updates.map(({ contactId, newIdentities }) => newIdentities.length > 0 || touched.has(contactId));
  await tx.$executeRaw`
    update contacts c set ${Prisma.join(filled.map(({ name, next }) => Prisma.sql`${name} = ${next}`))}, updated_at = clock_timestamp()
      from unnest(${plainArrayLiteral(updates.map(({ contactId }) => contactId))}::uuid[], ${isTouched}::boolean[], ${Prisma.join(filled.map(({ values }) => values))})
        as r (id, touched, ${Prisma.join(filled.map(({ name }) => name))})
     where c.tenant_id = ${tenantId}::uuid and c.id = r.id
       and (r.touched or (${Prisma.join(filled.map(({ name }) => Prisma.sql`c.${name}`))}) is distinct from (${Prisma.join(filled.map(({ next }) => next))}))`;
}

/** One order for every import, whatever the language of the letters. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
