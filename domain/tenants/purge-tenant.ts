import { z } from 'zod';
import type { Tx } from '../../prisma/client.ts';
import { defineJob } from '../jobs.ts';

/** Erases what a tenant's rows say is over: files that were uploaded and not used, idempotency keys. */
export const purgeTenant = defineJob({
  name: 'tenants/purge',
  lane: 'maintenance',
  payload: z.object({ tenantId: z.uuid() }),
  key: () => 'all',
  maxAttempts: 5,
});

/** Tenants that have something to purge. */
export async function findTenantsToPurge(tx: Tx, atMost: number): Promise<string[]> {
  const found = await tx.$queryRaw<{ tenantId: string }[]>`
    select tenant_id as "tenantId" from find_tenants_to_purge(${atMost}::int)`;
  return found.map(({ tenantId }) => tenantId);
}
