import { lanes } from '../../domain/jobs.ts';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Db, inTenant, type Prisma } from '../../prisma/client.ts';
import { eventually, test } from '../../test/fleet/fleet.ts';
import { makeImport } from '../../test/imports.ts';
import { makeTenant } from '../../test/make.ts';
import { expect } from '../../test/fixtures.ts';
import { crontab, cronItems } from '../crontab.ts';

const hour = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);

test('what is over is erased, files first: unused uploads, imported files, old keys; what is in use or kept stays', async ({
  db,
  storage,
  fleet,
  queue,
  scratch,
}) => {
  const [tenantId, other] = [await makeTenant(db), await makeTenant(db)];
  const upload = async (name: string, data: Partial<Prisma.UploadUncheckedCreateInput>, tenant = tenantId) => {
    const id = randomUUID();
    const storageKey = `${tenant}/uploads/${id}/file`;
    await storage.putStream(storageKey, Readable.from(['name\nx\n']));
    const fixed = { contentType: 'text/csv', byteSize: 7, tokenHash: Buffer.alloc(32), status: 'RECEIVED', storageKey };
    await inTenant(db, tenant, (tx) =>
      tx.upload.create({ data: { tenantId: tenant, id, fileName: name, ...fixed, expiresAt: ago(hour), ...data } }),
    );
    return storageKey;
  };
  const gone = [
    await upload('never imported', {}),
    await upload('cut off', { status: 'RECEIVING', leaseUntil: ago(hour) }),
    await upload('another tenant’s', {}, other),
  ];
  const kept = [
    await upload('not yet over', { expiresAt: ago(-hour) }),
    await upload('arriving', { status: 'RECEIVING', leaseUntil: ago(-hour) }),
  ];
  const [running, finished] = [
    await makeImport({ db, storage }, tenantId, 'name\nx\n'),
    await makeImport({ db, storage }, tenantId, 'name\ny\n'),
  ];
  await inTenant(db, tenantId, async (tx) => {
    await tx.contactImport.update({
      where: { tenantId_id: { tenantId, id: running } },
      data: { status: 'RUNNING', leaseUntil: ago(-hour), leaseToken: randomUUID() },
    });
    await tx.contactImport.update({
      where: { tenantId_id: { tenantId, id: finished } },
      data: { status: 'FINISHED', finishedAt: new Date() },
    });
    await tx.upload.updateMany({ where: { tenantId, imports: { some: {} } }, data: { expiresAt: ago(hour) } });
    const key = {
      tenantId,
      caller: 'a',
      operation: 'x',
      inputHash: Buffer.alloc(32),
      status: 'DONE',
      leaseUntil: ago(hour),
    };
    await tx.idempotencyKey.createMany({
      data: [
        { ...key, key: 'old', expiresAt: ago(hour) },
        { ...key, key: 'new', expiresAt: ago(-hour) },
      ],
    });
  });
  const fileOf = async (importId: string) =>
    (
      await scratch.query<{ storage_key: string | null }>(
        'select u.storage_key from uploads u join contact_imports i on i.upload_id = u.id where i.id = $1',
        [importId],
      )
    ).rows[0]?.storage_key;
  const [runningFile, finishedFile] = [String(await fileOf(running)), String(await fileOf(finished))];

  const runPurge = async () => {
    await queue.query(`select enqueue_job('tenants/purge-all', '{"_cron":{}}', 'tenants/purge-all', null, 3, 0)`);
    await eventually(
      queue,
      `select count(*)::int from graphile_worker._private_jobs where key like 'tenants/purge%'`,
      0,
    );
  };
  fleet.start({ main: true, env: { WORKER_LANES: 'maintenance' } });
  await runPurge();

  for (const key of [...gone, finishedFile]) expect(await storage.exists(key)).toBe(false);
  for (const key of [...kept, runningFile]) expect(await storage.exists(key)).toBe(true);
  const { rows } = await scratch.query<{ file_name: string }>('select file_name from uploads order by file_name');
  expect(rows.map(({ file_name }) => file_name)).toEqual(['arriving', 'not yet over', 'people.csv', 'people.csv']); // an import keeps its upload's row
  expect(await fileOf(finished)).toBeNull();
  expect((await scratch.query('select key from idempotency_keys')).rows).toEqual([{ key: 'new' }]);
  await expectNothingToPurge(db);
});

/** Else the same tenants would be found every hour, for nothing. */
async function expectNothingToPurge(db: Db): Promise<void> {
  expect(
    await inTenant(db, randomUUID(), (tx) => tx.$queryRaw`select tenant_id from find_tenants_to_purge(10)`),
  ).toEqual([]);
}

test('what runs by the calendar is in one lane, under a key of its own, so that a tick is one job in the whole fleet', () => {
  const items = lanes.flatMap((lane) => cronItems(crontab, lane));
  expect(items).toHaveLength(crontab.length);
  for (const { task, identifier, options } of items)
    expect({ identifier, jobKey: options.jobKey }).toEqual({ identifier: task, jobKey: task });
  const purge = items.find(({ task }) => task === 'tenants/purge-all');
  const at = (min: number) => purge?.match({ min, hour: 4, date: 1, month: 1, dow: 1 });
  expect([at(22), at(23), at(24)]).toEqual([false, true, false]);
});
