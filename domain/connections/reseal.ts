import { type Db, inScope, inTenant, type Tx } from '../../prisma/client.ts';
import { tokenCell } from './account-access.ts';
import { type Keyring, newestKey } from './keyring.ts';
import { open, seal, SealError } from './seal.ts';

export type ResealReport = {
  resealed: number;
  /** Changed by somebody else in between, who used the newest key. */
  overtaken: number;
  /** No key opens them: whoever they belong to must connect again. */
  unopened: { tenantId: string; connectionId: string }[];
};

const tenantsPerPage = 200;
const rowsPerPage = 100;
const nobody = '00000000-0000-0000-0000-000000000000';

/**
 * Seals every credential anew that another key than the newest has sealed. Safe while everything runs, and to be broken off and begun again: each page
 * is committed, and a row that changed in between is left as it is.
 */
export async function resealAll(db: Db, keyring: Keyring, signal?: AbortSignal): Promise<ResealReport> {
  const { kid } = newestKey(keyring);
  const report: ResealReport = { resealed: 0, overtaken: 0, unopened: [] };
  for (let after = nobody; ;) {
    const tenants = await inScope(db, {}, (tx) => findTenants(tx, kid, after), { readOnly: true });
    for (const tenantId of tenants) await resealTenant(db, keyring, tenantId, report, signal);
    const last = tenants.at(-1);
    if (last === undefined) return report;
    after = last;
  }
}

async function findTenants(tx: Tx, kid: string, after: string): Promise<string[]> {
  const rows = await tx.$queryRaw<{ tenantId: string }[]>`
    select tenant_id as "tenantId" from find_tenants_to_reseal(${kid}, ${after}::uuid, ${tenantsPerPage}::int)`;
  return rows.map(({ tenantId }) => tenantId);
}

async function resealTenant(
  db: Db,
  keyring: Keyring,
  tenantId: string,
  report: ResealReport,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let after = nobody; ;) {
    signal?.throwIfAborted();
    const last = await inTenant(db, tenantId, (tx) => resealPage(tx, keyring, tenantId, after, report));
    if (last === undefined) return;
    after = last;
  }
}

/** One page of a tenant's credentials; gives the last one's id, or undefined when there was none. */
async function resealPage(
  tx: Tx,
  keyring: Keyring,
  tenantId: string,
  after: string,
  report: ResealReport,
): Promise<string | undefined> {
  const { kid } = newestKey(keyring);
  const rows = await tx.$queryRaw<{ id: string; token: string }[]>`
    select id, token from connections
     where tenant_id = ${tenantId}::uuid and id > ${after}::uuid and token is not null
       and regexp_replace(token, '^v1\\.(.*)\\.[^.]*\\.[^.]*\\.[^.]*$', '\\1') <> ${kid}
     order by id limit ${rowsPerPage}::int`;
  const resealed = rows.flatMap(({ id, token }) => {
    const fresh = resealOne(keyring, tenantId, id, token);
    if (fresh === undefined) report.unopened.push({ tenantId, connectionId: id });
    return fresh === undefined ? [] : [{ id, token, fresh }];
  });
  const changed = await tx.$executeRaw`
    update connections c set token = g.fresh from jsonb_to_recordset(${JSON.stringify(resealed)}::jsonb) as g(id uuid, token text, fresh text)
     where c.tenant_id = ${tenantId}::uuid and c.id = g.id and c.token = g.token`;
  report.resealed += changed;
  report.overtaken += resealed.length - changed;
  return rows.at(-1)?.id;
}

function resealOne(keyring: Keyring, tenantId: string, id: string, token: string): string | undefined {
  const cell = tokenCell(tenantId, id);
  try {
    return seal(keyring, cell, open(keyring, cell, token));
  } catch (error) {
    if (error instanceof SealError) return undefined; // reported: one that does not open keeps no other from being sealed anew
    throw error;
  }
}
