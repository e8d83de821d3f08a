import { z } from 'zod';
import type { Tx } from '../../prisma/client.ts';
import { defineJob } from '../jobs.ts';

const payload = z.object({ tenantId: z.uuid() });

/** Applies what partners told us about a tenant and that is stored. */
export const applyWebhooks = defineJob({
  name: 'webhooks/apply',
  lane: 'inbound',
  payload,
  key: () => 'all',
  maxAttempts: 5,
});

/** Blanks a tenant's raw events after a week and forgets their keys after thirty days. */
export const purgeWebhooks = defineJob({
  name: 'webhooks/purge',
  lane: 'maintenance',
  payload,
  key: () => 'all',
  maxAttempts: 5,
});

/** Tenants with events that wait to be applied. */
export async function findTenantsWithEvents(tx: Tx, atMost: number): Promise<{ tenantId: string }[]> {
  return tx.$queryRaw`select tenant_id as "tenantId" from find_tenants_with_events(${atMost}::int)`;
}

/** Tenants that hold raw events past their time. */
export async function findTenantsWithOldEvents(tx: Tx, atMost: number): Promise<{ tenantId: string }[]> {
  return tx.$queryRaw`select tenant_id as "tenantId" from find_tenants_with_old_events(${atMost}::int)`;
}
