import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { type DatabaseUrls, migrateDatabase } from '../prisma/migrate.ts';
import { freePort, type LocalPostgres, startLocalPostgres } from '../runtime/local-postgres.ts';
import { generateKeys } from './keys.ts';

const root = join(import.meta.dirname, '..');

export type LocalDatabase = AsyncDisposable & { urls: DatabaseUrls; server: LocalPostgres };

/** A migrated database on an embedded Postgres, with the three roles of production. Gone when disposed. */
export async function startLocalDatabase(options: { durable: boolean } = { durable: true }): Promise<LocalDatabase> {
  const server = await startLocalPostgres(options);
  const admin = new pg.Client({ connectionString: server.url('postgres') });
  await admin.connect();
  await admin.query(`create role parley_owner login createrole password 'local'`);
  await admin.query('create database parley owner parley_owner');
  await admin.end();
  const as = (role: string) => server.url('parley').replace('postgres:postgres@', `${role}:local@`);
  const urls = { owner: as('parley_owner'), app: as('parley_api'), queue: as('parley_fleet') };
  await migrateDatabase(urls);
  return { urls, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

export type LocalProcess = AsyncDisposable & {
  process: ChildProcess;
  /** Where it answers `/metrics`, and a worker its health. */
  metricsUrl: string;
};

export type LocalStack = AsyncDisposable & {
  apiUrl: string;
  urls: DatabaseUrls;
  /** The API's process. */
  api: LocalProcess;
  workers: LocalProcess[];
  /** One worker more. */
  startWorker(): Promise<LocalProcess>;
};

export type StackOptions = {
  workers: number;
  /** Wanted for the API; a busy one is replaced by a free one. */
  port?: number;
  /** Variables beside those that the stack sets itself. */
  env?: Record<string, string>;
};

/** The API and a fleet as processes of their own against a migrated database, with fresh keys and a folder for files. */
export async function startStack(urls: DatabaseUrls, options: StackOptions): Promise<LocalStack> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'parley-local-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const processes = undo.use(new AsyncDisposableStack()); // takes more of them later, too

  const port = await portOrFree(options.port);
  const apiUrl = `http://localhost:${port}`;
  const environment = {
    ...process.env,
    ...generateKeys(),
    NODE_ENV: 'development',
    DATABASE_URL: urls.app,
    DATABASE_QUEUE_URL: urls.queue,
    STORAGE_URL: pathToFileURL(join(folder, 'files')).href,
    PUBLIC_URL: apiUrl,
    ...options.env,
  };
  const start = async (entry: string, name: string, own: Record<string, string>) => {
    const metricsPort = await freePort();
    const env = { ...environment, ...own, METRICS_PORT: String(metricsPort) };
    return processes.use(spawnEntry(entry, env, join(folder, `${name}.log`), `http://localhost:${metricsPort}`));
  };
  let workersStarted = 0;
  const startWorker = async () => {
    const name = `worker-${(workersStarted += 1)}`;
    const worker = await start('worker/main.ts', name, {});
    await becomesReady(`${worker.metricsUrl}/health/ready`, worker, join(folder, `${name}.log`));
    return worker;
  };
  const api = await start('api/main.ts', 'api', { PORT: String(port) });
  const [workers] = await Promise.all([
    Promise.all(Array.from({ length: options.workers }, startWorker)),
    becomesReady(`${apiUrl}/health/ready`, api, join(folder, 'api.log')),
  ]);
  const owned = undo.move();
  return {
    apiUrl,
    urls,
    api,
    workers,
    async startWorker() {
      const worker = await startWorker();
      workers.push(worker);
      return worker;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts an entry of ours under this very Node; disposing it asks it to stop and waits. */
function spawnEntry(entry: string, env: NodeJS.ProcessEnv, logFile: string, metricsUrl: string): LocalProcess {
  const child = spawn(process.execPath, [join(root, entry)], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(logFile);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  return {
    process: child,
    metricsUrl,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Waits until a process says that it is ready; when it ends instead, throws with what it wrote last. */
async function becomesReady(url: string, { process: child }: LocalProcess, logFile: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const answer = await fetch(url).catch(() => undefined); // not listening yet
    if (answer?.ok) return;
    if (child.exitCode !== null) break;
    await pause(50);
  }
  const lines = (await readFile(logFile, 'utf8')).trim().split('\n');
  throw new Error(`${url} did not become ready. The process wrote:\n${lines.slice(-20).join('\n')}`);
}

/** The port that is wanted, or a free one when it is busy. */
export async function portOrFree(wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return freePort();
  const probe = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(wanted, () => resolve(true));
  });
  if (!isFree) return freePort();
  await new Promise((resolve) => probe.close(resolve));
  return wanted;
}
