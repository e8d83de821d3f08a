import { type Db, inScope, type Tx } from '../../prisma/client.ts';
import { hashKeySecret, parseApiKey } from './api-key-text.ts';
import type { KeyClaims } from './viewer.ts';

/** Says what the text of a key claims; null when it cannot be a key, or there is none by its id. */
export type ReadKey = (text: string) => Promise<KeyClaims | null>;

const rememberedMax = 10_000;

/**
 * Finds out whose a key is, before there is a tenant. That never changes, so it is remembered; whether the key holds is not asked here.
 * What has no right checksum costs no look into the database.
 */
export function createReadKey(db: Db): ReadKey {
  const tenants = new Map<string, string>();
  return async (text) => {
    const parsed = parseApiKey(text);
    if (!parsed) return null;
    const { apiKeyId, secret } = parsed;
    const look = () => inScope(db, {}, (tx) => findTenantOfKey(tx, apiKeyId), { readOnly: true });
    const tenantId = tenants.get(apiKeyId) ?? (await look());
    if (tenantId === undefined) return null;
    tenants.delete(apiKeyId); // put back last: the one that was not seen for longest goes first
    tenants.set(apiKeyId, tenantId);
    if (tenants.size > rememberedMax) tenants.delete(tenants.keys().next().value ?? apiKeyId);
    return { tenantId, apiKeyId, secretHash: hashKeySecret(secret) };
  };
}

/** Whose a key is, by its id; the one read of keys that is nobody's. */
export async function findTenantOfKey(tx: Tx, apiKeyId: string): Promise<string | undefined> {
  const [found] = await tx.$queryRaw<{ tenantId: string }[]>`
    select tenant_id as "tenantId" from find_api_key(${apiKeyId}::uuid)`;
  return found?.tenantId;
}
