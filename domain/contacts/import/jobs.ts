import { z } from 'zod';
import type { Tx } from '../../../prisma/client.ts';
import { defineJob } from '../../jobs.ts';

const payload = z.object({ tenantId: z.uuid(), importId: z.uuid() });

/** Works on one import for a while, and hands it on until it is done. The import's own row counts the attempts. */
export const importContactsJob = defineJob({
  name: 'contacts/import',
  lane: 'sync',
  payload,
  key: ({ importId }) => importId,
  maxAttempts: 10,
});

/** Deletes what an import needed while it ran. */
export const cleanUpImport = defineJob({
  name: 'contacts/clean-up-import',
  lane: 'maintenance',
  payload,
  key: ({ importId }) => importId,
  maxAttempts: 10,
});

/** Imports of all tenants that nobody works on: waiting, or left behind by a worker whose lease has ended. */
export function findIdleImports(tx: Tx, atMost: number): Promise<z.infer<typeof payload>[]> {
  return tx.$queryRaw<z.infer<typeof payload>[]>`
    select tenant_id as "tenantId", id as "importId" from find_idle_imports(${atMost}::int)`;
}

/** Deletes up to so many claims of an import that is over. Returns how many. */
export function deleteClaims(tx: Tx, tenantId: string, importId: string, atMost: number): Promise<number> {
  return tx.$executeRaw`
    delete from contact_import_claims where tenant_id = ${tenantId}::uuid and import_id = ${importId}::uuid and key in (
      select c.key from contact_import_claims c join contact_imports i on i.tenant_id = c.tenant_id and i.id = c.import_id
       where c.tenant_id = ${tenantId}::uuid and c.import_id = ${importId}::uuid and i.status in ('FINISHED', 'CANCELLED', 'FAILED')
       limit ${atMost}::int)`;
}
