import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Logger, type ParsedCronItem, run, type WorkerEvents } from 'graphile-worker';
import type pg from 'pg';
import type { Lane } from '../domain/jobs.ts';
import { createQueuePool } from '../prisma/queue-pool.ts';
import { type Log, scrub } from '../runtime/log.ts';
import type { JobOutcome, WorkerMetrics } from './metrics.ts';
import type { FleetSettings } from './settings.ts';
import { HandedBackError, HopelessJobError, type TakenJob, type Task, type TaskServices } from './task.ts';

/** Connections of a lane beside one for each job at a time: to listen, to write an outcome, and one to spare. */
const spareConnections = 3;

/** How long after its body a job still counts as in hand: its outcome is on its way to the database. */
const outcomeMs = 10_000;

export type LaneOptions = {
  lane: Lane;
  tasks: Task[];
  crontab: ParsedCronItem[];
  queueUrl: string;
  services: TaskServices;
  settings: FleetSettings;
  metrics: WorkerMetrics;
  /** Aborts when what is in hand is to be handed back. */
  handBack: AbortSignal;
  /** Aborts when there is no more time for anything. */
  giveUp: AbortSignal;
  /** The runner ended though nobody stopped it. */
  onEnd: (reason: unknown) => void;
};

/** One graphile-worker runner with its own tasks, concurrency and connections: what is urgent never waits for what is long. */
export type RunningLane = {
  lane: Lane;
  /** What the queue's `locked_by` says for jobs of this runner. */
  poolId: string;
  pool: pg.Pool;
  /** Jobs that this runner knows it has. */
  inHand(): string[];
  state(): { active: number; isListening: boolean; sinceProgressMs: number; longestMs: number };
  /** Takes no more jobs, and waits until those in hand are over and their outcomes written. */
  stop(): Promise<void>;
};

export async function startLane(options: LaneOptions): Promise<RunningLane> {
  const { lane, settings, services, metrics, handBack, giveUp } = options;
  const log = services.log.child({ lane });
  const pool = createQueuePool(options.queueUrl, {
    max: settings.concurrency + spareConnections,
    applicationName: `parley-worker-${lane}`,
    patientUntil: giveUp,
    onError: (error) => log.warn({ err: error }, 'a connection of the queue broke'),
  });
  const inHand = new Map<string, { began: number; isOver: boolean }>();
  let lastProgress = performance.now();
  let isListening = false;
  let isStopping = false;

  const runJob = async (task: Task, job: TakenJob): Promise<void> => {
    const began = (lastProgress = performance.now());
    const held = { began, isOver: false };
    inHand.set(job.id, held);
    let outcome: JobOutcome = job.attempt >= job.attemptsMax ? 'dead' : 'failed';
    try {
      await task.run(job, services, handBack);
      outcome = 'done';
    } catch (error) {
      if (error instanceof HandedBackError) {
        await putBack(pool, job.id);
        outcome = 'handed_back';
        return;
      }
      if (error instanceof HopelessJobError) {
        await useUpAttempts(pool, job.id);
        outcome = 'dead';
      }
      throw error;
    } finally {
      lastProgress = performance.now();
      metrics.job(task.name, lane, outcome, (lastProgress - began) / 1_000);
      held.isOver = true;
      setTimeout(() => inHand.get(job.id) === held && inHand.delete(job.id), outcomeMs).unref(); // not a later run of the same job
    }
  };

  const events = new EventEmitter() as WorkerEvents;
  let poolId = '';
  events.on('pool:create', ({ workerPool }) => (poolId = workerPool.id));
  events.on('pool:listen:success', () => (isListening = true));
  events.on('pool:listen:error', () => (isListening = false));

  const runner = await run({
    pgPool: pool,
    taskList: Object.fromEntries(
      options.tasks.map((task) => [
        task.name,
        (payload: unknown, { job }: { job: { id: string; attempts: number; max_attempts: number } }) =>
          runJob(task, { id: job.id, payload, attempt: job.attempts, attemptsMax: job.max_attempts }),
      ]),
    ),
    parsedCronItems: options.crontab,
    concurrency: settings.concurrency,
    pollInterval: settings.pollMs,
    noHandleSignals: true,
    useNodeTime: false,
    events,
    logger: quietly(log),
    // Batches of outcomes wedge after a restart of Postgres, and a local queue holds jobs that nobody is at.
    preset: { worker: { completeJobBatchDelay: -1, failJobBatchDelay: -1, localQueue: { size: -1 } } },
  });
  runner.promise.then(
    () => isStopping || options.onEnd(new Error('The runner stopped.')),
    (error: unknown) => isStopping || options.onEnd(error),
  );

  return {
    lane,
    poolId,
    pool,
    inHand: () => [...inHand.keys()],
    state() {
      const now = performance.now();
      const active = [...inHand.values()].filter(({ isOver }) => !isOver);
      return {
        active: active.length,
        isListening,
        sinceProgressMs: now - lastProgress,
        longestMs: active.length === 0 ? 0 : now - Math.min(...active.map(({ began }) => began)),
      };
    },
    async stop() {
      isStopping = true;
      await runner.stop();
      // graphile-worker starts to write an outcome but does not wait for it: an ended pool would lose it.
      while (pool.totalCount > pool.idleCount || pool.waitingCount > 0) await pause(10);
    },
  };
}

/** The same wake-up once more, for another worker; this one ends as if it were done. Handing back is not a failure. */
async function putBack(pool: pg.Pool, jobId: string): Promise<void> {
  await pool.query(
    `select enqueue_job(t.identifier, j.payload, j.key, now(), j.max_attempts::int, j.priority::int)
       from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
      where j.id = $1 and j.key is not null`,
    [jobId],
  );
}

async function useUpAttempts(pool: pg.Pool, jobId: string): Promise<void> {
  await pool.query('update graphile_worker._private_jobs set attempts = max_attempts where id = $1', [jobId]);
}

/** graphile-worker's own lines, without those about single jobs: task.ts has said more about them. */
function quietly(log: Log): Logger {
  const levels = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;
  return new Logger(() => (level, message, meta) => {
    if (meta && ('failure' in meta || 'success' in meta)) return;
    log[levels[level]]({ from: 'graphile-worker' }, scrub(message));
  });
}
