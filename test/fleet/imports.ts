import type pg from 'pg';
import { type Db, inTenant } from '../../prisma/client.ts';
import type { Storage } from '../../runtime/storage.ts';
import { expect } from '../fixtures.ts';
import { importRow, makeImport } from '../imports.ts';
import { makeTenant } from '../make.ts';

export type Expected = { total: number; created: number; updated: number; skipped: number; failed: number };
export type OpenImport = {
  tenantId: string;
  importId: string;
  expected: Expected;
  phones: string[];
  failedRecords: number[];
};

/** A file that takes a while in small pages: mostly good records, some bad ones, some that name a person for the second time. */
export async function openImport(
  services: { db: Db; storage: Pick<Storage, 'putStream'> },
  records: number,
): Promise<OpenImport> {
  const phones: string[] = [];
  const failedRecords: number[] = [];
  const lines = ['name,phone'];
  let skipped = 0;
  for (let record = 1; record <= records; record += 1) {
    const phone = `+55119${80_000_000 + record}`;
    if (record % 50 === 0) {
      failedRecords.push(record);
      lines.push(`Person ${record},12`);
    } else if (record % 70 === 1 && record > 1) {
      skipped += 1;
      lines.push(`Person ${record} again,${phones[Math.floor(phones.length / 2)]}`);
    } else {
      phones.push(phone);
      lines.push(`Person ${record},${phone}`);
    }
  }
  const tenantId = await makeTenant(services.db);
  const importId = await makeImport(services, tenantId, lines.join('\n'));
  const expected = { total: records, created: phones.length, updated: 0, skipped, failed: failedRecords.length };
  return { tenantId, importId, expected, phones, failedRecords };
}

/** The import ends by itself, and every record of its file is accounted for once: in its totals, its report, and the contacts. */
export async function expectImported(db: Db, { tenantId, importId, ...wanted }: OpenImport): Promise<void> {
  await expect
    .poll(async () => (await importRow(db, tenantId, importId)).status, { timeout: 90_000, interval: 100 })
    .toBe('FINISHED');
  const { total, created, updated, skipped, failed } = await importRow(db, tenantId, importId);
  expect({ total, created, updated, skipped, failed }).toEqual(wanted.expected);
  await inTenant(db, tenantId, async (tx) => {
    const identities = await tx.contactIdentity.findMany({
      where: { tenantId, kind: 'PHONE' },
      orderBy: { value: 'asc' },
    });
    expect(identities.map(({ value }) => value)).toEqual(wanted.phones);
    expect(new Set(identities.map(({ contactId }) => contactId)).size).toBe(wanted.phones.length);
    expect(await tx.contact.count({ where: { tenantId } })).toBe(wanted.phones.length);
    const problems = await tx.contactImportProblem.findMany({
      where: { tenantId, importId, outcome: 'FAILED' },
      orderBy: { record: 'asc' },
    });
    expect(problems.map(({ record }) => record)).toEqual(wanted.failedRecords);
  });
}

export type Progress = { records: number; open: number; left: number };

/** How far all imports are together, how many are not at their end, and how many records those have left: seen past every wall. */
export async function progressOf(superuser: pg.Pool): Promise<Progress> {
  const { rows } = await superuser.query<Progress>(
    `select coalesce(sum(records_done), 0)::int as records,
            (count(*) filter (where status in ('PENDING', 'RUNNING')))::int as open,
            coalesce(sum(total - records_done) filter (where status = 'RUNNING'), 0)::int as left from contact_imports`,
  );
  const [progress] = rows;
  if (!progress) throw new Error('An aggregate has one row.');
  return progress;
}

/** So that whatever happens happens in the middle of imports: adds some until two are open with enough to do. */
export async function keepImporting(
  services: { db: Db; storage: Pick<Storage, 'putStream'> },
  superuser: pg.Pool,
  imports: OpenImport[],
  recordsEach: number,
): Promise<void> {
  const { open, left } = await progressOf(superuser);
  const missing = left < recordsEach ? 2 : 2 - open;
  for (let added = 0; added < missing; added += 1) imports.push(await openImport(services, recordsEach));
}

/** Waits until the imports get on, from here. */
export async function getsOn(superuser: pg.Pool, byRecords = 1): Promise<void> {
  const { records } = await progressOf(superuser);
  await expect
    .poll(async () => (await progressOf(superuser)).records, { timeout: 60_000, interval: 20 })
    .toBeGreaterThanOrEqual(records + byRecords);
}

/** No job is left, locked or waiting, and none was given up. */
export async function expectQuiet(queue: pg.Pool): Promise<void> {
  await expect
    .poll(
      async () => (await queue.query('select task_id, attempts, locked_by from graphile_worker._private_jobs')).rows,
      { timeout: 60_000, interval: 50 },
    )
    .toEqual([]);
}
