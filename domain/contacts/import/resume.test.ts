import pg from 'pg';
import { type Db, inTenant } from '../../../prisma/client.ts';
import type { Storage } from '../../../runtime/storage.ts';
import { expect, test } from '../../../test/fixtures.ts';
import { endLease, gatedStore, importRow, makeImport, runImport } from '../../../test/imports.ts';
import { losingDatabase, type Loss } from '../../../test/losing-database.ts';
import { makeContact, makeTenant } from '../../../test/make.ts';
import type { FileStore } from './file.ts';
import { deleteClaims } from './jobs.ts';

/** Good, known, doubled, bad and empty records on three pages. */
const file = [
  'name,phone,external id,tags',
  'Ana,+551133330001,x1,"a,b"',
  'Known,+551133330009,,a',
  'Bad,12,,',
  'Bia,+551133330002,x2,',
  'Ana again,+551133330001,,',
  'Known again,+551133330009,,b',
  ',,,',
  'Caio,+551133330003,x3,c',
].join('\n');
const totals = { status: 'FINISHED', total: 8, created: 3, updated: 1, skipped: 3, failed: 1, recordsDone: 8 };
const pages = { importPageRecords: 3 };

type Services = { db: Db; storage: Storage };

async function prepare(services: Services, isDryRun = false) {
  const tenantId = await makeTenant(services.db);
  await makeContact(services.db, tenantId, {
    name: 'Old',
    phones: [{ value: '+551133330009', matchKey: '+551133330009' }],
  });
  const importId = await makeImport(services, tenantId, file, { isDryRun });
  const read = () => readWorld(services.db, tenantId, importId);
  return { tenantId, importId, read };
}

/** Everything that an import of the file leaves behind, but for ids and times. */
async function readWorld(db: Db, tenantId: string, importId: string) {
  const row = await importRow(db, tenantId, importId);
  return inTenant(db, tenantId, async (tx) => {
    const contacts = await tx.contact.findMany({
      where: { tenantId },
      orderBy: { name: 'asc' },
      include: { identities: true, tags: true },
    });
    const problems = await tx.contactImportProblem.findMany({ where: { tenantId, importId } });
    return {
      row,
      people: contacts.map(({ name, identities, tags }) => [name, identities.length, tags.length]),
      problems: problems.map(({ record, code }) => `${record} ${code}`).sort(),
      rejected: await tx.contactImportRejected.count({ where: { tenantId, importId } }),
      tags: await tx.tag.count({ where: { tenantId } }),
    };
  });
}

const done = {
  row: totals,
  people: [
    ['Ana', 1, 2],
    ['Bia', 1, 0],
    ['Caio', 1, 1],
    ['Known', 1, 1],
  ],
  problems: ['3 INVALID_PHONE', '5 DUPLICATE', '6 DUPLICATE', '7 EMPTY_RECORD'],
  rejected: 1,
  tags: 3,
};

/** Runs into a loss at every moment of its kind, one import for each, until an import ends before it comes. */
async function loseEverywhere(services: Services, lossAt: (moment: number) => Loss): Promise<number> {
  for (let moment = 1; ; moment += 1) {
    const { tenantId, importId, read } = await prepare(services);
    const losing = losingDatabase(services.db, lossAt(moment));
    const run = runImport({ ...services, db: losing }, { tenantId }, importId, pages);
    if (
      await run.then(
        () => !losing.isLost,
        () => false,
      )
    )
      return moment - 1;
    const { row } = await read();
    expect(row.created + row.updated + row.skipped + row.failed).toBe(row.recordsDone);
    await endLease(services.db, tenantId, importId);
    await runImport(services, { tenantId }, importId, pages);
    expect(await read(), `lost at ${moment}`).toMatchObject(done);
  }
}

test(
  'lost before any statement of an import, it goes on where it was, and no record is done twice',
  {
    timeout: 180_000,
  },
  async ({ db, storage }) => {
    expect(await loseEverywhere({ db, storage }, (statement) => ({ statement }))).toBeGreaterThan(40);
  },
);

test('lost right after any commit of an import, it goes on behind it', async ({ db, storage }) => {
  expect(await loseEverywhere({ db, storage }, (commit) => ({ commit }))).toBe(5); // the lease, the first reading, three pages
});

test('an error inside a page gives the import back with a pause, longer each time', async ({ db, storage }) => {
  const { tenantId, importId, read } = await prepare({ db, storage });
  const broken: FileStore = {
    exists: () => Promise.resolve(true),
    getStream: () => Promise.reject(new Error('The storage is away.')),
  };
  const pauseMs = async () => (((await read()).row.leaseUntil?.getTime() ?? 0) - Date.now()) / 1_000;
  for (const [attempt, atLeast] of [0, 2, 12].entries()) {
    await expect(runImport({ db, storage: broken }, { tenantId }, importId)).rejects.toThrow('The storage is away.');
    expect(await pauseMs()).toBeGreaterThan(atLeast);
    expect((await read()).row).toMatchObject({ status: 'RUNNING', leaseToken: null, attempts: attempt + 1 });
    expect(await runImport({ db, storage }, { tenantId }, importId)).toMatchObject({ outcome: 'nothing to do' });
    await endLease(db, tenantId, importId);
  }
  await runImport({ db, storage }, { tenantId }, importId, pages);
  expect(await read()).toMatchObject(done);
});

test('a file that ends run after run is set aside, and what was done stays', async ({ db, storage }) => {
  const { tenantId, importId, read } = await prepare({ db, storage });
  await runImport({ db, storage }, { tenantId }, importId, { ...pages, importSliceMs: 0 });
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const losing = losingDatabase(db, { statement: 8 });
    await expect(runImport({ db: losing, storage }, { tenantId }, importId, pages)).rejects.toThrow('lost');
    await endLease(db, tenantId, importId);
  }
  expect(await runImport({ db, storage }, { tenantId }, importId, pages)).toMatchObject({ outcome: 'failed' });
  expect(await read()).toMatchObject({
    row: {
      status: 'FAILED',
      failureCode: 'SET_ASIDE',
      recordsDone: 3,
      created: 1,
      updated: 1,
      failed: 1,
      leaseToken: null,
    },
    people: [
      ['Ana', 1, 2],
      ['Known', 1, 1],
    ],
  });
});

test('after its slice of time, or when asked to stop, a run hands the import on with a job', async ({
  db,
  storage,
  database,
}) => {
  const { tenantId, importId, read } = await prepare({ db, storage });
  await using queue = await connect(database.superuserUrl);
  const takeJobs = async () => {
    const { rows } = await queue.client.query(
      `delete from graphile_worker._private_jobs where key like $1 returning key`,
      [`contacts/import:%${importId}`],
    );
    return rows.length;
  };
  expect(await takeJobs()).toBe(1); // from the beginning
  const stopped = AbortSignal.abort();
  expect(await runImport({ db, storage }, { tenantId }, importId, pages, stopped)).toEqual({
    outcome: 'handed on',
    records: 0,
  });
  expect([(await read()).row.leaseToken, (await read()).row.attempts, await takeJobs()]).toEqual([null, 0, 1]);

  expect(await runImport({ db, storage }, { tenantId }, importId, { ...pages, importSliceMs: 0 })).toEqual({
    outcome: 'handed on',
    records: 3,
  });
  expect([(await read()).row.leaseToken, await takeJobs()]).toEqual([null, 1]);
  expect(await runImport({ db, storage }, { tenantId }, importId, pages, stopped)).toEqual({
    outcome: 'handed on',
    records: 3,
  });
  expect(await takeJobs()).toBe(1);
  expect(await runImport({ db, storage }, { tenantId }, importId, pages, stopped)).toEqual({
    outcome: 'finished',
    records: 2,
  });
  expect([await takeJobs(), await read()]).toMatchObject([0, done]);
});

test('one run at a time: another one finds nothing to do', async ({ db, storage }) => {
  const { tenantId, importId, read } = await prepare({ db, storage });
  const gate = gatedStore(storage);
  const first = runImport({ db, storage: gate.store }, { tenantId }, importId, pages);
  await gate.reached;
  expect(await runImport({ db, storage }, { tenantId }, importId, pages)).toMatchObject({ outcome: 'nothing to do' });
  gate.open();
  expect(await first).toMatchObject({ outcome: 'finished' });
  expect(await read()).toMatchObject(done);
});

test('of two runs that both believe to have an import, only the later writes', async ({ db, storage }) => {
  const { tenantId, importId, read } = await prepare({ db, storage });
  await runImport({ db, storage }, { tenantId }, importId, { ...pages, importSliceMs: 0 });
  const start = async () => {
    const gate = gatedStore(storage);
    const run = runImport({ db, storage: gate.store }, { tenantId }, importId, pages);
    await gate.reached;
    return { run, open: gate.open };
  };
  const first = await start();
  await endLease(db, tenantId, importId);
  const second = await start();
  first.open();
  expect(await first.run).toEqual({ outcome: 'lost', records: 0 });
  second.open();
  expect(await second.run).toEqual({ outcome: 'finished', records: 5 });
  expect(await read()).toMatchObject(done);
});

test('a run that slept through its lease writes nothing more', async ({ db, storage }) => {
  for (const wasReadBefore of [false, true]) {
    const { tenantId, importId, read } = await prepare({ db, storage });
    const oneSlice = () => runImport({ db, storage }, { tenantId }, importId, { ...pages, importSliceMs: 0 });
    if (wasReadBefore) await oneSlice();
    const gate = gatedStore(storage);
    const sleeper = runImport({ db, storage: gate.store }, { tenantId }, importId, pages);
    await gate.reached;
    await endLease(db, tenantId, importId);
    await oneSlice();
    const meanwhile = await read();
    gate.open();
    expect(await sleeper).toEqual({ outcome: 'lost', records: 0 });
    expect(await read()).toEqual(meanwhile);
    await runImport({ db, storage }, { tenantId }, importId, pages);
    expect(await read()).toMatchObject(done);
  }
});

test('what an import needed while it ran is deleted when it is over, and not before', async ({ db, storage }) => {
  const { tenantId, importId } = await prepare({ db, storage }, true);
  await runImport({ db, storage }, { tenantId }, importId, { ...pages, importSliceMs: 0 });
  const clear = () => inTenant(db, tenantId, (tx) => deleteClaims(tx, tenantId, importId, 2));
  expect(await clear()).toBe(0);
  await runImport({ db, storage }, { tenantId }, importId, pages);
  expect([await clear(), await clear(), await clear(), await clear(), await clear()]).toEqual([2, 2, 2, 2, 0]);
});

async function connect(url: string): Promise<AsyncDisposable & { client: pg.Client }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
