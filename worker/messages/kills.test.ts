import { setTimeout as pause } from 'node:timers/promises';
import { count, expectReconciled, getsOn, test } from '../../test/fleet/campaigns.ts';
import { seeded } from '../../test/fleet/fleet.ts';
import { expect } from '../../test/fixtures.ts';

test('thirty-six kills, stops and freezes in the middle of campaigns: nobody is written to twice, nothing is lost, and all of it comes to its end', async ({
  campaigns,
  simulators,
  scratch,
  queue,
}) => {
  const random = seeded('kills in campaigns');
  let underWay = 0;
  await campaigns.keepGoing();
  const alive = [campaigns.start(), campaigns.start()];
  for (let trial = 0; trial < 36; trial += 1) {
    await campaigns.keepGoing();
    await getsOn(simulators);
    if (trial % 4 === 0) simulators.meta.refuseNext([130429, 131056, 132005][(trial / 4) % 3] ?? 1, { times: 3 });
    await pause(random() * 300); // a random moment
    const [victim] = alive.splice(Math.floor(random() * alive.length), 1);
    if (!victim) throw new Error('There is no worker left.');
    await victim.up();
    const how = (['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const)[trial % 3];
    victim.kill(how ?? 'SIGKILL');
    underWay += await count(scratch, `status = 'DISPATCHING'`);
    if (how === 'SIGSTOP') {
      alive.push(victim);
      void pause(3_500).then(() => victim.kill('SIGCONT')); // longer than a lease
      await pause(random() * 500);
    } else {
      const exit = await victim.exited;
      expect(exit).toEqual(how === 'SIGKILL' ? { code: null, signal: 'SIGKILL' } : { code: 0, signal: null });
      alive.push(campaigns.start());
    }
  }
  await expectReconciled(simulators, scratch, underWay);
  const left = await queue.query(
    "select count(*)::int as locked from graphile_worker._private_jobs where locked_at < now() - interval '1 minute'",
  );
  expect(left.rows).toEqual([{ locked: 0 }]);
}, 400_000);
