import { randomUUID } from 'node:crypto';
import type { JobDefinition, Lane } from '../domain/jobs.ts';
import type { Mailer } from '../connectors/smtp/mailer.ts';
import type { Meta } from '../connectors/whatsapp/meta.ts';
import type { Keyring } from '../domain/connections/keyring.ts';
import type { Db } from '../prisma/client.ts';
import { describeError, type Log } from '../runtime/log.ts';
import type { Storage } from '../runtime/storage.ts';
import type { TaskMetrics } from './metrics.ts';
import type { TaskSettings } from './settings.ts';

/** What every task of a process is given. */
export type TaskServices = {
  db: Db;
  storage: Storage;
  log: Log;
  settings: TaskSettings;
  metrics: TaskMetrics;
  /** What opens the credentials of partners. */
  keyring: Keyring;
  /** The way to Meta; null when it is off. */
  meta: Meta | null;
  /** What mails are written and sent with; null when they are off. */
  mail: { mailer: Mailer; appUrl: string; serverSecrets: readonly Buffer[] } | null;
};

/** What one run of a task is given: a log that knows the run, and a signal to hand back what is in hand. */
export type TaskContext = TaskServices & { signal: AbortSignal };

/** A job as the queue hands it over. */
export type TakenJob = { id: string; payload: unknown; attempt: number; attemptsMax: number };

export type Task = {
  name: string;
  lane: Lane;
  /** How often it is tried before it is set aside. */
  attemptsMax: number;
  run(job: TakenJob, services: TaskServices, signal: AbortSignal): Promise<void>;
};

/** Trying again cannot help: the job is set aside at once. */
export class HopelessJobError extends Error {}

/** A stop came in between: the job is put back for another worker, which is no failure. A body gets here by `signal.throwIfAborted()`. */
export class HandedBackError extends Error {}

/** Ties a job to its code. What the body throws is logged, and thrown on without the data in it: the queue stores the message. */
export function task<Payload>(
  { name, lane, payload: shape, maxAttempts }: Omit<JobDefinition<Payload>, 'key'>,
  body: (payload: Payload, context: TaskContext) => Promise<void>,
): Task {
  return {
    name,
    lane,
    attemptsMax: maxAttempts,
    async run(job, services, signal) {
      const log = services.log.child({
        task: name,
        jobId: job.id,
        runId: randomUUID(),
        ...tenantOf(job.payload),
        ...(job.attempt > 1 ? { attempt: job.attempt } : {}),
      });
      const parsed = shape.safeParse(job.payload);
      if (!parsed.success) {
        const at = parsed.error.issues.map(
          ({ path, code }) => `${path.map(String).join('.') || '(all of it)'} (${code})`,
        );
        const error = new HopelessJobError(`The payload does not fit the task: ${at.join(', ')}.`);
        log.error({ err: error }, 'a job cannot be run');
        throw error;
      }
      const started = performance.now();
      const ms = () => Math.round(performance.now() - started);
      log.debug('a job begins');
      try {
        await body(parsed.data, { ...services, log, signal });
      } catch (error) {
        if (signal.aborted && isAbort(error, signal)) {
          log.info({ ms: ms() }, 'a job is handed back');
          throw new HandedBackError('Handed back.', { cause: error });
        }
        log.error({ err: error, ms: ms(), attempt: job.attempt, attemptsMax: job.attemptsMax }, 'a job failed');
        throw error instanceof HopelessJobError ? error : new Error(reasonOf(error));
      }
      log.info({ ms: ms() }, 'a job is done');
    },
  };
}

/** What went wrong, for operators: the kind of error and its message without anybody's data. */
export function reasonOf(error: unknown): string {
  const { type, code, message } = describeError(error);
  return `${type}${code === undefined ? '' : ` ${code}`}: ${message}`.slice(0, 500);
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

function tenantOf(payload: unknown): { tenantId?: string } {
  const given = typeof payload === 'object' && payload !== null && 'tenantId' in payload ? payload.tenantId : undefined;
  return typeof given === 'string' && /^[\da-f-]{36}$/i.test(given) ? { tenantId: given } : {};
}
