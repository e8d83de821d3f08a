import { type ParsedCronItem, parseCronItems } from 'graphile-worker';
import { z } from 'zod';
import { purgeAuditEntries } from '../domain/audit/purge.ts';
import { purgeSignals } from '../domain/auth/sign-in-signals.ts';
import { enqueue, type Lane } from '../domain/jobs.ts';
import { purgeLimits } from '../domain/limits/take-points.ts';
import { findAccountsToSync, syncTemplatesJob } from '../domain/templates/jobs.ts';
import { findTenantsToPurge, purgeTenant } from '../domain/tenants/purge-tenant.ts';
import { findTenantsWithOldEvents, purgeWebhooks } from '../domain/webhooks/jobs.ts';
import { purgeUnrouted } from '../domain/webhooks/purge-events.ts';
import { inScope, inTenant } from '../prisma/client.ts';
import { type Task, task, type TaskContext } from './task.ts';

/** What runs by the calendar (UTC), at most once a tick in the whole fleet: each finds the tenants concerned and gives every one a job of its own. */
export type CronTask = { task: Task; match: string };

const tenantsAtMost = 1_000;
const unroutedPerPage = 1_000;
const auditEntriesPerPage = 5_000;
const signalsPerPage = 5_000;

export const crontab: CronTask[] = [
  cron(
    'templates/sync-all',
    '37 * * * *',
    async ({ db, meta, signal }) => {
      if (!meta) return;
      const accounts = await inScope(db, {}, (tx) => findAccountsToSync(tx, tenantsAtMost), { readOnly: true });
      for (const account of accounts) {
        signal.throwIfAborted();
        await inTenant(db, account.tenantId, (tx) => enqueue(tx, syncTemplatesJob, account));
      }
    },
    'sync',
  ),
  cron('tenants/purge-all', '23 * * * *', async ({ db, signal }) => {
    const tenantIds = await inScope(db, {}, (tx) => findTenantsToPurge(tx, tenantsAtMost), { readOnly: true });
    for (const tenantId of tenantIds) {
      signal.throwIfAborted();
      await inTenant(db, tenantId, (tx) => enqueue(tx, purgeTenant, { tenantId }));
    }
  }),
  cron('limits/purge', '11 * * * *', async ({ db }) => {
    await inScope(db, {}, (tx) => purgeLimits(tx));
  }),
  cron('people/purge-signals', '17 3 * * *', async ({ db, signal }) => {
    for (let gone = signalsPerPage; gone === signalsPerPage;) {
      signal.throwIfAborted();
      gone = await inScope(db, {}, (tx) => purgeSignals(tx, signalsPerPage));
    }
  }),
  cron('webhooks/purge-all', '41 * * * *', async ({ db, signal }) => {
    const tenants = await inScope(db, {}, (tx) => findTenantsWithOldEvents(tx, tenantsAtMost), { readOnly: true });
    for (const { tenantId } of tenants) {
      signal.throwIfAborted();
      await inTenant(db, tenantId, (tx) => enqueue(tx, purgeWebhooks, { tenantId }));
    }
    for (let gone = unroutedPerPage; gone === unroutedPerPage;) {
      signal.throwIfAborted();
      gone = await inScope(db, {}, (tx) => purgeUnrouted(tx, unroutedPerPage));
    }
  }),
  cron('audit/purge-all', '47 3 * * *', async ({ db, signal, log }) => {
    let entries = 0;
    for (let gone = auditEntriesPerPage; gone === auditEntriesPerPage;) {
      signal.throwIfAborted();
      entries += gone = await inScope(db, {}, (tx) => purgeAuditEntries(tx, auditEntriesPerPage));
    }
    log.info({ entries }, 'old audit entries were purged');
  }),
];

function cron(
  name: string,
  match: string,
  body: (context: TaskContext) => Promise<void>,
  lane: Lane = 'maintenance',
): CronTask {
  const definition = { name, lane, payload: z.object({}), maxAttempts: 3 };
  return { match, task: task(definition, (_payload, context) => body(context)) };
}

/** The crontab of one lane, as graphile-worker reads it. */
export function cronItems(entries: CronTask[], lane: Lane): ParsedCronItem[] {
  return parseCronItems(
    entries
      .filter(({ task }) => task.lane === lane)
      .map(({ task, match }) => ({
        task: task.name,
        match,
        identifier: task.name,
        options: { jobKey: task.name, maxAttempts: task.attemptsMax, backfillPeriod: 0 },
      })),
  );
}
