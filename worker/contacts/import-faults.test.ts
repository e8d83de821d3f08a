import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { type FleetWorker, productionSettings, seeded, test as base } from '../../test/fleet/fleet.ts';
import {
  expectImported,
  expectQuiet,
  getsOn,
  keepImporting,
  openImport,
  type OpenImport,
} from '../../test/fleet/imports.ts';
import { expect } from '../../test/fixtures.ts';

/** Small pages: many moments between two of them at which to be killed. */
const env = { IMPORT_PAGE_RECORDS: '20', IMPORT_SLICE_MS: '1000', WORKER_LANES: 'sync,maintenance' };
const recordsEach = 2_500;
/** What is left when the trials are over is done in pages of the usual size. */
const finisher = { IMPORT_PAGE_RECORDS: '' };

type Imports = {
  all: OpenImport[];
  /** There is always more to do: whatever happens, it happens in the middle of an import. */
  keepGoing(): Promise<void>;
};

const test = base.extend<{ imports: Imports; start: (own?: Record<string, string>) => FleetWorker }>({
  imports: async ({ db, storage, scratch }, use) => {
    const all: OpenImport[] = [];
    await use({
      all,
      keepGoing: () => keepImporting({ db, storage }, scratch, all, recordsEach),
    });
  },
  start: async ({ fleet }, use) => use((own = {}) => fleet.start({ main: true, env: { ...env, ...own } })),
});

test('thirty kills in the middle of imports: every record is accounted for once, by itself, and nothing stays locked', async ({
  db,
  queue,
  scratch,
  imports,
  start,
}) => {
  const random = seeded('thirty kills');
  await imports.keepGoing();
  const alive = [start(), start()];
  for (let kill = 0; kill < 30; kill += 1) {
    await imports.keepGoing();
    await getsOn(scratch);
    await pause(random() * 150); // a random moment
    const [victim] = alive.splice(Math.floor(random() * alive.length), 1);
    victim?.kill('SIGKILL');
    expect(await victim?.exited).toEqual({ code: null, signal: 'SIGKILL' });
    alive.push(start());
  }
  for (const worker of alive) worker.kill('SIGTERM');
  start(finisher);
  for (const one of imports.all) await expectImported(db, one);
  await expectQuiet(queue);
}, 300_000);

test('twenty stops in the middle of imports: each exits with 0 in time, hands everything back, and counts as no failure', async ({
  db,
  queue,
  scratch,
  imports,
  start,
}) => {
  const random = seeded('twenty stops');
  await imports.keepGoing();
  let worker = start();
  for (let stop = 0; stop < 20; stop += 1) {
    await imports.keepGoing();
    await getsOn(scratch);
    await pause(random() * 100); // a random moment
    const asked = performance.now();
    worker.kill('SIGTERM');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(worker.lines.filter(({ level }) => level !== 'info')).toEqual([]);
    const left = await queue.query(
      `select (select count(*)::int from graphile_worker._private_jobs where locked_by is not null or attempts > 0) as "inHand",
              (select count(*)::int from worker_instances) as runners, (select count(*)::int from dead_jobs) as dead`,
    );
    expect(left.rows).toEqual([{ inHand: 0, runners: 0, dead: 0 }]);
    const leased = await scratch.query(
      'select attempts, lease_token from contact_imports where lease_token is not null or attempts > 0',
    );
    expect(leased.rows).toEqual([]);
    worker = start(stop < 19 ? {} : finisher);
  }
  for (const one of imports.all) await expectImported(db, one);
  await expectQuiet(queue);
}, 300_000);

test('a worker that slept through its lease changes nothing when it wakes, registers anew, and works on', async ({
  db,
  queue,
  scratch,
  imports,
  start,
}) => {
  const random = seeded('the sleeper');
  const runnersOf = async ({ pid }: FleetWorker) =>
    (await queue.query('select from worker_instances where pid = $1', [pid])).rowCount;
  const sleeper = start({ IMPORT_PAGES_AT_ONCE: '1' }); // several leave no moment between them
  for (let sleep = 0; sleep < 3; sleep += 1) {
    await imports.keepGoing();
    await fallAsleepBetweenPages(sleeper, scratch, imports, random);
    const other = start();
    await expect.poll(() => runnersOf(sleeper), { timeout: 60_000 }).toBe(0); // taken for dead
    await getsOn(scratch, 100); // by the other one alone
    await imports.keepGoing();
    sleeper.kill('SIGCONT');
    await expect.poll(() => runnersOf(sleeper), { timeout: 60_000 }).toBe(2);
    await getsOn(scratch, 100);
    other.kill('SIGTERM');
    expect(await other.exited).toEqual({ code: 0, signal: null });
  }
  start(finisher);
  for (const one of imports.all) await expectImported(db, one);
  await expectQuiet(queue);
  expect(sleeper.isRunning()).toBe(true);
}, 300_000);

/**
 * Freezes the only worker in the middle of imports, and outside of any transaction: inside, Postgres would fence it by itself. When it wakes,
 * it has the next page at hand.
 */
async function fallAsleepBetweenPages(
  worker: FleetWorker,
  superuser: pg.Pool,
  imports: Imports,
  random: () => number,
): Promise<void> {
  const isBetween = async () => {
    const { rows } = await superuser.query<{ between: boolean }>(
      `select exists (select from contact_imports where lease_until > now() and records_done > 0 and records_done < total)
          and not exists (select from pg_stat_activity where datname = current_database() and application_name = 'parley-worker' and xact_start is not null) as between`,
    );
    return rows[0]?.between ?? false;
  };
  for (const deadline = performance.now() + 120_000; performance.now() < deadline;) {
    await imports.keepGoing();
    await getsOn(superuser);
    await pause(random() * 20); // a random moment
    worker.kill('SIGSTOP');
    if (await isBetween()) return;
    worker.kill('SIGCONT');
  }
  throw new Error('The worker was never caught between two pages.');
}

test('with the settings of production, the import of a killed worker goes on within a minute', async ({
  db,
  queue,
  scratch,
  storage,
  start,
}) => {
  const settings = { ...productionSettings, IMPORT_PAGE_RECORDS: '10', IMPORT_SLICE_MS: '' };
  const one = await openImport({ db, storage }, recordsEach);
  const victim = start(settings);
  await getsOn(scratch, 10);
  victim.kill('SIGKILL');
  await victim.exited;
  const killed = performance.now();
  start(settings);
  await getsOn(scratch);
  const seconds = (performance.now() - killed) / 1_000;
  process.stdout.write(`an import went on ${seconds.toFixed(1)} s after a kill\n`);
  expect(seconds).toBeLessThan(60);
  start(finisher);
  await expectImported(db, one);
  await expectQuiet(queue);
}, 180_000);
