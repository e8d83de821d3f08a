import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { enqueue } from '../domain/jobs.ts';
import { inTenant } from '../prisma/client.ts';
import { eventually, expectStepsDone, leaveWork, seeded, test } from '../test/fleet/fleet.ts';
import { quick } from '../test/fleet/tasks.ts';
import { expect } from '../test/fixtures.ts';

const tenantId = randomUUID();

test('a worker that slept through its lease changes nothing when it wakes, registers anew, and works on', async ({
  db,
  database,
  fleet,
  scratch,
  queue,
}) => {
  // Who is stopped inside a transaction holds its locks until Postgres ends it: shortened, as the leases are.
  await scratch.query(`alter role app in database ${database.name} set idle_in_transaction_session_timeout = '1s'`);
  const random = seeded('the sleeper');
  const sleeper = fleet.start();
  const stepsBy = (pid: number, work: string) =>
    `select count(*) > 10 from test_steps where work_id = '${work}' and pid = ${pid}`;
  const poolsOf = (pid: number) => `select count(*)::int from worker_instances where pid = ${pid}`;
  for (let sleep = 0; sleep < 4; sleep += 1) {
    const [work = ''] = await leaveWork(scratch, tenantId, 1, 250);
    await eventually(scratch, stepsBy(sleeper.pid, work), true);
    await pause(random() * 30); // a random moment of its work
    sleeper.kill('SIGSTOP');
    const other = fleet.start();
    await eventually(queue, poolsOf(sleeper.pid), 0); // taken for dead
    await eventually(scratch, stepsBy(other.pid, work), true);
    sleeper.kill('SIGCONT');
    await eventually(queue, poolsOf(sleeper.pid), 3);
    await expectStepsDone(scratch, queue);
    other.kill('SIGTERM');
    expect(await other.exited).toEqual({ code: 0, signal: null });
  }
  await inTenant(db, tenantId, (tx) => enqueue(tx, quick, { tenantId, mark: 'awake' }));
  await eventually(scratch, 'select pid from test_marks', sleeper.pid);
  expect(sleeper.isRunning()).toBe(true);
}, 120_000);

test('thirty kills at random moments of the work: all of it is done once, by itself, and nothing stays locked', async ({
  fleet,
  scratch,
  queue,
}) => {
  const random = seeded('thirty kills');
  await leaveWork(scratch, tenantId, 6, 1_000_000);
  const alive = [fleet.start(), fleet.start()];
  for (let kill = 0; kill < 30; kill += 1) {
    const before = await countSteps(scratch);
    await eventually(scratch, `select count(*) > ${before} from test_steps`, true); // it gets on between any two kills
    await pause(random() * 200);
    const [victim] = alive.splice(Math.floor(random() * alive.length), 1);
    victim?.kill('SIGKILL');
    expect(await victim?.exited).toEqual({ code: null, signal: 'SIGKILL' });
    alive.push(fleet.start());
  }
  await scratch.query('update test_works set total = done + 50');
  await expectStepsDone(scratch, queue);
}, 180_000);

async function countSteps(scratch: pg.Pool): Promise<number> {
  const { rows } = await scratch.query<{ count: number }>('select count(*)::int from test_steps');
  return rows[0]?.count ?? 0;
}
