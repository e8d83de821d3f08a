import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { expect, test as base, testKeys, vi } from '../fixtures.ts';
import { noteOutput } from '../leaks/note.ts';

const root = join(import.meta.dirname, '..', '..');

/** Heartbeats, leases and pauses, shortened so that a recovery takes a second or two. */
export const shortened: Record<string, string> = {
  WORKER_HEARTBEAT_MS: '200',
  WORKER_DEAD_AFTER_MS: '1500',
  WORKER_SWEEP_MS: '200',
  WORKER_CLOCK_MS: '300',
  WORKER_POLL_MS: '200',
  WORKER_CONCURRENCY: '2',
  IMPORT_LEASE_MS: '1500',
  DATABASE_POOL_SIZE: '5',
};

/** What a fresh installation has: an empty variable counts as not set. */
export const productionSettings = Object.fromEntries(Object.keys(shortened).map((name) => [name, '']));

export type FleetUrls = { app: string; queue: string };
export type LogLine = Record<string, unknown> & { level: string; msg: string };
export type Exit = { code: number | null; signal: NodeJS.Signals | null };

export type FleetWorker = {
  pid: number;
  /** What it logged, and what it wrote otherwise. */
  lines: LogLine[];
  stray: string[];
  exited: Promise<Exit>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has taken up its work. */
  up(): Promise<void>;
  get(path: string): Promise<{ status: number; text: string }>;
  /** Waits for a line of the log. */
  said(msg: string): Promise<LogLine>;
};

export type Fleet = {
  /** Starts a worker with the tests' own tasks, or, as `main`, the one of production. */
  start(options?: { main?: boolean; env?: Record<string, string>; urls?: FleetUrls }): FleetWorker;
  workers: FleetWorker[];
};

export const test = base.extend<{ fleet: Fleet; queue: pg.Pool; scratch: pg.Pool }>({
  fleet: async ({ database, storage }, use) => {
    const workers: FleetWorker[] = [];
    await use({
      workers,
      start({ main = false, env = {}, urls = database.urls } = {}) {
        const worker = spawnWorker(main ? 'worker/main.ts' : 'test/fleet/worker.ts', {
          ...process.env,
          ...shortened,
          NODE_ENV: 'test',
          NODE_COMPILE_CACHE: join(root, '.data', 'compile-cache'), // halves the start of a process
          DATABASE_URL: urls.app,
          DATABASE_QUEUE_URL: urls.queue,
          STORAGE_URL: pathToFileURL(storage.directory).href,
          ENCRYPTION_KEYS: testKeys.encryption.map(({ kid, key }) => `${kid}:${key.toString('base64')}`).join(','),
          METRICS_PORT: '0',
          ...env,
        });
        workers.push(worker);
        return worker;
      },
    });
    for (const worker of workers) if (worker.isRunning()) worker.kill('SIGKILL');
    await Promise.all(workers.map(({ exited }) => exited));
    for (const { lines, stray } of workers)
      noteOutput('worker', ...lines.map((line) => JSON.stringify(line)), ...stray);
  },
  /** The queue, as its owner sees it. */
  queue: async ({ database }, use) => {
    const pool = new pg.Pool({ connectionString: database.urls.queue, max: 3 });
    pool.on('error', () => {});
    await use(pool);
    await pool.end();
  },
  /** Where the tests' own tasks leave what they did. */
  scratch: async ({ database }, use) => {
    const pool = new pg.Pool({ connectionString: database.superuserUrl, max: 3 });
    pool.on('error', () => {});
    await pool.query(scratchTables);
    await use(pool);
    await pool.end();
  },
});

export const scratchTables = `
  create table test_marks (tenant_id uuid, mark text, pid int, at timestamptz default clock_timestamp());
  create table test_works (tenant_id uuid, id uuid primary key default uuidv7(), total int, done int default 0, lease_token uuid, lease_until timestamptz);
  create table test_steps (work_id uuid, step int, pid int, at timestamptz default clock_timestamp());
  grant select, insert, update on test_marks, test_works, test_steps to parley_app`;

function spawnWorker(entry: string, env: NodeJS.ProcessEnv): FleetWorker {
  const child: ChildProcess = spawn(process.execPath, [join(root, entry)], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid, stdout, stderr } = child;
  if (pid === undefined || !stdout || !stderr) throw new Error(`${entry} could not be started.`);
  const lines: LogLine[] = [];
  const stray: string[] = [];
  const exited = once(child, 'exit').then(([code, signal]): Exit => ({
    code: code as Exit['code'],
    signal: signal as Exit['signal'],
  }));
  createInterface(stdout).on('line', (line) =>
    line.startsWith('{') ? lines.push(JSON.parse(line) as LogLine) : stray.push(line),
  );
  createInterface(stderr).on('line', (line) => stray.push(line));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const said = (msg: string) =>
    vi.waitFor(
      () => {
        const found = lines.find((line) => line.msg === msg);
        if (!found)
          throw new Error(
            `The worker did not say "${msg}" but:\n${[...lines.map((line) => JSON.stringify(line)), ...stray].slice(-15).join('\n')}`,
          );
        return found;
      },
      { timeout: 60_000, interval: 20 },
    );
  return {
    pid,
    lines,
    stray,
    exited,
    isRunning,
    said,
    kill: (signal) => void child.kill(signal),
    up: async () => void (await said('worker is up')),
    async get(path) {
      const { metricsPort } = await said('worker is up');
      const answer = await fetch(`http://127.0.0.1:${String(metricsPort)}${path}`);
      return { status: answer.status, text: await answer.text() };
    },
  };
}

/** Waits until a query's first value is what is expected: the state is polled, never slept for. */
export async function eventually(pool: pg.Pool, sql: string, expected: unknown, timeout = 60_000): Promise<void> {
  await expect
    .poll(async () => Object.values((await pool.query<Record<string, unknown>>(sql)).rows[0] ?? {})[0], {
      timeout,
      interval: 25,
    })
    .toEqual(expected);
}

/** Random numbers that can be repeated (mulberry32): the seed is printed, and FLEET_SEED sets it. */
export function seeded(name: string): () => number {
  let state = Number(process.env['FLEET_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`${name}: FLEET_SEED=${state}\n`);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Work in small steps (tasks.ts), found by the clock. Returns the ids. */
export async function leaveWork(scratch: pg.Pool, tenantId: string, works: number, total: number): Promise<string[]> {
  const { rows } = await scratch.query<{ id: string }>(
    'insert into test_works (tenant_id, total) select $1, $2 from generate_series(1, $3) returning id',
    [tenantId, total, works],
  );
  return rows.map(({ id }) => id);
}

/** All of it gets done by itself; every step was taken once, and no job is left, locked or not. */
export async function expectStepsDone(scratch: pg.Pool, queue: pg.Pool): Promise<void> {
  await eventually(scratch, 'select count(*)::int from test_works where done < total', 0, 60_000);
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs', 0);
  const { rows } = await scratch.query<{ work_id: string; steps: number; different: number; total: number }>(
    `select s.work_id, count(*)::int as steps, count(distinct s.step)::int as different, w.total
       from test_steps s join test_works w on w.id = s.work_id group by s.work_id, w.total`,
  );
  for (const { steps, different, total } of rows)
    expect({ steps, different }).toEqual({ steps: total, different: total });
}
