import type pg from 'pg';
import type { Log } from '../runtime/log.ts';
import { every } from './every.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { FleetSettings } from './settings.ts';

/** How long a dead job is kept, like every log of ours. */
const deadJobsKeptDays = 90;

export type Sweep = AsyncDisposable & { lastTurn(): number };

/** Every few seconds, in every worker at once: gives back what dead runners held, and sets aside what failed for good. */
export function startSweep(
  pool: pg.Pool,
  heartbeat: Heartbeat,
  settings: FleetSettings,
  { log, metrics }: { log: Log; metrics: WorkerMetrics },
): Sweep {
  let lastTurn = performance.now();
  const sweep = async () => {
    try {
      // Right after an outage nobody has beaten yet, though all may live.
      if (performance.now() - heartbeat.steadySince() > settings.deadAfterMs) {
        const freed = await freeDead(pool, settings.deadAfterMs);
        metrics.swept(freed.length);
        for (const poolId of freed) log.warn({ poolId }, 'a runner is dead: its jobs are given back');
      }
      for (const { dead_task, dead_reason, tenantId } of await bury(pool)) {
        log.error({ task: dead_task, reason: dead_reason, tenantId }, 'a job failed for good and was set aside');
      }
    } finally {
      lastTurn = performance.now();
    }
  };
  const sweeps = every(settings.sweepMs, sweep, (error) => log.warn({ err: error }, 'the sweep failed'));
  return { lastTurn: () => lastTurn, [Symbol.asyncDispose]: () => sweeps[Symbol.asyncDispose]() };
}

/**
 * Unlocks the jobs of runners that have not beaten for a while, and of those that nobody knows. Of several sweeps at once each takes
 * other rows; the work itself is fenced by leases, so that a runner that only slept does no harm. Returns the runners' ids.
 */
export async function freeDead(pool: pg.Pool, deadAfterMs: number): Promise<string[]> {
  const { rows } = await pool.query<{ ids: string[] }>(
    `with dead as (
       delete from worker_instances where beat_at < now() - make_interval(secs => $1 / 1000.0) returning pool_id
     ), strangers as (
       select distinct j.locked_by as pool_id from graphile_worker._private_jobs j
        where j.locked_at < now() - make_interval(secs => $1 / 1000.0)
          and not exists (select from worker_instances w where w.pool_id = j.locked_by)
     ), gone as (
       select coalesce(array_agg(pool_id), '{}') as ids from (select pool_id from dead union select pool_id from strangers) as runners
     )
     select ids, graphile_worker.force_unlock_workers(ids) from gone`,
    [deadAfterMs],
  );
  return rows.flatMap(({ ids }) => ids);
}

async function bury(pool: pg.Pool): Promise<{ dead_task: string; dead_reason: string; tenantId?: string }[]> {
  const { rows } = await pool.query<{ dead_task: string; dead_reason: string; tenantId?: string }>(
    `select dead_task, dead_reason, dead_payload ->> 'tenantId' as "tenantId" from bury_dead_jobs()`,
  );
  await pool.query('delete from dead_jobs where died_at < now() - make_interval(days => $1)', [deadJobsKeptDays]);
  return rows;
}
