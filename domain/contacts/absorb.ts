import type { Prisma, Tx } from '../../prisma/client.ts';
import { type ConsentChannel, type ConsentEntry, type ConsentPurpose, recordConsents } from './consent.ts';
import { addressParts } from './contact-fields.ts';

/** Fields of the target that were empty, and what a merge filled them with: kept with the merge, to empty them again. */
export type Filled = { fields?: Values; customFields?: Values };
type Values = Record<string, string | number | boolean | null>;

const plainFields = ['name', 'email', 'birthDate', 'language', 'blockedAt'] as const;
/** Filled together or not at all: half of one address and half of another is none. */
const addressFields = [...addressParts, 'country'] as const;
const fields = [...plainFields, ...addressFields];

const select = {
  ...({ name: true, email: true, birthDate: true, language: true, blockedAt: true } as const),
  ...({ street: true, city: true, region: true, postalCode: true, country: true } as const),
  customFields: true,
} satisfies Prisma.ContactSelect;

/** Fills what is empty in the target from the source (a block counts); `only` these fields, where it is given. Both are locked. */
export async function fill(
  tx: Tx,
  tenantId: string,
  sourceId: string,
  targetId: string,
  now: Date,
  only?: Filled,
): Promise<Required<Filled>> {
  const source = await tx.contact.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: sourceId } }, select });
  const target = await tx.contact.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: targetId } }, select });
  const hasAddress = addressFields.some((field) => target[field] !== null);
  const missing = [...plainFields, ...(hasAddress ? [] : addressFields)].filter(
    (field) => target[field] === null && source[field] !== null && (!only || field in (only.fields ?? {})),
  );
  const values = Object.fromEntries(missing.map((field) => [field, source[field]]));
  const own = target.customFields as Values;
  const offered = Object.entries(source.customFields as Values).filter(
    ([key]) => !(key in own) && (!only || key in (only.customFields ?? {})),
  );
  const known = await knownKeys(tx, tenantId, offered.length);
  const customFields: Values = Object.fromEntries(offered.filter(([key]) => known.has(key)));
  await tx.contact.update({
    where: { tenantId_id: { tenantId, id: targetId } },
    data: { ...values, customFields: { ...own, ...customFields }, updatedAt: now },
    select: { id: true },
  });
  return { fields: asJson(values), customFields };
}

/** A field that is being deleted leaves no new values. */
async function knownKeys(tx: Tx, tenantId: string, needed: number): Promise<Set<string>> {
  if (needed === 0) return new Set();
  const definitions = await tx.customField.findMany({ where: { tenantId, deletedAt: null }, select: { key: true } });
  return new Set(definitions.map(({ key }) => key));
}

/** Empties again what a merge filled, unless it has been changed since. Returns what it emptied. */
export async function empty(tx: Tx, tenantId: string, targetId: string, filled: Filled, now: Date): Promise<Filled> {
  const target = await tx.contact.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: targetId } }, select });
  const current = asJson(Object.fromEntries(fields.map((field) => [field, target[field]])));
  const untouched = Object.entries(filled.fields ?? {}).filter(([field, value]) => current[field] === value);
  const own = Object.entries(target.customFields as Values);
  const isFilled = ([key, value]: [string, unknown]) => value === filled.customFields?.[key];
  await tx.contact.update({
    where: { tenantId_id: { tenantId, id: targetId } },
    data: {
      ...Object.fromEntries(untouched.map(([field]) => [field, null])),
      customFields: Object.fromEntries(own.filter((entry) => !isFilled(entry))),
      updatedAt: now,
    },
    select: { id: true },
  });
  return { fields: Object.fromEntries(untouched), customFields: Object.fromEntries(own.filter(isFilled)) };
}

const asJson = (values: Record<string, string | Date | null>) =>
  Object.fromEntries(
    Object.entries(values).map(([field, value]) => [field, value instanceof Date ? value.toISOString() : value]),
  );

/** Gives the target the tags that it lacks, of the source; each remembers whose it was. `only` these, where they are given. */
export async function moveTags(
  tx: Tx,
  tenantId: string,
  sourceId: string,
  targetId: string,
  only: string[] | null = null,
): Promise<void> {
  await tx.$executeRaw`
    update contact_tags t set contact_id = ${targetId}::uuid, origin_contact_id = coalesce(t.origin_contact_id, t.contact_id)
     where t.tenant_id = ${tenantId}::uuid and t.contact_id = ${sourceId}::uuid and (${only}::uuid[] is null or t.tag_id = any(${only}::uuid[]))
       and not exists (select from contact_tags o where o.tenant_id = ${tenantId}::uuid and o.contact_id = ${targetId}::uuid and o.tag_id = t.tag_id)`;
}

/** A withdrawal of either holds; a grant of the source is taken over where the target has never said anything. */
export async function joinConsents(tx: Tx, tenantId: string, sourceId: string, targetId: string): Promise<void> {
  type Consent = {
    purpose: ConsentPurpose;
    channel: ConsentChannel;
    granted: boolean;
    givenAt: Date;
    proof: string | null;
  };
  const consents = await tx.$queryRaw<Consent[]>`
    select s.purpose, s.channel, s.granted, s.given_at as "givenAt",
           (select e.proof from consent_entries e where e.tenant_id = s.tenant_id and e.contact_id = s.contact_id
               and e.purpose = s.purpose and e.channel = s.channel and e.recorded_at = s.recorded_at limit 1) as proof
      from contact_consents s
      left join contact_consents t on t.tenant_id = s.tenant_id and t.contact_id = ${targetId}::uuid and t.purpose = s.purpose and t.channel = s.channel
     where s.tenant_id = ${tenantId}::uuid and s.contact_id = ${sourceId}::uuid
       and case when s.granted then t.contact_id is null else t.contact_id is null or t.granted or t.given_at < s.given_at end`;
  const entries = consents.map((consent): ConsentEntry => ({ contactId: targetId, ...consent, source: 'MERGE' }));
  await recordConsents(tx, tenantId, entries);
}
