import { randomUUID } from 'node:crypto';
import { inTenant } from '../prisma/client.ts';
import { enqueue } from '../domain/jobs.ts';
import { expect } from '../test/fixtures.ts';
import { eventually, leaveWork, test } from '../test/fleet/fleet.ts';
import { steps, wakeUps } from '../test/fleet/tasks.ts';
import { wakeAll, type WakeUp, wakeUps as productionWakeUps } from './clock.ts';

const tenantId = randomUUID();
const notStopped = new AbortController().signal;

test('the clock wakes what has open rows, no lease and no job, and only that', async ({ db, queue, scratch }) => {
  const [kind] = wakeUps;
  if (!kind) throw new Error('There is a kind.');
  const tick = () => wakeAll(db, queue, kind, notStopped);
  expect(await tick()).toBe(0);
  const { rows } = await scratch.query<{ id: string }>(
    `insert into test_works (tenant_id, total, done, lease_until) values
       ($1, 5, 0, null), ($1, 5, 5, null), ($1, 5, 0, now() + interval '1 minute'), ($1, 5, 2, now() - interval '1 s') returning id`,
    [tenantId],
  );
  const idsOf = async () =>
    (
      await queue.query<{ id: string }>(
        `select payload ->> 'workId' as id from graphile_worker._private_jobs order by id`,
      )
    ).rows.map(({ id }) => id);
  expect(await tick()).toBe(2);
  expect(new Set(await idsOf())).toEqual(new Set([rows[0]?.id, rows[3]?.id]));
  expect(await tick()).toBe(0); // their jobs are there
  expect((await Promise.all([tick(), tick(), tick()])).length).toBe(3);
  expect(await idsOf()).toHaveLength(2);
});

test('the clock leaves a job alone that sleeps until a time it chose, and wakes one that hangs or pauses after a failure', async ({
  db,
  queue,
  scratch,
}) => {
  const [kind] = wakeUps;
  if (!kind) throw new Error('There is a kind.');
  const { rows } = await scratch.query<{ id: string }>(
    'insert into test_works (tenant_id, total) values ($1, 5) returning id',
    [tenantId],
  );
  const workId = rows[0]?.id ?? '';
  const tick = () => wakeAll(db, queue, kind, notStopped);
  const set = (what: string) => queue.query(`update graphile_worker._private_jobs set ${what}`);

  await inTenant(db, tenantId, (tx) => enqueue(tx, steps, { tenantId, workId }, new Date(Date.now() + 3_600_000)));
  expect(await tick()).toBe(0);
  await set(`attempts = 3, run_at = now() + interval '1 hour'`);
  expect(await tick()).toBe(1);
  await eventually(
    queue,
    `select run_at <= now() + interval '10 s' and attempts = 3 from graphile_worker._private_jobs`,
    true,
  );
  await set(`locked_by = 'w', locked_at = now() - interval '4 minutes'`);
  expect(await tick()).toBe(0);
  await set(`locked_by = 'w', locked_at = now() - interval '6 minutes'`);
  expect(await tick()).toBe(1);
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs where is_available', 1);
});

test('one that cannot be woken does not keep the others asleep', async ({ db, queue, scratch }) => {
  await leaveWork(scratch, tenantId, 3, 5);
  const [kind] = wakeUps;
  if (!kind) throw new Error('There is a kind.');
  const stubborn: WakeUp = {
    ...kind,
    async find(tx, atMost) {
      const [first, ...others] = await kind.find(tx, atMost);
      return first ? [{ ...first, wake: () => Promise.reject(new Error('no')) }, ...others] : [];
    },
  };
  await expect(wakeAll(db, queue, stubborn, notStopped)).rejects.toThrow('1 of 3 could not be woken.');
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs', 2);
});

test('work whose job was lost gets on by itself', async ({ fleet, scratch }) => {
  await scratch.query('insert into test_works (tenant_id, total) values ($1, 50)', [tenantId]);
  const worker = fleet.start();
  await eventually(scratch, 'select done from test_works', 50);
  await worker.said('work that nobody was at was woken up');
});

test('what the clock looks after in production can be asked for by the application’s role', async ({ db }) => {
  for (const { kind, find } of productionWakeUps) {
    expect(await inTenant(db, tenantId, (tx) => find(tx, 10)), kind).toEqual([]);
  }
});
