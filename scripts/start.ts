import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { migrateDatabase } from '../prisma/migrate.ts';
import { readEnv } from '../runtime/env.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { stopSignal } from '../runtime/stop-signal.ts';

const root = join(import.meta.dirname, '..');

/** A process that crashes again and again is started ever later, up to this. */
const backOffMaxMs = 30_000;
/** One that lived for so long has recovered. */
const steadyAfterMs = 60_000;

export type Entry = { name: string; file: string; env: Record<string, string> };

/** Keeps the processes running until the signal comes; then asks them to stop, and waits for them. */
export async function supervise(entries: Entry[], stop: AbortSignal, stopWithinMs: number, log: Log): Promise<void> {
  await Promise.all(entries.map((entry) => keepRunning(entry, stop, stopWithinMs, log)));
}

async function keepRunning(entry: Entry, stop: AbortSignal, stopWithinMs: number, log: Log): Promise<void> {
  const { name, file, env } = entry;
  for (let crashes = 0; !stop.aborted;) {
    const began = performance.now();
    const child = spawn(process.execPath, [join(root, file)], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'], // the channel tells it when we are gone
    });
    const exited = once(child, 'exit');
    log.info({ entry: name, pid: child.pid }, 'a process was started');
    const stopChild = () => endGently(child, stopWithinMs, log);
    stop.addEventListener('abort', stopChild);
    const [code, signal] = await exited;
    stop.removeEventListener('abort', stopChild);
    if (stop.aborted) return;
    crashes = performance.now() - began > steadyAfterMs ? 1 : crashes + 1;
    const againInMs = Math.min(500 * 2 ** (crashes - 1), backOffMaxMs);
    log.error({ entry: name, exitCode: code, signal, againInMs }, 'a process ended by itself and is started again');
    await pause(againInMs, undefined, { signal: stop }).catch(() => {}); // told to stop: the loop ends
  }
}

function endGently(child: ChildProcess, withinMs: number, log: Log): void {
  const late = setTimeout(() => {
    log.warn({ pid: child.pid }, 'a process did not stop in time and is killed');
    child.kill('SIGKILL');
  }, withinMs + 1_000);
  child.once('exit', () => clearTimeout(late));
  child.kill('SIGTERM');
}

if (import.meta.main) {
  const env = readEnv('start');
  const log = createLog(env.LOG_LEVEL).child({ process: 'start' });
  const stop = new AbortController();
  void stopSignal().then((signal) => {
    log.info({ signal }, 'everything is stopping');
    stop.abort();
  });
  const urls = { owner: env.DATABASE_OWNER_URL, app: env.DATABASE_URL, queue: env.DATABASE_QUEUE_URL };
  log.info({ applied: await migrateDatabase(urls) }, 'the database is up to date');
  const workerMetricsPort = env.METRICS_PORT === 0 ? 0 : env.METRICS_PORT + 1; // two processes on one machine
  const entries = [
    { name: 'api', file: 'api/main.ts', env: {} },
    { name: 'worker', file: 'worker/main.ts', env: { METRICS_PORT: String(workerMetricsPort) } },
  ];
  await supervise(entries, stop.signal, env.STOP_WITHIN_MS, log);
}
