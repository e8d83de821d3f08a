import { randomUUID } from 'node:crypto';
import { type Lane, enqueue, type JobDefinition } from '../domain/jobs.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import { eventually, test } from '../test/fleet/fleet.ts';
import { deadly, long, poison, quick, quickSync, steps, type TestPayload } from '../test/fleet/tasks.ts';
import { expect, vi } from '../test/fixtures.ts';
import { tasks } from './tasks.ts';

const tenantId = randomUUID();
const wake = (db: Db, job: JobDefinition<TestPayload>, mark: string) =>
  inTenant(db, tenantId, (tx) => enqueue(tx, job, { tenantId, mark }));

test('long jobs that fill one lane do not hold up another', async ({ db, fleet, scratch, queue }) => {
  const worker = fleet.start();
  for (const mark of ['a', 'b', 'c', 'd', 'e']) await wake(db, long, mark);
  await eventually(scratch, 'select count(*)::int from test_marks', 2); // as many as the lane takes at once
  await wake(db, quickSync, 'waits behind them');
  await wake(db, quick, 'goes ahead');
  await eventually(scratch, `select count(*)::int from test_marks where mark = 'goes ahead'`, 1);
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs where locked_at is null', 4);
  expect(worker.isRunning()).toBe(true);
});

test('a poison job is set aside after its attempts, without anybody’s data, and its neighbours proceed', async ({
  db,
  fleet,
  scratch,
  queue,
}) => {
  const worker = fleet.start();
  await wake(db, poison, 'bad');
  await eventually(queue, `select attempts::int from graphile_worker._private_jobs`, 1);
  for (let attempt = 2; attempt <= 3; attempt += 1) {
    await wake(db, quick, `good ${attempt}`);
    await queue.query('update graphile_worker._private_jobs set run_at = now() where locked_at is null'); // the pauses are graphile-worker's own: not waited for
    await eventually(
      queue,
      `select max(attempts)::int from (select attempts from graphile_worker._private_jobs union all select attempts from dead_jobs) as jobs`,
      attempt,
    );
  }
  await eventually(queue, `select count(*)::int from dead_jobs where task = 'test/poison' and attempts = 3`, 1);
  await eventually(scratch, 'select count(*)::int from test_marks', 2);
  const { rows } = await queue.query<{ reason: string }>('select reason from dead_jobs');
  expect(rows[0]?.reason).toMatch(/^TypeError: Cannot send to /);
  await worker.said('a job failed for good and was set aside');
  const everything = JSON.stringify([rows, worker.lines, worker.stray]);
  for (const datum of ['98888', 'Maria', 'maria@']) expect(everything).not.toContain(datum);
  expect(worker.lines.filter(({ msg }) => msg === 'a job failed')).toMatchObject(
    [1, 2, 3].map((attempt) => ({
      task: 'test/poison',
      tenantId,
      attempt,
      jobId: expect.any(String),
      runId: expect.any(String),
    })),
  );
});

test('a payload that does not fit its task is set aside at once, and says where', async ({ fleet, queue, scratch }) => {
  fleet.start();
  await queue.query(
    `select enqueue_job('test/quick', '{"tenantId":"${tenantId}","mark":{"phone":"+5511988887777"}}', 'k', null, 3, 0)`,
  );
  await eventually(queue, 'select count(*)::int from dead_jobs', 1);
  const { rows } = await queue.query('select attempts, reason from dead_jobs');
  expect(rows).toEqual([{ attempts: 3, reason: 'The payload does not fit the task: mark (invalid_type).' }]);
  await eventually(scratch, 'select count(*)::int from test_marks', 0);
});

test('a job that kills every worker is set aside, though nobody is left to report it', async ({ db, fleet, queue }) => {
  await wake(db, deadly, 'boom');
  const supervised: Promise<unknown>[] = [];
  for (let life = 0; life < 3; life += 1) {
    const worker = fleet.start({ env: { WORKER_LANES: 'campaign' } });
    supervised.push(worker.exited);
    expect(await worker.exited).toEqual({ code: null, signal: 'SIGKILL' });
  }
  const survivor = fleet.start({ env: { WORKER_LANES: 'campaign' } });
  await eventually(
    queue,
    `select count(*)::int from dead_jobs where task = 'test/deadly' and reason = 'Its worker died in every attempt.'`,
    1,
  );
  expect(survivor.isRunning()).toBe(true);
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs', 0);
});

test('a lane that this worker does not serve is left to others', async ({ db, fleet, scratch, queue }) => {
  await wake(db, quick, 'one');
  await wake(db, quickSync, 'two');
  const worker = fleet.start({ env: { WORKER_LANES: 'sync' } });
  await eventually(scratch, `select string_agg(mark, ',') from test_marks`, 'two');
  expect(worker.lines.find(({ msg }) => msg === 'worker is up')).toMatchObject({ lanes: ['sync'] });
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs where attempts = 0', 1);
  await vi.waitFor(
    async () => expect((await worker.get('/metrics')).text).toContain('parley_queue_due_jobs{lane="interactive"} 1'),
    10_000,
  ); // what nobody serves is seen to wait
});

test('work goes on in several workers at once, each step once', async ({ db, fleet, scratch, queue }) => {
  const works = await scratch.query<{ id: string }>(
    `insert into test_works (tenant_id, total) select $1, 60 from generate_series(1, 5) returning id`,
    [tenantId],
  );
  fleet.start();
  fleet.start();
  for (const { id } of works.rows) await inTenant(db, tenantId, (tx) => enqueue(tx, steps, { tenantId, workId: id }));
  await eventually(scratch, 'select count(*)::int from test_works where done < total', 0);
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs', 0);
  const { rows } = await scratch.query(
    'select count(*)::int as steps, count(distinct (work_id, step))::int as different from test_steps',
  );
  expect(rows).toEqual([{ steps: 300, different: 300 }]);
});

test('a living worker keeps its jobs, however long they take and whoever sweeps', async ({
  db,
  fleet,
  scratch,
  queue,
}) => {
  const worker = fleet.start();
  await wake(db, long, 'takes its time');
  await eventually(scratch, 'select count(*)::int from test_marks', 1);
  fleet.start();
  await eventually(
    queue,
    `select count(*) > 3 and bool_and(beat_at - started_at > interval '4 s') from worker_instances`,
    true,
  ); // well beyond the time after which the dead are dead
  await eventually(scratch, 'select count(*)::int from test_marks', 1);
  expect((await worker.get('/metrics')).text).toContain('parley_worker_freed_pools_total 0');
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs where locked_by is not null', 1);
});

test('the health and the metrics of a worker tell how its lanes get on', async ({ db, fleet, scratch }) => {
  const worker = fleet.start();
  await wake(db, quick, 'one');
  await eventually(scratch, 'select count(*)::int from test_marks', 1);
  await vi.waitFor(async () => expect(await worker.get('/health/ready')).toMatchObject({ status: 200 }), 10_000);
  const live = await worker.get('/health/live');
  expect(live.status).toBe(200);
  expect(JSON.parse(live.text)).toMatchObject({
    status: 'ok',
    sinceBeatMs: expect.any(Number),
    lanes: { interactive: { active: 0 } },
  });
  const { text } = await worker.get('/metrics');
  expect(text).toContain('parley_job_seconds_count{task="test/quick",lane="interactive",outcome="done"} 1');
  expect(text).not.toContain(tenantId);
});

test('every task of production has a lane, a name of its own, and few attempts', () => {
  expect(new Set(tasks.map(({ name }) => name)).size).toBe(tasks.length);
  const served: Lane[] = ['inbound', 'interactive', 'campaign', 'sync', 'maintenance'];
  for (const { lane, attemptsMax } of tasks) {
    expect(served).toContain(lane);
    expect(attemptsMax).toBeLessThanOrEqual(10);
  }
});
