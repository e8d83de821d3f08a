import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { runJobsCommand } from '../scripts/jobs.ts';
import { eventually, test } from '../test/fleet/fleet.ts';
import { expect } from '../test/fixtures.ts';
import { freeDead } from './sweep.ts';

const tenantId = randomUUID();

type Given = { key: string; task?: string; lockedBy?: string; lockedAgo?: string; attempts?: number };

/** A job as some worker left it. */
async function leaveJob(
  queue: pg.Pool,
  { key, task = 'test/quick', lockedBy, lockedAgo = '0 s', attempts = 0 }: Given,
): Promise<void> {
  await queue.query(`select enqueue_job($1, $2, $3, null, 3, 0)`, [task, JSON.stringify({ tenantId, mark: key }), key]);
  await queue.query(
    `update graphile_worker._private_jobs set attempts = $2, locked_by = $3, locked_at = case when $3::text is not null then now() - $4::interval end where key = $1`,
    [key, attempts, lockedBy, lockedAgo],
  );
}

async function leaveRunner(queue: pg.Pool, poolId: string, beatAgo: string): Promise<void> {
  await queue.query(
    `insert into worker_instances (pool_id, lane, host, pid, beat_at) values ($1, 'sync', 'here', 1, now() - $2::interval)`,
    [poolId, beatAgo],
  );
}

async function lockedKeys(queue: pg.Pool): Promise<string[]> {
  const { rows } = await queue.query<{ key: string }>(
    'select key from graphile_worker._private_jobs where locked_by is not null order by key',
  );
  return rows.map(({ key }) => key);
}

test('jobs of a runner without a heartbeat are given back, those of a living one stay', async ({ queue }) => {
  await leaveRunner(queue, 'dead', '21 s');
  await leaveRunner(queue, 'alive', '19 s');
  await leaveJob(queue, { key: 'of the dead', lockedBy: 'dead', lockedAgo: '1 s', attempts: 1 });
  await leaveJob(queue, { key: 'of the living', lockedBy: 'alive', lockedAgo: '1 hour', attempts: 1 });
  expect(await freeDead(queue, 20_000)).toEqual(['dead']);
  expect(await lockedKeys(queue)).toEqual(['of the living']);
  const { rows } = await queue.query('select pool_id from worker_instances');
  expect(rows).toEqual([{ pool_id: 'alive' }]);
});

test('jobs of a runner that nobody knows are given back once it has had the time to say that it lives', async ({
  queue,
}) => {
  await leaveJob(queue, { key: 'long ago', lockedBy: 'stranger', lockedAgo: '21 s' });
  await leaveJob(queue, { key: 'just now', lockedBy: 'newcomer', lockedAgo: '19 s' });
  expect(await freeDead(queue, 20_000)).toEqual(['stranger']);
  expect(await lockedKeys(queue)).toEqual(['just now']);
});

test('many sweeps at once free every dead runner, each once', async ({ queue }) => {
  for (let index = 0; index < 20; index += 1) {
    await leaveRunner(queue, `dead ${index}`, '1 minute');
    await leaveJob(queue, { key: `job ${index}`, lockedBy: `dead ${index}`, lockedAgo: '1 s' });
  }
  const freed = await Promise.all(Array.from({ length: 6 }, () => freeDead(queue, 20_000)));
  expect(freed.flat()).toHaveLength(20);
  expect(new Set(freed.flat()).size).toBe(20);
  expect(await lockedKeys(queue)).toEqual([]);
});

test('a sweep that breaks off in between frees nothing by half', async ({ queue }) => {
  await leaveRunner(queue, 'dead', '1 minute');
  await leaveJob(queue, { key: 'a', lockedBy: 'dead' });
  const client = await queue.connect();
  await client.query('begin');
  await freeDead(client as unknown as pg.Pool, 20_000);
  await client.query('rollback');
  client.release();
  expect(await lockedKeys(queue)).toEqual(['a']);
  expect(await freeDead(queue, 20_000)).toEqual(['dead']);
});

test('a job that dies again under its key is one entry, which remembers every attempt', async ({ queue }) => {
  for (const reason of ['First.', 'Second.']) {
    await leaveJob(queue, { key: 'k', attempts: 3 });
    await queue.query('update graphile_worker._private_jobs set last_error = $1', [reason]);
    await queue.query('select bury_dead_jobs()');
  }
  const { rows } = await queue.query('select job_key, attempts, reason, replayed_at from dead_jobs');
  expect(rows).toEqual([{ job_key: 'k', attempts: 6, reason: 'Second.', replayed_at: null }]);
});

test('operators list dead jobs, read about one, and replay it once', async ({ database, queue, fleet }) => {
  const run = (...args: string[]) => runJobsCommand(database.urls.queue, args);
  expect(await run('list')).toBe('No job failed for good.');
  await leaveJob(queue, { key: 'k', task: 'tenants/purge', attempts: 3 });
  await queue.query('select bury_dead_jobs()');
  const { rows } = await queue.query<{ id: string }>('select id from dead_jobs');
  const [{ id } = { id: '' }] = rows;

  expect(await run('list')).toContain(`${id}  `);
  expect(await run('show', id)).toContain('Its worker died in every attempt.');
  expect(await run('show', id)).toContain(tenantId);
  const [one, two] = await Promise.all([run('replay', id), run('replay', id)]);
  expect([one, two].filter((said) => said === `Queued again: ${id}.`)).toHaveLength(1);
  await eventually(
    queue,
    `select count(*)::int from graphile_worker._private_jobs where key = 'k' and attempts = 0 and max_attempts = 5`,
    1,
  );
  expect(await run('list')).toBe('No job failed for good.');
  expect(await run('list', '--all')).toContain('(replayed)');
  expect(await run('replay', id)).toBe('Nothing to replay: no such job waits.');
  fleet.start({ main: true });
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs', 0); // a purge of nothing: done
});

test('a replay by task takes all of that task, and refuses one that no worker runs', async ({ database, queue }) => {
  const run = (...args: string[]) => runJobsCommand(database.urls.queue, args);
  for (const key of ['a', 'b']) await leaveJob(queue, { key, task: 'tenants/purge', attempts: 3 });
  await leaveJob(queue, { key: 'c', task: 'tenants/forgotten', attempts: 3 });
  await queue.query('select bury_dead_jobs()');
  expect(await run('replay', '--task', 'tenants/purge')).toMatch(/^Queued again: \S+, \S+\.$/);
  await expect(run('replay', '--task', 'tenants/forgotten')).rejects.toThrow('No worker of this version runs');
  expect(await run('list')).toContain('tenants/forgotten');
  expect(await run('replay')).toBeUndefined();
  expect(await run('dance')).toBeUndefined();
  expect(await run('show', '17')).toBe('"17" is no id of a job.');
});
