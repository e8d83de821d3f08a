import pg from 'pg';
import { listen } from '../runtime/listen.ts';
import { test } from '../test/fleet/fleet.ts';
import { inject } from 'vitest';
import { expect } from '../test/fixtures.ts';
import { databaseUrls } from '../test/template-database.ts';

const refusals = [
  ['of the application for the queue', (urls: Urls) => ({ app: urls.app, queue: urls.app }), 'does not own the queue'],
  [
    'of a superuser for the queue',
    (urls: Urls) => ({ app: urls.app, queue: urls.superuser }),
    'DATABASE_QUEUE_URL is a superuser',
  ],
  [
    'of a superuser for the rows',
    (urls: Urls) => ({ app: urls.superuser, queue: urls.queue }),
    'DATABASE_URL is too strong',
  ],
  ['of the queue for the rows', (urls: Urls) => ({ app: urls.queue, queue: urls.queue }), 'DATABASE_URL is too strong'],
] as const;

type Urls = { app: string; queue: string; superuser: string };

for (const [role, pick, message] of refusals) {
  test(`a worker refuses the role ${role}, and says why`, async ({ database, fleet }) => {
    const worker = fleet.start({ main: true, urls: pick({ ...database.urls, superuser: database.superuserUrl }) });
    expect(await worker.exited).toEqual({ code: 1, signal: null });
    expect(worker.lines.find(({ level }) => level === 'fatal')?.['err']).toMatchObject({
      message: expect.stringContaining(message),
    });
  });
}

test('a worker refuses a database without a queue, and says what to do', async ({ fleet }) => {
  const server = inject('postgresUrl');
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query('create database unmigrated');
  const url = new URL(server);
  url.pathname = '/unmigrated';
  const worker = fleet.start({ main: true, urls: databaseUrls(url.href) });
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  expect(worker.lines.find(({ level }) => level === 'fatal')?.['err']).toMatchObject({
    message: expect.stringContaining('npm run migrate'),
  });
  await admin.query('drop database unmigrated with (force)');
  await admin.end();
});

test('a worker with a wrong environment names every mistake at once, and no value', async ({ fleet }) => {
  const worker = fleet.start({
    main: true,
    env: { WORKER_LANES: 'fast-lane', STORAGE_URL: '', ENCRYPTION_KEYS: 'secret', WORKER_CONCURRENCY: '0' },
  });
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  const said = [...worker.stray, ...worker.lines.map(({ msg }) => msg)].join('\n');
  for (const name of ['WORKER_LANES', 'STORAGE_URL', 'ENCRYPTION_KEYS', 'WORKER_CONCURRENCY'])
    expect(said).toContain(name);
  for (const value of ['fast-lane', 'secret']) expect(said).not.toContain(value);
});

test('a port for metrics that another process of the machine has is replaced by a free one, and said so', async ({
  fleet,
}) => {
  await using taken = await listen(() => {}, 0);
  const worker = fleet.start({ env: { METRICS_PORT: String(taken.port) } });
  expect((await worker.get('/health/live')).status).toBe(200);
  const [warning] = worker.lines.filter(({ level, wanted }) => level === 'warn' && wanted !== undefined);
  expect(warning).toMatchObject({ wanted: taken.port });
});
