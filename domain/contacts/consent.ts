import { plainArrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';

export const consentPurposes = ['MARKETING', 'SERVICE'] as const;
export type ConsentPurpose = (typeof consentPurposes)[number];

export const consentChannels = ['WHATSAPP', 'EMAIL', 'SMS'] as const;
export type ConsentChannel = (typeof consentChannels)[number];

/** PERSON: the person's own act. MERGE and SUPPRESSION: written by us. The others speak for many people at once. */
export const consentSources = ['PERSON', 'OPERATOR', 'API', 'IMPORT', 'MERGE', 'SUPPRESSION'] as const;
export type ConsentSource = (typeof consentSources)[number];

export const proofLengthMax = 2_000;

export type ConsentEntry = {
  contactId: string;
  purpose: ConsentPurpose;
  channel: ConsentChannel;
  granted: boolean;
  source: ConsentSource;
  proof: string | null;
  /** When the person said so, as far as is known. */
  givenAt: Date;
};

/**
 * Writes consents into the ledger and where it stands now, for any number of contacts of the tenant. A withdrawal always holds; a
 * grant after one only when it is the person's own, later act. Returns the entries that were refused for that: they leave no trace.
 */
export async function recordConsents(tx: Tx, tenantId: string, entries: ConsentEntry[]): Promise<ConsentEntry[]> {
  const refused: ConsentEntry[] = [];
  for (const batch of withoutRepeats(entries)) refused.push(...(await recordBatch(tx, tenantId, batch)));
  return refused;
}

/**
 * One consent of many contacts that are new in this transaction and of whom nothing is recorded yet: nothing can stand against it, so
 * it costs half as much.
 */
export async function recordFirstConsents(
  tx: Tx,
  tenantId: string,
  contactIds: readonly string[],
  { purpose, channel, granted, source, proof, givenAt }: Omit<ConsentEntry, 'contactId'>,
): Promise<void> {
  if (contactIds.length === 0) return;
  await tx.$executeRaw`
    with entry as materialized (
      select contact_id, ${purpose}::text as purpose, ${channel}::text as channel, ${granted}::boolean as granted, ${source}::text as source,
             ${givenAt}::timestamptz as given_at, clock_timestamp() as recorded_at
        from unnest(${plainArrayLiteral(contactIds)}::uuid[]) as e (contact_id)
    ), counted as (
      insert into contact_consents (tenant_id, contact_id, purpose, channel, granted, source, given_at, recorded_at)
      select ${tenantId}::uuid, contact_id, purpose, channel, granted, source, given_at, recorded_at from entry
    )
    insert into consent_entries (tenant_id, contact_id, purpose, channel, granted, source, proof, given_at, recorded_at)
    select ${tenantId}::uuid, contact_id, purpose, channel, granted, source, ${proof}::text, given_at, recorded_at from entry`;
}

async function recordBatch(tx: Tx, tenantId: string, batch: ConsentEntry[]): Promise<ConsentEntry[]> {
  // The row in contact_consents is locked before it is judged, in the order of keys; the ledger takes its time from it, so that the
  // newest entry is the one that counts even when two transactions meet.
  const refused = await tx.$queryRaw<{ position: number }[]>`
    with entry as (
      select * from unnest(
        ${batch.map(({ contactId }) => contactId)}::uuid[], ${batch.map(({ purpose }) => purpose)}::text[],
        ${batch.map(({ channel }) => channel)}::text[], ${batch.map(({ granted }) => granted)}::boolean[],
        ${batch.map(({ source }) => source)}::text[], ${batch.map(({ proof }) => proof)}::text[],
        ${batch.map(({ givenAt }) => givenAt.toISOString())}::timestamptz[]
      ) with ordinality as e (contact_id, purpose, channel, granted, source, proof, given_at, position)
    ), counted as (
      insert into contact_consents as c (tenant_id, contact_id, purpose, channel, granted, source, given_at, recorded_at)
      select ${tenantId}::uuid, contact_id, purpose, channel, granted, source, given_at, clock_timestamp()
        from entry order by contact_id, purpose, channel
      on conflict (tenant_id, contact_id, purpose, channel) do update
        set granted = excluded.granted, source = excluded.source,
            given_at = case when c.granted or excluded.granted then excluded.given_at else greatest(c.given_at, excluded.given_at) end,
            recorded_at = greatest(excluded.recorded_at, c.recorded_at + interval '1 millisecond')
        where c.granted or not excluded.granted or (excluded.source = 'PERSON' and excluded.given_at > c.given_at)
      returning c.contact_id, c.purpose, c.channel, c.recorded_at
    ), ledger as (
      insert into consent_entries (tenant_id, contact_id, purpose, channel, granted, source, proof, given_at, recorded_at)
      select ${tenantId}::uuid, contact_id, purpose, channel, granted, source, proof, given_at, recorded_at
        from entry join counted using (contact_id, purpose, channel)
    )
    select position::int as position from entry left join counted using (contact_id, purpose, channel)
     where counted.contact_id is null`;
  return refused.flatMap(({ position }) => batch[position - 1] ?? []);
}

/** One statement changes a row once: what is said twice about the same consent goes into a later batch, in the order given. */
function withoutRepeats(entries: ConsentEntry[]): ConsentEntry[][] {
  const times = new Map<string, number>();
  const batches: ConsentEntry[][] = [];
  for (const entry of entries) {
    const key = `${entry.contactId} ${entry.purpose} ${entry.channel}`;
    const time = times.get(key) ?? 0;
    times.set(key, time + 1);
    (batches[time] ??= []).push(entry);
  }
  return batches;
}
