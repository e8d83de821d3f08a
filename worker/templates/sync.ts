import { ConflictError, NotFoundError, PartnerError } from '../../domain/errors.ts';
import { syncTemplatesJob } from '../../domain/templates/jobs.ts';
import { syncAsJob } from '../../domain/templates/sync-templates.ts';
import { task } from '../task.ts';

export const syncTemplates = task(
  syncTemplatesJob,
  async ({ tenantId, accountId }, { db, meta, keyring, signal, log }) => {
    if (!meta) return void log.warn({ accountId }, 'templates are not compared: WhatsApp is off');
    try {
      log.info(
        { accountId, ...(await syncAsJob(db, { meta, keyring, signal }, tenantId, accountId)) },
        'templates were compared',
      );
    } catch (error) {
      // No account, no token, or a refusal: trying again cannot help, and the connection's row says so by now.
      if (!(error instanceof PartnerError || error instanceof ConflictError || error instanceof NotFoundError))
        throw error;
      log.warn({ accountId, code: error.code }, 'templates could not be compared');
    }
  },
);
