import { hostname } from 'node:os';
import type pg from 'pg';
import type { Log } from '../runtime/log.ts';
import { every } from './every.ts';
import type { RunningLane } from './lanes.ts';
import type { FleetSettings } from './settings.ts';

export type Heartbeat = AsyncDisposable & {
  /** Since when no beat has failed: what this process thinks of others is to be trusted only after a while. */
  steadySince(): number;
  /** When a beat was last tried, whatever came of it. */
  lastTurn(): number;
  lastBeat(): number;
};

/** Says every few seconds, by the database's clock, that the runners of this process live. A runner that was given up registers anew. */
export function startHeartbeat(
  pool: pg.Pool,
  lanes: RunningLane[],
  settings: FleetSettings,
  { log, onBeat }: { log: Log; onBeat: () => void },
): Heartbeat {
  let steadySince = -Infinity;
  let lastTurn = performance.now();
  let lastBeat = performance.now();
  const beat = async () => {
    try {
      await writeBeat(pool, lanes);
      await releaseLost(pool, lanes, settings.deadAfterMs);
      lastBeat = performance.now();
      onBeat();
    } catch (error) {
      steadySince = performance.now();
      throw error;
    } finally {
      lastTurn = performance.now();
    }
  };
  const beats = every(settings.heartbeatMs, beat, (error) => log.warn({ err: error }, 'the heartbeat failed'));
  return {
    steadySince: () => steadySince,
    lastTurn: () => lastTurn,
    lastBeat: () => lastBeat,
    [Symbol.asyncDispose]: () => beats[Symbol.asyncDispose](),
  };
}

async function writeBeat(pool: pg.Pool, lanes: RunningLane[]): Promise<void> {
  await pool.query(
    `insert into worker_instances (pool_id, lane, host, pid)
     select pool_id, lane, $3, $4 from unnest($1::text[], $2::text[]) as u (pool_id, lane)
     on conflict (pool_id) do update set beat_at = now()`,
    [lanes.map(({ poolId }) => poolId), lanes.map(({ lane }) => lane), hostname(), process.pid],
  );
}

/** Jobs that the queue gave to us and whose names never arrived, because the connection broke in between, or whose outcome was lost so. */
async function releaseLost(pool: pg.Pool, lanes: RunningLane[], deadAfterMs: number): Promise<void> {
  await pool.query(
    `update graphile_worker._private_jobs set locked_at = null, locked_by = null
      where locked_by = any($1) and locked_at < now() - make_interval(secs => $2 / 1000.0) and id <> all($3::bigint[])`,
    [lanes.map(({ poolId }) => poolId), deadAfterMs, lanes.flatMap((lane) => lane.inHand())],
  );
}

/** A clean end: nothing stays locked by these runners, and nobody waits for their next beat. */
export async function signOff(pool: pg.Pool, lanes: RunningLane[]): Promise<void> {
  await pool.query(
    `with gone as (delete from worker_instances where pool_id = any($1))
     select graphile_worker.force_unlock_workers($1)`,
    [lanes.map(({ poolId }) => poolId)],
  );
}
