import { randomUUID } from 'node:crypto';
import { enqueue } from '../domain/jobs.ts';
import { inTenant } from '../prisma/client.ts';
import { eventually, expectStepsDone, leaveWork, test } from '../test/fleet/fleet.ts';
import { startProxy } from '../test/fleet/proxy.ts';
import { careless, deaf, quick } from '../test/fleet/tasks.ts';
import { expect, vi } from '../test/fixtures.ts';
import { findStall } from './watchdog.ts';

const tenantId = randomUUID();
const impatient = { WORKER_STALLED_AFTER_MS: '1000' };

test('a lane is stalled when it has room for a job that waits, and does not take it; or when a job never ends', () => {
  const settings = { stalledAfterMs: 30_000, concurrency: 2 };
  const waits = { lane: 'sync', due: 3, oldestDueMs: 31_000 } as const;
  const idle = { active: 0, isListening: true, sinceProgressMs: 31_000, longestMs: 0 };
  expect(findStall(waits, idle, settings)).toBe('jobs are due, and none is taken');
  expect(findStall(undefined, idle, settings)).toBeUndefined(); // nothing to do
  expect(findStall({ ...waits, oldestDueMs: 29_000 }, idle, settings)).toBeUndefined(); // others are quick enough
  expect(findStall(waits, { ...idle, sinceProgressMs: 29_000 }, settings)).toBeUndefined();
  expect(findStall(waits, { ...idle, active: 2 }, settings)).toBeUndefined(); // busy is not stalled
  expect(findStall(undefined, { ...idle, active: 1, longestMs: 301_000 }, settings)).toBe('a job hangs');
});

test('a worker that no longer takes what is due ends itself, to be started anew', async ({ db, fleet, queue }) => {
  await inTenant(db, tenantId, (tx) => enqueue(tx, quick, { tenantId, mark: 'a' }));
  const client = await queue.connect();
  await client.query('begin');
  await client.query('select from graphile_worker._private_jobs for update'); // as good as a wedged runner: the job is due and cannot be taken
  const worker = fleet.start({ env: impatient });
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  expect(worker.lines.find(({ level }) => level === 'fatal')).toMatchObject({
    err: { message: 'Lane interactive: jobs are due, and none is taken.' },
  });
  await client.query('rollback');
  client.release();
});

test('a worker with a job that never ends ends itself, and another one gets the job', async ({
  db,
  fleet,
  scratch,
}) => {
  await inTenant(db, tenantId, (tx) => enqueue(tx, deaf, { tenantId, mark: 'a' }));
  const worker = fleet.start({ env: { WORKER_STALLED_AFTER_MS: '500' } });
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  fleet.start();
  await eventually(scratch, 'select count(*)::int from test_marks', 2);
});

for (const how of ['cut', 'swallow'] as const) {
  test(`a database that is away (${how}) is no stall: the worker waits, lives, and goes on`, async ({
    database,
    fleet,
    scratch,
    queue,
  }) => {
    await using proxy = await startProxy(new URL(database.urls.app));
    const urls = { app: proxy.via(database.urls.app), queue: proxy.via(database.urls.queue) };
    await leaveWork(scratch, tenantId, 2, 1_000_000);
    const worker = fleet.start({ urls, env: impatient });
    await eventually(scratch, 'select count(*) > 20 from test_steps', true);
    await proxy.fail(how);
    await eventually(scratch, `select max(at) < clock_timestamp() - interval '4 s' from test_steps`, true); // four times what a stall takes
    expect((await worker.get('/health/live')).status).toBe(200);
    expect((await worker.get('/health/ready')).status).toBe(503);
    await proxy.heal();
    const { rows } = await scratch.query<{ steps: number }>('select count(*)::int as steps from test_steps');
    await eventually(scratch, `select count(*) > ${(rows[0]?.steps ?? 0) + 20} from test_steps`, true);
    await scratch.query('update test_works set total = done + 20');
    await expectStepsDone(scratch, queue);
    expect(worker.isRunning()).toBe(true);
    await vi.waitFor(async () => expect((await worker.get('/health/ready')).status).toBe(200), 60_000);
  }, 300_000);
}

test('a runner that ends by itself ends its worker', async ({ fleet, queue }) => {
  const worker = fleet.start();
  await vi.waitFor(async () => expect((await worker.get('/health/ready')).status).toBe(200), 10_000);
  await queue.query(`select pg_notify('worker:migrate', '{"breaking":true,"migrationNumber":99}')`); // its schema is no longer the one it knows
  expect(await worker.exited).toEqual({ code: 1, signal: null });
});

test('an error that nobody awaited ends the worker, and its text is cut', async ({ db, fleet }) => {
  const worker = fleet.start();
  await inTenant(db, tenantId, (tx) => enqueue(tx, careless, { tenantId, mark: 'a' }));
  expect(await worker.exited).toEqual({ code: 1, signal: null });
  const fatal = worker.lines.find(({ level }) => level === 'fatal');
  expect(fatal).toMatchObject({ msg: 'a promise was rejected and nobody knew' });
  expect(JSON.stringify([worker.lines, worker.stray])).not.toContain('98888');
});
