import { type Db, inTenant } from '../../../prisma/client.ts';
import { CsvError } from '../../csv/csv-error.ts';
import { isoDate } from '../dates.ts';
import type { CheckRules } from './check-record.ts';
import type { FileStore } from './file.ts';
import { ImportFailure } from './import-failure.ts';
import { readPages } from './pages.ts';
import { type Format, prepareFile } from './prepare.ts';
import { backOff, beginRun, failRun, handOn, LostRunError, renewLease, type Run, savePrepared } from './run-state.ts';
import type { ImportSettings } from './settings.ts';
import { storePages } from './store-pages.ts';

/** How a run over an import ended, and how many records it did. */
export type RunReport = {
  outcome: 'finished' | 'failed' | 'handed on' | 'lost' | 'nothing to do';
  records: number;
};

/**
 * Works on an import: until it is done, until others have their turn, or until it is asked to stop. May be killed at any moment and
 * called at any time, by several at once: the row's lease lets one in, and every page says in its own transaction how far it went.
 */
export async function importContacts(
  db: Db,
  store: FileStore,
  { tenantId, importId }: { tenantId: string; importId: string },
  settings: ImportSettings,
  signal: AbortSignal,
): Promise<RunReport> {
  const run = await inTenant(db, tenantId, (tx) => beginRun(tx, tenantId, importId, settings));
  if (!run) return { outcome: 'nothing to do', records: 0 };
  const report: RunReport = { outcome: 'finished', records: 0 };
  const begunAt = performance.now();
  const isTurnOver = () => signal.aborted || performance.now() - begunAt > settings.importSliceMs;
  try {
    if (run.attempts > settings.importAttemptsMax) throw setAside(run, settings);
    const { format, total } = await prepare(db, store, run, settings, signal);
    const pages = readPages(store, run.storageKey, format, placeOf(run), rulesOf(run, format, settings), settings);
    const next = await storePages(db, run, pages, settings, { total, isTurnOver, report });
    if (next === 'finish') return report;
    if (next === 'hand on') return { ...report, outcome: 'handed on' };
    throw new Error('The file ended before its last record.');
  } catch (error) {
    if (error instanceof LostRunError) return { ...report, outcome: 'lost' };
    if (error instanceof StoppedError) {
      await inTenant(db, tenantId, (tx) => handOn(tx, run));
      return { ...report, outcome: 'handed on' };
    }
    if (error instanceof CsvError || error instanceof ImportFailure) {
      await inTenant(db, tenantId, (tx) => failRun(tx, run, error));
      return { ...report, outcome: 'failed' };
    }
    await inTenant(db, tenantId, (tx) => backOff(tx, run)).catch(() => {}); // the database is away: the lease ends by itself
    throw error;
  }
}

/** Asked to stop while nothing is half done. */
class StoppedError extends Error {}

function setAside({ done }: Run, { importAttemptsMax }: ImportSettings): ImportFailure {
  return new ImportFailure(
    'SET_ASIDE',
    `The import was begun ${importAttemptsMax} times in a row and never got beyond record ${done.records}. It was set aside; what was done stays.`,
  );
}

/** What the first reading of the file found: read now, or by an earlier run. */
async function prepare(
  db: Db,
  store: FileStore,
  run: Run,
  settings: ImportSettings,
  signal: AbortSignal,
): Promise<{ format: Format; total: number }> {
  if (run.format && run.total !== null) return { format: run.format, total: run.total };
  let renewedAt = performance.now();
  const stillOurs = async () => {
    if (signal.aborted) throw new StoppedError();
    if (performance.now() - renewedAt < settings.importLeaseMs / 4) return;
    await inTenant(db, run.tenantId, (tx) => renewLease(tx, run, settings));
    renewedAt = performance.now();
  };
  const input = {
    storageKey: run.storageKey,
    mapping: run.mapping,
    customFields: run.customFields,
    country: run.defaultCountry,
  };
  const prepared = await prepareFile(store, input, settings, stillOurs);
  await inTenant(db, run.tenantId, (tx) => savePrepared(tx, run, prepared));
  run.done = { records: 0, ...prepared.firstRecord };
  return prepared;
}

const placeOf = ({ done }: Run) => done;

function rulesOf(run: Run, format: Format, settings: ImportSettings): CheckRules {
  return {
    columns: format.columns,
    customFields: new Map(run.customFields.map((field) => [field.key, field])),
    defaultCountry: run.defaultCountry,
    cellBytesMax: settings.importCellBytesMax,
    today: isoDate(run.createdAt),
  };
}
