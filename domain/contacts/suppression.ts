import { createHmac } from 'node:crypto';
import type { Tx } from '../../prisma/client.ts';
import { consentChannels, type ConsentEntry, type ConsentPurpose, recordConsents } from './consent.ts';

/** By what a deleted person would be known again. */
export type KnownBy = {
  identities: readonly { kind: string; matchKey: string }[];
  email?: string | null | undefined;
  externalId?: string | null | undefined;
};

export function suppressionKeys({ identities, email, externalId }: KnownBy): string[] {
  const keys = identities.map(({ kind, matchKey }) => `${kind}:${matchKey}`);
  if (email) keys.push(`EMAIL:${email}`);
  if (externalId) keys.push(`EXTERNAL_ID:${externalId}`);
  return keys;
}

/** Remembers, by salted hashes only, that the person behind these keys was deleted. */
export async function suppress(tx: Tx, tenantId: string, keys: string[]): Promise<void> {
  if (keys.length === 0) return;
  const hashes = await hash(tx, tenantId, keys);
  await tx.$executeRaw`
    insert into contact_suppressions (tenant_id, hash)
    select distinct ${tenantId}::uuid, decode(hex, 'hex') as hash from unnest(${hashes}::text[]) as h (hex) order by hash
    on conflict (tenant_id, hash) do update set created_at = excluded.created_at`;
}

/** Which of the keys belonged to somebody who was deleted, and when. Ask after the identities are stored: whoever had them is gone by then. */
export async function findSuppressed(tx: Tx, tenantId: string, keys: string[]): Promise<Map<string, Date>> {
  const found = new Map<string, Date>();
  if (keys.length === 0) return found;
  const hashes = await hash(tx, tenantId, keys);
  const rows = await tx.$queryRaw<{ hex: string; since: Date }[]>`
    select encode(s.hash, 'hex') as hex, s.created_at as since from contact_suppressions s
     where s.tenant_id = ${tenantId}::uuid and s.hash = any(array(select decode(hex, 'hex') from unnest(${hashes}::text[]) as h (hex)))`;
  const since = new Map(rows.map((row) => [row.hex, row.since]));
  for (const [index, key] of keys.entries()) {
    const at = since.get(hashes[index] ?? '');
    if (at) found.set(key, at);
  }
  return found;
}

/** The person came back by an own act: what was remembered is forgotten. */
export async function liftSuppression(tx: Tx, tenantId: string, keys: string[]): Promise<void> {
  if (keys.length === 0) return;
  const hashes = await hash(tx, tenantId, keys);
  await tx.$executeRaw`
    delete from contact_suppressions
     where tenant_id = ${tenantId}::uuid and hash = any(array(select decode(hex, 'hex') from unnest(${hashes}::text[]) as h (hex)))`;
}

/**
 * Withdraws for contacts that are somebody who was deleted, as of that day: grants for many people at once are refused from then on, an
 * own later act of the person is not. Call it when contacts were created or got new keys, and before their consents are recorded.
 * Marketing is always withdrawn, other purposes where they are about to be granted. Returns the ids of those contacts.
 */
export async function withdrawSuppressed(
  tx: Tx,
  tenantId: string,
  contacts: readonly { contactId: string; keys: readonly string[] }[],
  purposes: readonly ConsentPurpose[] = [],
): Promise<Set<string>> {
  const suppressed = await findSuppressed(tx, tenantId, [...new Set(contacts.flatMap(({ keys }) => keys))]);
  if (suppressed.size === 0) return new Set();
  const since = new Map<string, Date>();
  for (const { contactId, keys } of contacts) {
    const latest = keys.flatMap((key) => suppressed.get(key) ?? []).sort((a, b) => b.getTime() - a.getTime())[0];
    if (latest) since.set(contactId, latest);
  }
  const ownActs = await tx.contactConsent.findMany({
    where: { tenantId, contactId: { in: [...since.keys()] }, granted: true, source: 'PERSON' },
    select: { contactId: true, purpose: true, channel: true, givenAt: true },
  });
  const stands = new Map(ownActs.map((act) => [`${act.contactId} ${act.purpose} ${act.channel}`, act.givenAt]));
  const entries: ConsentEntry[] = [];
  for (const [contactId, givenAt] of since) {
    for (const purpose of new Set([...purposes, 'MARKETING' as const])) {
      for (const channel of consentChannels) {
        const ownAct = stands.get(`${contactId} ${purpose} ${channel}`);
        if (ownAct && ownAct > givenAt) continue; // said after the deletion, under another name
        entries.push({ contactId, purpose, channel, granted: false, source: 'SUPPRESSION', proof: null, givenAt });
      }
    }
  }
  await recordConsents(tx, tenantId, entries);
  return new Set(since.keys());
}

/** Hexadecimal hashes in the order of the keys: salted by the tenant, so that they mean nothing elsewhere. */
async function hash(tx: Tx, tenantId: string, keys: string[]): Promise<string[]> {
  const { suppressionSalt } = await tx.tenant.findUniqueOrThrow({
    where: { id: tenantId },
    select: { suppressionSalt: true },
  });
  return keys.map((key) => createHmac('sha256', suppressionSalt).update(key).digest('hex'));
}
