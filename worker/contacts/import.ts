import { importContacts } from '../../domain/contacts/import/import-contacts.ts';
import { cleanUpImport, deleteClaims, importContactsJob } from '../../domain/contacts/import/jobs.ts';
import { inTenant } from '../../prisma/client.ts';
import { task } from '../task.ts';

export const importFile = task(importContactsJob, async (job, { db, storage, settings, signal, log, metrics }) => {
  const report = await importContacts(db, storage, job, settings, signal);
  metrics.importedRecords(report.records);
  log.info({ importId: job.importId, ...report }, 'a run over an import has ended');
});

const claimsPerPage = 10_000;

export const cleanUp = task(cleanUpImport, async ({ tenantId, importId }, { db, signal }) => {
  for (let deleted = claimsPerPage; deleted === claimsPerPage;) {
    signal.throwIfAborted();
    deleted = await inTenant(db, tenantId, (tx) => deleteClaims(tx, tenantId, importId, claimsPerPage));
  }
});
