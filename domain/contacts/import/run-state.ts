import type { Tx } from '../../../prisma/client.ts';
import type { CustomFieldShape, CustomFieldType } from '../custom-values.ts';
import { enqueue } from '../../jobs.ts';
import type { ColumnMapping, KnownCustomField } from './columns.ts';
import type { OnConflict } from './decide.ts';
import { cleanUpImport, importContactsJob } from './jobs.ts';
import type { Format, Prepared } from './prepare.ts';
import type { ImportFailure } from './import-failure.ts';
import type { ImportSettings } from './settings.ts';
import type { FileConsent } from './store-contacts.ts';

/** One run over an import: nobody else works on it while its lease lasts, and only with its token is anything written. */
export type Run = {
  tenantId: string;
  importId: string;
  token: string;
  /** How many runs in a row, this one included, have not got any further. */
  attempts: number;
  isDryRun: boolean;
  onConflict: OnConflict;
  defaultCountry: string;
  mapping: ColumnMapping[];
  consents: FileConsent[];
  createdAt: Date;
  uploadId: string;
  storageKey: string | null;
  /** What was found when the file was first read; null before. */
  format: Format | null;
  total: number | null;
  done: { records: number; byte: number; line: number };
  customFields: (KnownCustomField & CustomFieldShape)[];
};

/** The import was cancelled, or another run has it: whoever finds out leaves it alone. */
export class LostRunError extends Error {}

/** Takes the lease of an import that is open and that nobody works on; undefined when there is nothing to do. */
export async function beginRun(
  tx: Tx,
  tenantId: string,
  importId: string,
  settings: ImportSettings,
): Promise<Run | undefined> {
  const [token] = await tx.$queryRaw<{ token: string }[]>`
    update contact_imports
       set status = 'RUNNING', started_at = coalesce(started_at, clock_timestamp()), attempts = attempts + 1, lease_token = gen_random_uuid(),
           lease_until = clock_timestamp() + make_interval(secs => ${settings.importLeaseMs / 1_000}::float8)
     where tenant_id = ${tenantId}::uuid and id = ${importId}::uuid and status in ('PENDING', 'RUNNING')
       and (lease_until is null or lease_until < clock_timestamp())
    returning lease_token as token`;
  if (!token) return undefined;
  const row = await tx.contactImport.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: importId } },
    include: { upload: { select: { storageKey: true } } },
  });
  const fields = await tx.customField.findMany({ where: { tenantId, deletedAt: null } });
  return {
    tenantId,
    importId,
    token: token.token,
    attempts: row.attempts,
    isDryRun: row.dryRun,
    onConflict: row.onConflict as OnConflict,
    defaultCountry: row.defaultCountry,
    mapping: row.mapping as unknown as ColumnMapping[],
    consents: (row.consents ?? []) as unknown as FileConsent[],
    createdAt: row.createdAt,
    uploadId: row.uploadId,
    storageKey: row.upload.storageKey,
    format: row.format as unknown as Format | null,
    total: row.total,
    done: { records: row.recordsDone, byte: Number(row.bytesDone), line: row.linesDone },
    customFields: fields.map(({ key, label, type, options }) => ({
      key,
      label,
      type: type as CustomFieldType,
      options,
    })),
  };
}

/** Says that the run is alive. Throws when the import is no longer its own. */
export async function renewLease(tx: Tx, run: Run, { importLeaseMs }: ImportSettings): Promise<void> {
  const renewed = await tx.$executeRaw`
    update contact_imports set lease_until = clock_timestamp() + make_interval(secs => ${importLeaseMs / 1_000}::float8)
     where tenant_id = ${run.tenantId}::uuid and id = ${run.importId}::uuid and status = 'RUNNING' and lease_token = ${run.token}::uuid`;
  if (renewed === 0) throw new LostRunError();
}

/** Keeps the import for this transaction. Throws when it is no longer the run's own, or not where the run believes it to be. */
export async function holdRun(tx: Tx, run: Run, recordsDone: number): Promise<void> {
  const rows = await tx.$queryRaw<unknown[]>`
    select true as held from contact_imports
     where tenant_id = ${run.tenantId}::uuid and id = ${run.importId}::uuid and status = 'RUNNING' and lease_token = ${run.token}::uuid
       and records_done = ${recordsDone}::int
       for update`;
  if (rows.length === 0) throw new LostRunError();
}

export async function savePrepared(tx: Tx, run: Run, { format, total, firstRecord }: Prepared): Promise<void> {
  await holdRun(tx, run, 0);
  await tx.contactImport.update({
    where: { tenantId_id: { tenantId: run.tenantId, id: run.importId } },
    data: { format, total, bytesDone: firstRecord.byte, linesDone: firstRecord.line, attempts: 0 },
    select: { id: true },
  });
}

/** Hands the import on to the next run: stopped, or others have their turn. */
export async function handOn(tx: Tx, run: Run): Promise<void> {
  const { tenantId, importId } = run;
  const released = await tx.$executeRaw`
    update contact_imports set lease_token = null, lease_until = null, attempts = 0
     where tenant_id = ${tenantId}::uuid and id = ${importId}::uuid and status = 'RUNNING' and lease_token = ${run.token}::uuid`;
  if (released > 0) await enqueue(tx, importContactsJob, { tenantId, importId });
}

/** Something went wrong that may pass: nobody takes the import up again before a while, longer each time. */
export async function backOff(tx: Tx, run: Run): Promise<void> {
  const seconds = 4 ** (run.attempts - 1);
  await tx.$executeRaw`
    update contact_imports set lease_token = null, lease_until = clock_timestamp() + make_interval(secs => ${seconds}::float8)
     where tenant_id = ${run.tenantId}::uuid and id = ${run.importId}::uuid and status = 'RUNNING' and lease_token = ${run.token}::uuid`;
}

export async function failRun(
  tx: Tx,
  run: Run,
  failure: Pick<ImportFailure, 'code' | 'message' | 'line'>,
): Promise<void> {
  const { tenantId, importId } = run;
  const failed = await tx.$executeRaw`
    update contact_imports set status = 'FAILED', failure_code = ${failure.code}, failure_message = ${failure.message}, failure_line = ${failure.line ?? null}::int
     where tenant_id = ${tenantId}::uuid and id = ${importId}::uuid and status = 'RUNNING' and lease_token = ${run.token}::uuid`;
  if (failed > 0) await endImport(tx, tenantId, importId);
}

/** What every end of an import has in common. A file that was imported is not needed any more; one that failed before its first record is. */
export async function endImport(tx: Tx, tenantId: string, importId: string): Promise<void> {
  await tx.$executeRaw`
    update contact_imports set finished_at = clock_timestamp(), lease_token = null, lease_until = null
     where tenant_id = ${tenantId}::uuid and id = ${importId}::uuid`;
  await tx.$executeRaw`
    update uploads u set expires_at = clock_timestamp() from contact_imports i
     where i.tenant_id = ${tenantId}::uuid and i.id = ${importId}::uuid and not i.dry_run and i.total is not null
       and u.tenant_id = i.tenant_id and u.id = i.upload_id`;
  await enqueue(tx, cleanUpImport, { tenantId, importId });
}
