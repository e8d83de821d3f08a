import { z } from 'zod';
import type { Tx } from '../../prisma/client.ts';
import { defineJob } from '../jobs.ts';

const payload = z.object({ tenantId: z.uuid(), accountId: z.uuid() });

/** Compares an account's templates with Meta's. */
export const syncTemplatesJob = defineJob({
  name: 'templates/sync',
  lane: 'sync',
  payload,
  key: ({ accountId }) => accountId,
  maxAttempts: 5,
});

/** Accounts of all tenants that were not compared for most of a day. */
export function findAccountsToSync(tx: Tx, atMost: number): Promise<z.infer<typeof payload>[]> {
  return tx.$queryRaw<z.infer<typeof payload>[]>`
    select tenant_id as "tenantId", id as "accountId" from find_accounts_to_sync(${atMost}::int)`;
}
