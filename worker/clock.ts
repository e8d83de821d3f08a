import type pg from 'pg';
import { advanceJob, findOpenCampaigns } from '../domain/campaigns/jobs.ts';
import { findIdleImports, importContactsJob } from '../domain/contacts/import/jobs.ts';
import { enqueue, type JobDefinition, jobKey } from '../domain/jobs.ts';
import { findNumbersWithBulk, findNumbersWithSingles, findTenantsInDoubt } from '../domain/messages/find.ts';
import { sendBulk, sendSingle, settleMessages } from '../domain/messages/jobs.ts';
import { applyWebhooks, findTenantsWithEvents } from '../domain/webhooks/jobs.ts';
import { type Db, inScope, inTenant, type Tx } from '../prisma/client.ts';
import type { Log } from '../runtime/log.ts';
import { every } from './every.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { FleetSettings } from './settings.ts';

const atMostPerKind = 1_000;

/** A job that is in hand for longer than this, though nobody holds the lease of its rows, hangs: its work is given to another one. */
const hangsAfterMinutes = 5;

/** One kind of work that must not be forgotten, whatever became of its job. */
export type WakeUp = {
  kind: string;
  /** Work with open rows and no live lease. The row's own ledger of attempts decides when it is no longer tried. */
  find(tx: Tx, atMost: number): Promise<Sleeper[]>;
};

export type Sleeper = { tenantId: string; key: string; wake(tx: Tx): Promise<void> };

export function wakeUp<Payload extends { tenantId: string }>(
  job: JobDefinition<Payload>,
  find: (tx: Tx, atMost: number) => Promise<Payload[]>,
): WakeUp {
  return {
    kind: job.name,
    find: async (tx, atMost) =>
      (await find(tx, atMost)).map((payload) => ({
        tenantId: payload.tenantId,
        key: jobKey(job, payload),
        wake: (tx) => enqueue(tx, job, payload),
      })),
  };
}

/** What the clock looks after: a capability whose rows outlive their jobs adds a line. */
export const wakeUps: WakeUp[] = [
  wakeUp(importContactsJob, findIdleImports),
  wakeUp(advanceJob, findOpenCampaigns),
  wakeUp(sendSingle, findNumbersWithSingles),
  wakeUp(sendBulk, findNumbersWithBulk),
  wakeUp(settleMessages, findTenantsInDoubt),
  wakeUp(applyWebhooks, findTenantsWithEvents),
];

/**
 * Every few seconds re-creates the wake-up of whatever has open rows, no live lease and no job. Every worker does so, without taking
 * turns: the job's key makes it idempotent, and nobody need be elected, or missed.
 */
export function startClock(
  { db, pool }: { db: Db; pool: pg.Pool },
  kinds: WakeUp[],
  settings: FleetSettings,
  { log, metrics, signal }: { log: Log; metrics: WorkerMetrics; signal: AbortSignal },
): AsyncDisposable {
  const tick = async () => {
    for (const kind of kinds) {
      const woken = await wakeAll(db, pool, kind, signal);
      metrics.wokenUp(kind.kind, woken);
      if (woken > 0) log.info({ kind: kind.kind, woken }, 'work that nobody was at was woken up');
    }
  };
  return every(settings.clockMs, tick, (error) => log.warn({ err: error }, 'the clock failed'));
}

/** One round over one kind of work, broken off by a stop. Returns how much was woken up. */
export async function wakeAll(db: Db, pool: pg.Pool, kind: WakeUp, signal: AbortSignal): Promise<number> {
  const sleepers = await inScope(db, {}, (tx) => kind.find(tx, atMostPerKind), { readOnly: true });
  if (sleepers.length === 0) return 0;
  const attended = await findAttended(
    pool,
    sleepers.map(({ key }) => key),
  );
  const forgotten = sleepers.filter(({ key }) => !attended.has(key));
  const errors: unknown[] = [];
  let woken = 0;
  for (const { tenantId, wake } of forgotten) {
    if (signal.aborted) break;
    await inTenant(db, tenantId, wake).then(
      () => (woken += 1),
      (error: unknown) => errors.push(error), // one that cannot be woken does not keep the others asleep
    );
  }
  if (errors.length > 0)
    throw new Error(`${errors.length} of ${forgotten.length} could not be woken.`, { cause: errors[0] });
  return woken;
}

/** Keys whose job is at work, due, or asleep until a time it chose. The pause after a failure is cut short by `enqueue`. */
async function findAttended(pool: pg.Pool, keys: string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ key: string }>(
    `select key from graphile_worker._private_jobs
      where key = any($1) and (locked_at > now() - make_interval(mins => $2) or (is_available and (attempts = 0 or run_at <= now())))`,
    [keys, hangsAfterMinutes],
  );
  return new Set(rows.map(({ key }) => key));
}
