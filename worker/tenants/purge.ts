import { purgeKeys } from '../../domain/idempotency.ts';
import { purgeTenant } from '../../domain/tenants/purge-tenant.ts';
import { findOldUploads, forgetUploads } from '../../domain/uploads/purge-uploads.ts';
import { inTenant } from '../../prisma/client.ts';
import { task } from '../task.ts';

const uploadsPerPage = 100;
const keysPerPage = 5_000;

export const purge = task(purgeTenant, async ({ tenantId }, { db, storage, signal, log }) => {
  let files = 0;
  for (let found = uploadsPerPage; found === uploadsPerPage;) {
    signal.throwIfAborted();
    const old = await inTenant(db, tenantId, (tx) => findOldUploads(tx, tenantId, uploadsPerPage), { readOnly: true });
    for (const { storageKey } of old) if (storageKey) await storage.delete(storageKey); // first the file: a row that is gone would leave it behind
    const ids = old.map(({ id }) => id);
    if (ids.length > 0) await inTenant(db, tenantId, (tx) => forgetUploads(tx, tenantId, ids));
    files += found = ids.length;
  }
  let keys = 0;
  for (let found = keysPerPage; found === keysPerPage;) {
    signal.throwIfAborted();
    keys += found = await inTenant(db, tenantId, (tx) => purgeKeys(tx, tenantId, keysPerPage));
  }
  log.info({ files, keys }, 'a tenant was purged');
});
