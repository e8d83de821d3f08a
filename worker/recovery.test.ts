import { randomUUID } from 'node:crypto';
import { eventually, expectStepsDone, leaveWork, productionSettings, test } from '../test/fleet/fleet.ts';
import { expect } from '../test/fixtures.ts';

// In a file of its own: it waits most of the time, and the others need not wait with it.
test('with the settings of production, the work of a killed worker goes on within a minute', async ({
  fleet,
  scratch,
  queue,
}) => {
  const [work] = await leaveWork(scratch, randomUUID(), 1, 1_000_000);
  const victim = fleet.start({ env: productionSettings });
  await eventually(scratch, `select count(*) > 50 from test_steps`, true);
  const other = fleet.start({ env: productionSettings });
  await other.up();
  const killed = performance.now();
  victim.kill('SIGKILL');
  await victim.exited;
  await eventually(
    scratch,
    `select count(*) > 0 from test_steps where work_id = '${work}' and pid = ${other.pid}`,
    true,
    60_000,
  );
  const seconds = (performance.now() - killed) / 1_000;
  process.stdout.write(`recovered after ${seconds.toFixed(1)} s\n`);
  expect(seconds).toBeLessThan(60);
  await scratch.query('update test_works set total = done + 50');
  await expectStepsDone(scratch, queue);
}, 120_000);
