import pg from 'pg';
import { type Db, inTenant } from '../../../prisma/client.ts';
import type { Storage } from '../../../runtime/storage.ts';
import { expect, test } from '../../../test/fixtures.ts';
import { gatedStore, importRow, makeImport, runImport } from '../../../test/imports.ts';
import { makeContact, makeTenant } from '../../../test/make.ts';
import type { RunReport } from './import-contacts.ts';

type Services = { db: Db; storage: Storage; database: { superuserUrl: string } };
/** The import, and a transaction that holds its next page up. */
type Held = { importId: string; outside: pg.Client };

const holdRow = ({ outside, importId }: Held) =>
  outside.query('select from contact_imports where id = $1 for update', [importId]);

const onePage = { importPageRecords: 1, importSliceMs: 60_000 };

/** Two records, each a page, stored side by side behind one that is done: the first is held up until the second waits for it. */
async function holdUp(
  { db, storage, database }: Services,
  tenantId: string,
  records: [string, string],
  options: { isDryRun?: boolean; hasWritten?: boolean; hold?: (held: Held) => Promise<unknown> },
  whileHeld: (held: Held) => Promise<unknown> = () => Promise.resolve(),
): Promise<{ importId: string; report: RunReport }> {
  const { isDryRun = false, hasWritten = false, hold = holdRow } = options;
  const file = ['name,phone,external id,tags', 'Zoe,+551133330000,,old', ...records].join('\n');
  const importId = await makeImport({ db, storage }, tenantId, file, { isDryRun });
  await runImport({ db, storage }, { tenantId }, importId, { ...onePage, importSliceMs: 0 });

  const outside = new pg.Client({ connectionString: database.superuserUrl });
  await outside.connect();
  const gate = gatedStore(storage);
  const run = runImport({ db, storage: gate.store }, { tenantId }, importId, onePage);
  try {
    await gate.reached;
    await outside.query('begin');
    await hold({ importId, outside });
    gate.open();
    await expect
      .poll(async () => (await outside.query(waiting)).rows, { timeout: 4_000, interval: 10 })
      .toEqual([{ wrote: hasWritten }]);
    await whileHeld({ importId, outside });
    await outside.query('commit');
    return { importId, report: await run };
  } finally {
    await outside.end();
    await Promise.allSettled([run]);
  }
}

/** Who waits for the page ahead, and whether it has stored something already. */
const waiting = `
  select exists (select from pg_locks x where x.pid = l.pid and x.locktype = 'transactionid' and x.mode = 'ExclusiveLock') as wrote
    from pg_locks l where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`;

const peopleOf = (db: Db, tenantId: string) =>
  inTenant(db, tenantId, async (tx) => {
    const contacts = await tx.contact.findMany({ where: { tenantId }, orderBy: { name: 'asc' } });
    return contacts.map(({ name }) => name);
  });

test('new people are stored while the page before them is still under way', async ({ db, storage, database }) => {
  const tenantId = await makeTenant(db);
  const records: [string, string] = ['Ana,+551133330001,x1,old', 'Bia,+551133330002,x2,old'];
  const isHeld = async ({ importId }: Held) => {
    expect(await importRow(db, tenantId, importId)).toMatchObject({ recordsDone: 1 });
    expect(await peopleOf(db, tenantId)).toEqual(['Zoe']);
  };
  const { importId } = await holdUp({ db, storage, database }, tenantId, records, { hasWritten: true }, isHeld);
  expect(await importRow(db, tenantId, importId)).toMatchObject({ status: 'FINISHED', created: 3, recordsDone: 3 });
  expect(await peopleOf(db, tenantId)).toEqual(['Ana', 'Bia', 'Zoe']);
});

for (const isDryRun of [false, true]) {
  const kind = isDryRun ? 'a dry run' : 'an import';

  test(`of two pages side by side, the first speaks for a person whom both name, in ${kind}`, async ({
    db,
    storage,
    database,
  }) => {
    const tenantId = await makeTenant(db);
    const records: [string, string] = ['Ana,+551133330001,x1,', 'Ana again,,x1,'];
    const { importId } = await holdUp({ db, storage, database }, tenantId, records, { isDryRun });
    expect(await importRow(db, tenantId, importId)).toMatchObject({ created: 2, updated: 0, skipped: 1, failed: 0 });
  });

  test(`of two pages side by side, the first speaks for a contact that each knows by something else, in ${kind}`, async ({
    db,
    storage,
    database,
  }) => {
    const tenantId = await makeTenant(db);
    const phones = [{ value: '+551133330009', matchKey: '+551133330009' }];
    await makeContact(db, tenantId, { name: 'Known', externalId: 'x9', phones });
    const records: [string, string] = ['By id,,x9,', 'By phone,+551133330009,,'];
    const { importId } = await holdUp({ db, storage, database }, tenantId, records, { isDryRun });
    expect(await importRow(db, tenantId, importId)).toMatchObject({ created: 1, updated: 1, skipped: 1, failed: 0 });
    expect(await peopleOf(db, tenantId)).toEqual(isDryRun ? ['Known'] : ['By id', 'Zoe']);
  });
}

test('a tag that two pages side by side bring is made once, by the first', async ({ db, storage, database }) => {
  const tenantId = await makeTenant(db);
  const records: [string, string] = ['Ana,+551133330001,,new', 'Bia,+551133330002,,NEW'];
  const { importId } = await holdUp({ db, storage, database }, tenantId, records, { hasWritten: true });
  expect(await importRow(db, tenantId, importId)).toMatchObject({ status: 'FINISHED', created: 3 });
  const tags = await inTenant(db, tenantId, (tx) => tx.tag.findMany({ where: { tenantId }, orderBy: { name: 'asc' } }));
  expect(tags.map(({ name }) => name)).toEqual(['new', 'old']);
});

test('when an import ends under a page, nothing stays of the one behind it', async ({ db, storage, database }) => {
  const tenantId = await makeTenant(db);
  const records: [string, string] = ['Ana,+551133330001,,', 'Bia,+551133330002,,'];
  const cancel = ({ outside, importId }: Held) =>
    outside.query(`update contact_imports set status = 'CANCELLED' where id = $1`, [importId]);
  const done = await holdUp({ db, storage, database }, tenantId, records, { hasWritten: true }, cancel);
  expect(done.report).toEqual({ outcome: 'lost', records: 0 });
  expect(await importRow(db, tenantId, done.importId)).toMatchObject({
    status: 'CANCELLED',
    created: 1,
    recordsDone: 1,
  });
  expect(await peopleOf(db, tenantId)).toEqual(['Zoe']);
});

test('a page that meets people whom somebody else stores is looked up anew, and the one behind it after it', async ({
  db,
  storage,
  database,
}) => {
  const tenantId = await makeTenant(db);
  const records: [string, string] = ['Ana,+551133330001,,', 'Bia,+551133330002,,'];
  const hold = async ({ outside }: Held) => {
    const contact = `insert into contacts (tenant_id, name) values ($1, 'By API') returning id`;
    const { rows } = await outside.query<{ id: string }>(contact, [tenantId]);
    await outside.query(
      `insert into contact_identities (tenant_id, contact_id, kind, value, match_key) values ($1, $2, 'PHONE', $3, $3)`,
      [tenantId, rows[0]?.id, '+551133330001'],
    );
  };
  const { importId } = await holdUp({ db, storage, database }, tenantId, records, { hasWritten: true, hold });
  const totals = { status: 'FINISHED', created: 2, updated: 1, skipped: 0, failed: 0 };
  expect(await importRow(db, tenantId, importId)).toMatchObject(totals);
  expect(await peopleOf(db, tenantId)).toEqual(['Ana', 'Bia', 'Zoe']);
});
