import { setTimeout as pause } from 'node:timers/promises';
import { type FleetWorker, productionSettings, seeded, test as base } from '../../test/fleet/fleet.ts';
import {
  expectImported,
  expectQuiet,
  getsOn,
  openImport,
  type OpenImport,
  progressOf,
} from '../../test/fleet/imports.ts';
import { expect } from '../../test/fixtures.ts';

/** Small pages: many moments between two of them at which to be killed. */
const env = { IMPORT_PAGE_RECORDS: '20', IMPORT_SLICE_MS: '1000', WORKER_LANES: 'sync,maintenance' };
const recordsEach = 2_500;
/** What is left when the trials are over is done in pages of the usual size. */
const finisher = { IMPORT_PAGE_RECORDS: '' };

type Imports = {
  all: OpenImport[];
  /** There is always more to do: whatever happens, it happens in the middle of an import. */ keepGoing(): Promise<void>;
};

const test = base.extend<{ imports: Imports; start: (own?: Record<string, string>) => FleetWorker }>({
  imports: async ({ db, storage, scratch }, use) => {
    const all: OpenImport[] = [];
    await use({
      all,
      async keepGoing() {
        for (let { open } = await progressOf(scratch); open < 2; open += 1)
          all.push(await openImport({ db, storage }, recordsEach));
      },
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
  database,
  queue,
  scratch,
  imports,
  start,
}) => {
  // Who is stopped inside a transaction holds its locks until Postgres ends it: shortened, as the leases are.
  await scratch.query(`alter role app in database ${database.name} set idle_in_transaction_session_timeout = '1s'`);
  const random = seeded('the sleeper');
  const runnersOf = async ({ pid }: FleetWorker) =>
    (await queue.query('select from worker_instances where pid = $1', [pid])).rowCount;
  const sleeper = start();
  for (let sleep = 0; sleep < 3; sleep += 1) {
    await imports.keepGoing();
    await getsOn(scratch);
    await pause(random() * 100); // a random moment
    sleeper.kill('SIGSTOP');
    const other = start();
    await expect.poll(() => runnersOf(sleeper), { timeout: 60_000 }).toBe(0); // taken for dead
    await getsOn(scratch, 200); // by the other one alone
    sleeper.kill('SIGCONT');
    await expect.poll(() => runnersOf(sleeper), { timeout: 60_000 }).toBe(2);
    await getsOn(scratch, 200);
    other.kill('SIGTERM');
    expect(await other.exited).toEqual({ code: 0, signal: null });
  }
  start(finisher);
  for (const one of imports.all) await expectImported(db, one);
  await expectQuiet(queue);
  expect(sleeper.isRunning()).toBe(true);
}, 300_000);

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
