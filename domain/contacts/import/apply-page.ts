import { type Db, inTenant, Prisma, type Tx } from '../../../prisma/client.ts';
import { enqueue } from '../../jobs.ts';
import type { GoodRecord } from './check-record.ts';
import { decide } from './decide.ts';
import { importContactsJob } from './jobs.ts';
import { lookUp } from './lookup.ts';
import { isRace } from './page-race.ts';
import type { RecordPage } from './pages.ts';
import { endImport, holdRun, LostRunError, type Run } from './run-state.ts';
import type { ImportSettings } from './settings.ts';
import { storeContacts } from './store-contacts.ts';
import { storeClaims, storeRejected } from './store-report.ts';

/** What follows a page, decided while it is stored. */
export type Next = 'go on' | 'hand on' | 'finish';

/** A page that is being stored, as those behind it see it: who is in it, and its end. */
export type PageAhead = { page: RecordPage; keys: ReadonlySet<string>; done: Promise<Next> };

const attemptsMax = 8;
const timeoutMs = 50_000;

/**
 * Stores one page: what becomes of its records, their totals and how far the import is, all in one transaction, so that a record is
 * done once or not at all. When somebody else stored the same people at the same moment it is looked up anew.
 *
 * Pages ahead of it may still be under way, the nearest one last: it then does what they cannot change, and waits for its turn with the
 * rest. It waits inside Postgres, which finds out when those ahead wait for what this one has locked.
 */
export async function applyPage(
  db: Db,
  run: Run,
  { page, keys }: Pick<PageAhead, 'page' | 'keys'>,
  ahead: readonly PageAhead[],
  settings: ImportSettings,
  decideNext: () => Next,
): Promise<Next> {
  const meets = ahead.some((other) => !keys.isDisjointFrom(other.keys));
  for (let attempt = 1; ; attempt += 1) {
    if (attempt > 1) await ahead.at(-1)?.done;
    const store = async (tx: Tx) => {
      // How foreign keys are checked is planned once a connection. Planned while the tables were small, it reads all of them for each row.
      await tx.$executeRaw`discard plans`;
      await lockPage(tx, run, page, attempt > 1);
      const inTurn = once(() => takeTurn(tx, run, page, attempt > 1 ? undefined : ahead.at(-1)?.page));
      if (meets || ahead.length === 0 || attempt > 1) await inTurn();
      return storePage(tx, run, page, inTurn, settings, decideNext);
    };
    try {
      return await inTenant(db, run.tenantId, store, { timeoutMs });
    } catch (error) {
      const wasTooEarly = error instanceof LostRunError && attempt === 1 && ahead.length > 0; // the page ahead is stored anew
      if (!(wasTooEarly || isRace(error)) || attempt === attemptsMax) throw error;
    }
  }
}

/** Pages of a tenant are stored side by side; one that met the same people in another waits until it is alone. */
async function lockPage(tx: Tx, run: Run, page: RecordPage, isAlone: boolean): Promise<void> {
  const tenant = Prisma.sql`hashtextextended(${`contacts/import:${run.tenantId}`}, 0)`;
  const lock = isAlone
    ? Prisma.sql`pg_advisory_xact_lock(${tenant})`
    : Prisma.sql`pg_advisory_xact_lock_shared(${tenant})`;
  await tx.$executeRaw`select ${lock}, pg_advisory_xact_lock(hashtextextended(${lockOf(run, page)}, 0))`;
}

const lockOf = ({ importId }: Run, { before }: RecordPage) => `contacts/import:${importId}:${before}`;

/** Waits for the end of the page ahead, and holds the import from there on: nothing that is stored in turn comes too early. */
async function takeTurn(tx: Tx, run: Run, page: RecordPage, ahead: RecordPage | undefined): Promise<void> {
  if (ahead) await tx.$executeRaw`select pg_advisory_xact_lock_shared(hashtextextended(${lockOf(run, ahead)}, 0))`;
  await holdRun(tx, run, page.before);
}

async function storePage(
  tx: Tx,
  run: Run,
  page: RecordPage,
  inTurn: () => Promise<void>,
  settings: ImportSettings,
  decideNext: () => Next,
): Promise<Next> {
  const { tenantId, importId, isDryRun, onConflict } = run;
  const records = await withoutDeletedFields(tx, tenantId, page.good);
  const known = await lookUp(tx, tenantId, records, { importId, onConflict, isDryRun }, inTurn);
  const nextId = await takeIds(tx, isDryRun ? 0 : records.length);
  const decision = decide(records, known, { onConflict, isDryRun, nextId });
  if (!isDryRun) {
    const options = { importId, consents: run.consents, importedAt: run.createdAt };
    await storeContacts(tx, tenantId, decision, options, inTurn);
  }
  await inTurn();
  await storeClaims(tx, tenantId, importId, decision.claims);

  const rejected = [...page.rejected, ...decision.rejected];
  const skipped = rejected.filter(({ outcome }) => outcome === 'SKIPPED').length;
  await storeRejected(tx, tenantId, importId, rejected);
  await advance(tx, run, page, settings, {
    created: decision.creates.length,
    updated: decision.updates.length,
    skipped,
    failed: rejected.length - skipped,
  });
  const next = decideNext();
  if (next === 'finish') await finish(tx, run);
  if (next === 'hand on') await release(tx, run);
  return next;
}

function once<T>(fn: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= fn());
}

/** A custom field that is being deleted takes no new values; the others stay until the transaction ends. */
async function withoutDeletedFields(tx: Tx, tenantId: string, records: GoodRecord[]): Promise<GoodRecord[]> {
  const used = new Set(records.flatMap(({ customFields }) => (customFields ? Object.keys(customFields) : [])));
  if (used.size === 0) return records;
  const rows = await tx.$queryRaw<{ key: string }[]>`
    select key from custom_fields
     where tenant_id = ${tenantId}::uuid and key = any(${[...used]}::text[]) and deleted_at is null order by key for share`; // conflicts with setting deleted_at, which a key share would not
  if (rows.length === used.size) return records;
  const left = new Set(rows.map(({ key }) => key));
  return records.map((record) => ({
    ...record,
    customFields: Object.fromEntries(Object.entries(record.customFields ?? {}).filter(([key]) => left.has(key))),
  }));
}

/** Ids for as many contacts, in ascending order. */
async function takeIds(tx: Tx, count: number): Promise<() => string> {
  if (count === 0) return () => '';
  const [row] = await tx.$queryRaw<{ ids: string }[]>`
    select string_agg(id::text, ',') as ids from (select uuidv7() as id from generate_series(1, ${count}::int)) i`;
  const ids = (row?.ids ?? '').split(',').values();
  return () => {
    const { value } = ids.next();
    if (value === undefined) throw new Error('The database gave too few ids.');
    return value;
  };
}

type Totals = Record<'created' | 'updated' | 'skipped' | 'failed', number>;

async function advance(tx: Tx, run: Run, page: RecordPage, settings: ImportSettings, totals: Totals): Promise<void> {
  await tx.$executeRaw`
    update contact_imports
       set created = created + ${totals.created}::int, updated = updated + ${totals.updated}::int, skipped = skipped + ${totals.skipped}::int,
           failed = failed + ${totals.failed}::int, records_done = records_done + ${page.count}::int,
           bytes_done = ${page.next.byte}::bigint, lines_done = ${page.next.line}::int, attempts = 0,
           lease_until = clock_timestamp() + make_interval(secs => ${settings.importLeaseMs / 1_000}::float8)
     where tenant_id = ${run.tenantId}::uuid and id = ${run.importId}::uuid`;
}

async function finish(tx: Tx, { tenantId, importId }: Run): Promise<void> {
  await tx.contactImport.update({
    where: { tenantId_id: { tenantId, id: importId } },
    data: { status: 'FINISHED' },
    select: { id: true },
  });
  await endImport(tx, tenantId, importId);
}

async function release(tx: Tx, { tenantId, importId }: Run): Promise<void> {
  await tx.contactImport.update({
    where: { tenantId_id: { tenantId, id: importId } },
    data: { leaseToken: null, leaseUntil: null },
    select: { id: true },
  });
  await enqueue(tx, importContactsJob, { tenantId, importId });
}
