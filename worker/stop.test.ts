import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { enqueue } from '../domain/jobs.ts';
import { inTenant } from '../prisma/client.ts';
import { eventually, seeded, test } from '../test/fleet/fleet.ts';
import { deaf, long, quick } from '../test/fleet/tasks.ts';
import { expect, vi } from '../test/fixtures.ts';

const tenantId = randomUUID();

test('a job in hand is handed back by a stop: at once free for others, and not a failure', async ({
  db,
  fleet,
  queue,
  scratch,
}) => {
  const worker = fleet.start();
  await inTenant(db, tenantId, (tx) => enqueue(tx, long, { tenantId, mark: 'a' }));
  await eventually(scratch, 'select count(*)::int from test_marks', 1);
  worker.kill('SIGTERM');
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  const { rows } = await queue.query(
    'select attempts, last_error, locked_by, run_at <= now() as due from graphile_worker._private_jobs',
  );
  expect(rows).toEqual([{ attempts: 0, last_error: null, locked_by: null, due: true }]);
  expect(worker.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  expect((await queue.query('select from worker_instances')).rowCount).toBe(0);

  const next = fleet.start();
  await eventually(scratch, 'select count(*)::int from test_marks', 2);
  expect(next.isRunning()).toBe(true);
});

test('a body that hears nothing does not keep its worker from stopping within 10 s, and its job is given back', async ({
  db,
  fleet,
  queue,
  scratch,
}) => {
  const worker = fleet.start({ env: { STOP_WITHIN_MS: '3000' } });
  await inTenant(db, tenantId, (tx) => enqueue(tx, deaf, { tenantId, mark: 'a' }));
  await eventually(scratch, 'select count(*)::int from test_marks', 1);
  const asked = performance.now();
  worker.kill('SIGTERM');
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  expect(performance.now() - asked).toBeLessThan(10_000);
  const { rows } = await queue.query('select locked_by, is_available from graphile_worker._private_jobs');
  expect(rows).toEqual([{ locked_by: null, is_available: true }]);
});

test('a second signal ends the worker at once', async ({ db, fleet, scratch }) => {
  const worker = fleet.start({ env: { STOP_WITHIN_MS: '60000' } });
  await inTenant(db, tenantId, (tx) => enqueue(tx, deaf, { tenantId, mark: 'a' }));
  await eventually(scratch, 'select count(*)::int from test_marks', 1);
  const asked = performance.now();
  worker.kill('SIGTERM');
  await worker.said('worker is stopping');
  worker.kill('SIGTERM'); // the same wish, passed on twice
  await vi.waitFor(
    () => {
      worker.kill('SIGTERM');
      expect(worker.isRunning()).toBe(false);
    },
    { timeout: 10_000, interval: 200 },
  );
  expect(performance.now() - asked).toBeGreaterThan(900);
  expect(await worker.exited).toEqual({ code: null, signal: 'SIGTERM' });
});

test('twenty stops under load lose no outcome: nothing stays locked, nothing runs twice, nothing fails', async ({
  db,
  fleet,
  queue,
  scratch,
}) => {
  const random = seeded('twenty stops');
  let marks = 0;
  const feed = async () => {
    await inTenant(db, tenantId, async (tx) => {
      for (let index = 0; index < 10; index += 1) await enqueue(tx, quick, { tenantId, mark: `job ${(marks += 1)}` });
    });
  };
  for (let stop = 0; stop < 20; stop += 1) {
    const worker = fleet.start({ env: { WORKER_LANES: 'interactive' } });
    await worker.up();
    const until = performance.now() + random() * 100;
    while (performance.now() < until) await feed();
    await pause(random() * 20); // a random moment, not a wait for something
    const asked = performance.now();
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(worker.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    const { rowCount } = await queue.query(
      'select from graphile_worker._private_jobs where locked_by is not null or attempts > 0 or last_error is not null',
    );
    expect(rowCount).toBe(0);
  }
  fleet.start();
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs', 0);
  await eventually(scratch, 'select count(*)::int from test_marks', marks);
  await eventually(scratch, 'select count(distinct mark)::int from test_marks', marks);
}, 300_000);
