import { setTimeout as pause } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineJob, enqueue } from '../../domain/jobs.ts';
import { inTenant, type Tx } from '../../prisma/client.ts';
import { wakeUp, type WakeUp } from '../../worker/clock.ts';
import { type Task, task } from '../../worker/task.ts';

/** Small jobs for the tests of the fleet. What they did stands in scratch tables (scratch.ts). */
const mark = z.object({ tenantId: z.uuid(), mark: z.string() });
const base = { payload: mark, key: (payload: { mark: string }) => payload.mark, maxAttempts: 3 };

export const quick = defineJob({ ...base, name: 'test/quick', lane: 'interactive' });
export const quickSync = defineJob({ ...base, name: 'test/quick-sync', lane: 'sync' });
export const poison = defineJob({ ...base, name: 'test/poison', lane: 'interactive' });
/** Takes long, and hands back when it is asked to stop. */
export const long = defineJob({ ...base, name: 'test/long', lane: 'sync' });
/** Takes long, and hears nothing. */
export const deaf = defineJob({ ...base, name: 'test/deaf', lane: 'sync' });
/** Ends its process without a word. */
export const deadly = defineJob({ ...base, name: 'test/deadly', lane: 'campaign' });
/** Loses an error. */
export const careless = defineJob({ ...base, name: 'test/careless', lane: 'interactive' });
/** Counts up a row's `done` in small steps, each fenced by a lease: the shape of all our long work. */
export const steps = defineJob({
  name: 'test/steps',
  lane: 'sync',
  payload: z.object({ tenantId: z.uuid(), workId: z.uuid() }),
  key: ({ workId }) => workId,
  maxAttempts: 5,
});

export type TestPayload = z.infer<typeof mark>;

const leave = (tx: Tx, { tenantId, mark }: TestPayload) =>
  tx.$executeRaw`insert into test_marks (tenant_id, mark, pid) values (${tenantId}::uuid, ${mark}, ${process.pid})`;

const stepMs = 5;
const sliceSteps = 40;

export const tasks: Task[] = [
  task(quick, (payload, { db }) => inTenant(db, payload.tenantId, async (tx) => void (await leave(tx, payload)))),
  task(quickSync, (payload, { db }) => inTenant(db, payload.tenantId, async (tx) => void (await leave(tx, payload)))),
  task(poison, async () => {
    throw new TypeError('Cannot send to +55 11 98888-7777 for "Maria da Silva" (maria@example.com)');
  }),
  task(long, async (payload, { db, signal }) => {
    await inTenant(db, payload.tenantId, (tx) => leave(tx, payload));
    await pause(60_000, undefined, { signal });
  }),
  task(deaf, async (payload, { db }) => {
    await inTenant(db, payload.tenantId, (tx) => leave(tx, payload));
    await pause(60_000);
  }),
  task(deadly, async () => {
    process.kill(process.pid, 'SIGKILL');
    await pause(60_000);
  }),
  task(careless, async () => {
    void Promise.reject(new Error('Nobody answers +55 11 98888-7777'));
    await pause(1_000);
  }),
  task(steps, async ({ tenantId, workId }, { db, signal, settings }) => {
    const token = randomUUID();
    const leaseSeconds = settings.importLeaseMs / 1_000;
    const write = <T>(fn: (tx: Tx) => Promise<T>) => inTenant(db, tenantId, fn);
    const [claimed] = await write(
      (tx) => tx.$queryRaw<{ done: number; total: number }[]>`
        update test_works set lease_token = ${token}::uuid, lease_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
         where id = ${workId}::uuid and done < total and (lease_until is null or lease_until < clock_timestamp()) returning done, total`,
    );
    if (!claimed) return;
    let { done } = claimed; // kept in memory, as an import keeps its place in the file: only the lease tells whether it still holds
    for (let taken = 0; taken < sliceSteps && done < claimed.total && !signal.aborted; taken += 1) {
      const isMine = await write(async (tx) => {
        const kept = await tx.$executeRaw`
          update test_works set done = ${done + 1}, lease_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
           where id = ${workId}::uuid and lease_token = ${token}::uuid and lease_until > clock_timestamp() and ${done} < total`;
        if (kept === 0) return false;
        await tx.$executeRaw`insert into test_steps (work_id, step, pid) values (${workId}::uuid, ${done + 1}, ${process.pid})`;
        return true;
      });
      if (!isMine) return;
      done += 1;
      await pause(stepMs);
    }
    await write(async (tx) => {
      const mine =
        await tx.$executeRaw`update test_works set lease_until = null where id = ${workId}::uuid and lease_token = ${token}::uuid`;
      if (mine > 0 && done < claimed.total) await enqueue(tx, steps, { tenantId, workId });
    });
  }),
];

export const wakeUps: WakeUp[] = [
  wakeUp(
    steps,
    (tx, atMost) => tx.$queryRaw<{ tenantId: string; workId: string }[]>`
      select tenant_id as "tenantId", id as "workId" from test_works
       where done < total and (lease_until is null or lease_until < clock_timestamp()) limit ${atMost}`,
  ),
];
