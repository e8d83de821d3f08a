import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { freePort } from '../runtime/local-postgres.ts';
import { expect, test, type TestDatabase, vi } from '../test/fixtures.ts';
import { keepSecret, noteOutput } from '../test/leaks/note.ts';
import { generateKeys } from './keys.ts';

type Line = Record<string, unknown>;

async function startAll(database: TestDatabase, directory: string) {
  const port = await freePort();
  const keys = generateKeys();
  keepSecret('server key', ...Object.values(keys).map((key) => key.slice(key.indexOf(':') + 1)));
  const env = {
    ...process.env,
    ...keys,
    NODE_ENV: 'test',
    DATABASE_URL: database.urls.app,
    DATABASE_QUEUE_URL: database.urls.queue,
    DATABASE_OWNER_URL: database.urls.owner,
    STORAGE_URL: pathToFileURL(directory).href,
    PORT: String(port),
    METRICS_PORT: '0',
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'start.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Line[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Line));
  const pidsOf = (entry: string) =>
    lines
      .filter((line) => line['msg'] === 'a process was started' && line['entry'] === entry)
      .map(({ pid }) => Number(pid));
  const becomesReady = (workers: number) =>
    vi.waitFor(
      async () => {
        expect(lines.filter(({ msg }) => msg === 'worker is up')).toHaveLength(workers);
        expect((await fetch(`http://localhost:${port}/health/ready`)).status).toBe(200);
      },
      { timeout: 60_000, interval: 50 },
    );
  const isGone = (pid: number) =>
    vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 60_000, interval: 50 });
  return {
    child,
    exited: once(child, 'exit'),
    lines,
    pidsOf,
    becomesReady,
    isGone,
    [Symbol.dispose]() {
      child.kill('SIGKILL');
      noteOutput('start', ...lines.map((line) => JSON.stringify(line)));
    },
  };
}

test('one command migrates and runs everything, starts anew what crashes, and ends with 0 when told to stop', async ({
  database,
  storage,
}) => {
  using all = await startAll(database, storage.directory);
  await all.becomesReady(1);
  process.kill(Number(all.pidsOf('worker')[0]), 'SIGKILL');
  await all.becomesReady(2);
  expect(all.pidsOf('api')).toHaveLength(1);

  all.child.kill('SIGTERM');
  expect(await all.exited).toEqual([0, null]);
  for (const pid of [...all.pidsOf('api'), ...all.pidsOf('worker')]) await all.isGone(pid);
  expect(all.lines.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(['the database is up to date', 'worker has stopped', 'api is stopping']),
  );
}, 180_000);

test('when the one command is killed, the processes that it started stop by themselves', async ({
  database,
  storage,
}) => {
  using all = await startAll(database, storage.directory);
  await all.becomesReady(1);
  all.child.kill('SIGKILL');
  for (const pid of [...all.pidsOf('api'), ...all.pidsOf('worker')]) await all.isGone(pid);
  expect(all.lines.map(({ msg }) => msg)).toContain('worker has stopped');
}, 180_000);
