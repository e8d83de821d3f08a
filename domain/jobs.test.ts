import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { z } from 'zod';
import { inTenant } from '../prisma/client.ts';
import { expect, test as base } from '../test/fixtures.ts';
import { defineJob, enqueue, jobKey } from './jobs.ts';

const ring = defineJob({
  name: 'test/ring',
  lane: 'interactive',
  payload: z.object({ tenantId: z.uuid(), bell: z.string(), note: z.string().optional() }),
  key: ({ bell }) => bell,
  maxAttempts: 5,
});

type StoredJob = {
  id: string;
  key: string | null;
  payload: { note?: string };
  attempts: number;
  run_in_s: number;
  is_available: boolean;
  max_attempts: number;
};

const test = base.extend<{ queue: pg.Pool; jobs: () => Promise<StoredJob[]> }>({
  queue: async ({ database }, use) => {
    const pool = new pg.Pool({ connectionString: database.urls.queue, max: 3 });
    await use(pool);
    await pool.end();
  },
  jobs: async ({ queue }, use) =>
    use(async () => {
      const { rows } = await queue.query<StoredJob>(
        'select *, extract(epoch from run_at - now())::float8 as run_in_s from graphile_worker._private_jobs order by id',
      );
      return rows;
    }),
});

const tenantId = randomUUID();
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);

test('a wake-up that is rolled back with its rows leaves no job', async ({ db, jobs }) => {
  const rolledBack = inTenant(db, tenantId, async (tx) => {
    await enqueue(tx, ring, { tenantId, bell: 'a' });
    throw new Error('no');
  });
  await expect(rolledBack).rejects.toThrow('no');
  expect(await jobs()).toEqual([]);
});

test('waking one thing many times at once is one job; another tenant’s same key is another', async ({ db, jobs }) => {
  const wake = (tenantId: string) => inTenant(db, tenantId, (tx) => enqueue(tx, ring, { tenantId, bell: 'a' }));
  const other = randomUUID();
  await Promise.all(Array.from({ length: 20 }, (_, index) => wake(index % 2 === 0 ? tenantId : other)));
  const keys = (await jobs()).map(({ key }) => key);
  expect(keys).toHaveLength(2);
  expect(new Set(keys)).toEqual(new Set([`test/ring:${tenantId}:a`, `test/ring:${other}:a`]));
});

test('of several wake-ups the earliest counts, with the newest payload', async ({ db, jobs }) => {
  const wake = (note: string, at: Date | null) =>
    inTenant(db, tenantId, (tx) => enqueue(tx, ring, { tenantId, bell: 'a', note }, at));
  await wake('in an hour', inSeconds(3_600));
  await wake('in two hours', inSeconds(7_200));
  expect(await jobs()).toMatchObject([{ payload: { note: 'in two hours' } }]);
  expect((await jobs())[0]?.run_in_s).toBeLessThan(3_601);
  await wake('now', null);
  expect(await jobs()).toMatchObject([{ payload: { note: 'now' }, attempts: 0 }]);
  expect((await jobs())[0]?.run_in_s).toBeLessThanOrEqual(0);
});

test('a wake-up pulls a job out of a long pause after a failure, but not at once, and its failures still count', async ({
  db,
  queue,
  jobs,
}) => {
  const wake = () => inTenant(db, tenantId, (tx) => enqueue(tx, ring, { tenantId, bell: 'a' }));
  await wake();
  await queue.query(`update graphile_worker._private_jobs set attempts = 4, run_at = now() + interval '10 minutes'`);
  await wake();
  const [pulled] = await jobs();
  expect(pulled).toMatchObject({ attempts: 4 });
  expect(pulled?.run_in_s).toBeGreaterThan(5);
  expect(pulled?.run_in_s).toBeLessThanOrEqual(10);
  await queue.query(`update graphile_worker._private_jobs set run_at = now() + interval '2 seconds'`);
  await wake();
  expect((await jobs())[0]?.run_in_s).toBeLessThanOrEqual(2); // nor does a wake-up push it back
});

test('a wake-up while the job runs makes it run once more; the running one is not tried again when it fails', async ({
  db,
  queue,
  jobs,
}) => {
  const wake = () => inTenant(db, tenantId, (tx) => enqueue(tx, ring, { tenantId, bell: 'a' }));
  await wake();
  await queue.query(`update graphile_worker._private_jobs set attempts = 1, locked_at = now(), locked_by = 'somebody'`);
  await wake();
  expect(await jobs()).toMatchObject([
    { key: null, is_available: false },
    { key: `test/ring:${tenantId}:a`, is_available: true, attempts: 0 },
  ]);
  await queue.query(`update graphile_worker._private_jobs set locked_at = null, locked_by = null where key is null`);
  await queue.query('select bury_dead_jobs()');
  expect(await jobs()).toHaveLength(1);
  expect((await queue.query('select from dead_jobs')).rowCount).toBe(0); // its successor does the work: nobody need look at it
});

test('a wake-up that meets a job that has just failed for good sets that one aside and starts afresh', async ({
  db,
  queue,
  jobs,
}) => {
  const wake = () => inTenant(db, tenantId, (tx) => enqueue(tx, ring, { tenantId, bell: 'a' }));
  await wake();
  await queue.query(`update graphile_worker._private_jobs set attempts = 5, last_error = 'It broke.'`);
  await wake();
  expect(await jobs()).toMatchObject([{ attempts: 0, is_available: true }]);
  const { rows } = await queue.query('select task, payload, job_key, attempts, reason from dead_jobs');
  expect(rows).toEqual([
    {
      task: 'test/ring',
      payload: { tenantId, bell: 'a' },
      job_key: jobKey(ring, { tenantId, bell: 'a' }),
      attempts: 5,
      reason: 'It broke.',
    },
  ]);
});

test('a wake-up is not lost when the job is added and taken by others in the very same moment', async ({
  database,
  db,
  queue,
  jobs,
}) => {
  await inTenant(db, tenantId, (tx) => enqueue(tx, ring, { tenantId, bell: 'b' })); // the task’s name is known: nobody waits for that
  const others = await queue.connect();
  const observer = new pg.Client({ connectionString: database.superuserUrl });
  await observer.connect();
  try {
    await others.query('begin');
    const key = jobKey(ring, { tenantId, bell: 'a' });
    await others.query('select enqueue_job($1, $2, $3, null, 5, 0)', [ring.name, { tenantId, bell: 'a' }, key]);
    const take = `update graphile_worker._private_jobs set attempts = 1, locked_at = now(), locked_by = 'somebody' where key = $1`;
    await others.query(take, [key]);
    const woken = inTenant(db, tenantId, (tx) => enqueue(tx, ring, { tenantId, bell: 'a' }));
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await observer.query(waiting)).rowCount).toBe(1); // to see what becomes of the other
    await others.query('commit');
    await woken;
  } finally {
    others.release();
    await observer.end();
  }
  expect((await jobs()).filter(({ is_available }) => is_available)).toHaveLength(2);
});

test('a payload that does not fit is refused before it is stored', async ({ db, jobs }) => {
  const wrong = { tenantId: 'nobody', bell: 'a' };
  await expect(inTenant(db, tenantId, (tx) => enqueue(tx, ring, wrong))).rejects.toThrow('tenantId');
  expect(await jobs()).toEqual([]);
});

test('the application can only add jobs: it sees none, and has no other way into the queue', async ({ db }) => {
  const run = (sql: string) => inTenant(db, tenantId, (tx) => tx.$queryRawUnsafe(sql));
  await expect(run('select * from graphile_worker._private_jobs')).rejects.toThrow('permission denied');
  await expect(run('select * from dead_jobs')).rejects.toThrow('permission denied');
  await expect(run('select bury_dead_jobs()')).rejects.toThrow('permission denied');
  await expect(run(`select graphile_worker.add_job('test/ring')`)).rejects.toThrow('permission denied');
});
