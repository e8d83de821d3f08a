import type pg from 'pg';
import type { Log } from '../runtime/log.ts';
import { every } from './every.ts';
import type { RunningLane } from './lanes.ts';
import type { LaneState, WorkerMetrics } from './metrics.ts';
import { readQueue } from './queue-state.ts';
import type { FleetSettings } from './settings.ts';
import type { Task } from './task.ts';

/** Of the time after which a lane is stalled: how long one job may take. Long work is many small jobs, so this one hangs. */
const hangsAfterTimes = 10;

/**
 * Ends the process when one of its lanes no longer gets on, so that a fresh one takes its place. Only a database that
 * has been answering all the while can say so: while it is down no lane is stalled.
 */
export function startWatchdog(
  pool: pg.Pool,
  lanes: RunningLane[],
  tasks: Task[],
  settings: FleetSettings,
  { log, metrics, onStall }: { log: Log; metrics: WorkerMetrics; onStall: (reason: string) => void },
): AsyncDisposable {
  const everyMs = Math.min(settings.sweepMs, settings.stalledAfterMs / 6);
  let lastLook = -Infinity;
  let answersSince = performance.now();
  const look = async () => {
    const queue = await readQueue(pool, tasks);
    metrics.queue(queue.lanes, queue.dead);
    const now = performance.now();
    if (now - lastLook > settings.stalledAfterMs / 2) answersSince = now; // the database was away, or this process slept
    lastLook = now;
    if (now - answersSince < settings.stalledAfterMs) return;
    for (const lane of lanes) {
      const due = queue.lanes.find((one) => one.lane === lane.lane);
      const reason = findStall(due, lane.state(), settings);
      if (reason) onStall(`Lane ${lane.lane}: ${reason}.`);
    }
  };
  return every(everyMs, look, (error) => log.warn({ err: error }, 'the queue could not be read'));
}

/** Why a lane is stalled: it had a place free for a job that waits and did not take it, or a job in hand never ends. */
export function findStall(
  due: LaneState | undefined,
  state: ReturnType<RunningLane['state']>,
  { stalledAfterMs, concurrency }: Pick<FleetSettings, 'stalledAfterMs' | 'concurrency'>,
): string | undefined {
  if (state.longestMs > stalledAfterMs * hangsAfterTimes) return 'a job hangs';
  if (!due || due.oldestDueMs < stalledAfterMs || state.active >= concurrency) return undefined;
  return state.sinceProgressMs > stalledAfterMs ? 'jobs are due, and none is taken' : undefined;
}
