import { purgeEvents as purgePage } from '../../domain/webhooks/purge-events.ts';
import { purgeWebhooks } from '../../domain/webhooks/jobs.ts';
import { inTenant } from '../../prisma/client.ts';
import { task } from '../task.ts';

const eventsPerPage = 5_000;

export const purgeEvents = task(purgeWebhooks, async ({ tenantId }, { db, signal, log }) => {
  let events = 0;
  for (let found = eventsPerPage; found === eventsPerPage;) {
    signal.throwIfAborted();
    events += found = await inTenant(db, tenantId, (tx) => purgePage(tx, tenantId, eventsPerPage));
  }
  log.info({ events }, 'old events were purged');
});
