import { expect, test } from '../../../test/fixtures.ts';
import { endLease, importRow, makeImport, runImport } from '../../../test/imports.ts';
import { makeTenant } from '../../../test/make.ts';
import { type Db, inTenant } from '../../../prisma/client.ts';
import { createContact } from '../create-contact.ts';
import { ConflictError } from '../../errors.ts';

const people = 240;
const phoneOf = (index: number) => `+5511${String(983_330_000 + index)}`;
/** Without a factor of the number of people: every file has them all. */
const strides = [1, 7, 11, 13];
/** The same people in an order of its own, with or without the ninth digit. */
const fileOf = (seed: 0 | 1 | 2 | 3) =>
  [
    'name,phone,external id,tags',
    ...Array.from({ length: people }, (_, index) => (index * (strides[seed] ?? 1)) % people).map((index) => {
      const phone = (index + seed) % 2 === 0 ? phoneOf(index) : phoneOf(index).replace('+55119', '+5511');
      return `From ${seed},${phone},x${index},"t${index % 7},t${(index + seed) % 5}"`;
    }),
  ].join('\n');

const countPeople = (db: Db, tenantId: string) =>
  inTenant(db, tenantId, async (tx) => ({
    contacts: await tx.contact.count({ where: { tenantId } }),
    phones: await tx.contactIdentity.count({ where: { tenantId } }),
    tags: await tx.tag.count({ where: { tenantId } }),
  }));

test('imports of the same people that run at once make each person once, and every total adds up', async ({
  db,
  storage,
}) => {
  const tenantId = await makeTenant(db);
  const seeds = [0, 1, 2, 3] as const;
  const importIds = await Promise.all(seeds.map((seed) => makeImport({ db, storage }, tenantId, fileOf(seed))));
  await Promise.all(
    importIds.map((importId) => runImport({ db, storage }, { tenantId }, importId, { importPageRecords: 20 })),
  );
  const rows = await Promise.all(importIds.map((importId) => importRow(db, tenantId, importId)));
  for (const row of rows) {
    expect(row).toMatchObject({ status: 'FINISHED', total: people, recordsDone: people, skipped: 0, failed: 0 });
    expect(row.created + row.updated).toBe(people);
  }
  expect(rows.reduce((sum, { created }) => sum + created, 0)).toBe(people);
  expect(await countPeople(db, tenantId)).toEqual({ contacts: people, phones: people, tags: 7 });
});

test('people whom the API creates meanwhile are met, not made again', async ({ db, storage }) => {
  const tenantId = await makeTenant(db);
  const importId = await makeImport({ db, storage }, tenantId, fileOf(1));
  const byApi = async () => {
    let created = 0;
    for (let index = 0; index < people; index += 2) {
      const made = await inTenant(db, tenantId, (tx) =>
        createContact(tx, tenantId, { name: 'By API', phone: phoneOf(index) }, new Date()),
      ).catch((error: unknown) => {
        if (!(error instanceof ConflictError)) throw error;
      });
      if (made) created += 1;
    }
    return created;
  };
  const [created] = await Promise.all([
    byApi(),
    runImport({ db, storage }, { tenantId }, importId, { importPageRecords: 10 }),
  ]);
  const row = await importRow(db, tenantId, importId);
  expect(row).toMatchObject({ status: 'FINISHED', recordsDone: people, skipped: 0, failed: 0 });
  expect(row.created + created).toBe(people);
  expect(await countPeople(db, tenantId)).toMatchObject({ contacts: people, phones: people });
});

test('imports of many tenants at once keep to themselves', async ({ db, storage }) => {
  const tenants = await Promise.all(Array.from({ length: 6 }, () => makeTenant(db)));
  const runs = tenants.flatMap((tenantId) => ([0, 1] as const).map((seed) => ({ tenantId, seed })));
  await Promise.all(
    runs.map(async ({ tenantId, seed }) => {
      const importId = await makeImport({ db, storage }, tenantId, fileOf(seed));
      await runImport({ db, storage }, { tenantId }, importId, { importPageRecords: 60 });
      expect(await importRow(db, tenantId, importId)).toMatchObject({ status: 'FINISHED', recordsDone: people });
    }),
  );
  for (const tenantId of tenants) expect(await countPeople(db, tenantId)).toMatchObject({ contacts: people });
});

test('runs over one import that come all at once do it once', async ({ db, storage }) => {
  const tenantId = await makeTenant(db);
  const importId = await makeImport({ db, storage }, tenantId, fileOf(0));
  const wakeUps = Array.from({ length: 6 }, async (_, index) => {
    if (index % 2 === 1) await endLease(db, tenantId, importId); // as if the one before had been given up too early
    return runImport({ db, storage }, { tenantId }, importId, { importPageRecords: 20 });
  });
  const outcomes = (await Promise.all(wakeUps)).map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === 'finished')).toHaveLength(1);
  expect(await importRow(db, tenantId, importId)).toMatchObject({ recordsDone: people, created: people });
  expect(await countPeople(db, tenantId)).toMatchObject({ contacts: people });
});
