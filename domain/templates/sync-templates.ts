import type { Meta } from '../../connectors/whatsapp/meta.ts';
import { listTemplates } from '../../connectors/whatsapp/templates.ts';
import { type Db, inTenant, type Tx } from '../../prisma/client.ts';
import { type AccountAccess, noteRefusal, openAccount } from '../connections/account-access.ts';
import type { Keyring } from '../connections/keyring.ts';
import { granted } from '../connections/partner-answer.ts';
import { PartnerUnavailableError } from '../errors.ts';
import { retire, storeRemote } from './store-remote.ts';

export type SyncReport = { pages: number; added: number; kept: number; removed: number };

type Run = <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>;
export type SyncDeps = { run: Run; meta: Meta; keyring: Keyring; signal?: AbortSignal };

/** How often a list is begun anew when its cursor has run out under it. */
const restartsMax = 3;

/** Compares an account's templates with Meta's, a page at a time; then those that were not among them are gone. */
export async function syncTemplates(deps: SyncDeps, tenantId: string, accountId: string): Promise<SyncReport> {
  const { run, keyring } = deps;
  const { access, begun } = await run(async (tx) => ({
    access: await openAccount(tx, keyring, tenantId, accountId),
    begun: await timeOf(tx),
  }));
  const { seen, ...report } = await readAll(deps, tenantId, access);
  const removed = await run((tx) => endSync(tx, tenantId, accountId, seen, begun));
  return { ...report, removed };
}

/** By the database's clock, as the rows are. */
async function timeOf(tx: Tx): Promise<Date> {
  const [row] = await tx.$queryRaw<{ at: Date }[]>`select clock_timestamp() as at`;
  if (!row) throw new Error('The database gave no time.');
  return row.at;
}

type ReadReport = { seen: string[]; pages: number; added: number; kept: number };

async function readAll({ run, meta, signal }: SyncDeps, tenantId: string, access: AccountAccess): Promise<ReadReport> {
  const { token, wabaId, accountId, connectionId } = access;
  const report: ReadReport = { seen: [], pages: 0, added: 0, kept: 0 };
  let after: string | null = null;
  for (let restarts = 0; ;) {
    signal?.throwIfAborted();
    const at = await run(timeOf);
    const page = await listTemplates(meta, token, wabaId, after, signal);
    if (page.kind === 'bad-cursor') {
      restarts += 1;
      if (restarts > restartsMax)
        throw new PartnerUnavailableError('WhatsApp’s list of templates breaks off again and again.', 300);
      after = null;
      report.seen = [];
      continue;
    }
    if (page.kind === 'refused') await run((tx) => noteRefusal(tx, tenantId, connectionId, page.refusal));
    const { items, after: next } = granted(page);
    const { added, kept } = await run((tx) => storeRemote(tx, tenantId, accountId, items, at));
    report.seen.push(...items.map(({ metaId }) => metaId));
    report.pages += 1;
    report.added += added;
    report.kept += kept;
    if (next === null) return report;
    after = next;
  }
}

/** A create whose answer was lost for so long, and that Meta does not list, never arrived. */
const lostAfterSeconds = 60;

/** What Meta did not list is gone; what was submitted and never arrived says so. Only rows from before the list was begun. */
async function endSync(
  tx: Tx,
  tenantId: string,
  accountId: string,
  seen: readonly string[],
  begun: Date,
): Promise<number> {
  const gone = await tx.$queryRaw<{ id: string }[]>`
    select id from templates where tenant_id = ${tenantId}::uuid and account_id = ${accountId}::uuid and deleted_at is null
      and meta_id is not null and meta_id <> all(${seen}::text[]) and created_at < ${begun} and (status_at is null or status_at < ${begun})
    order by id for update`;
  await retire(
    tx,
    tenantId,
    accountId,
    gone.map(({ id }) => id),
  );
  await tx.$executeRaw`
    update templates set status = 'REJECTED', rejected_reason = 'NOT_SUBMITTED', updated_at = now()
     where tenant_id = ${tenantId}::uuid and account_id = ${accountId}::uuid and status = 'SUBMITTING' and meta_id is null
       and updated_at < ${begun}::timestamptz - make_interval(secs => ${lostAfterSeconds}::int)`;
  await tx.$executeRaw`
    update whatsapp_accounts set templates_synced_at = greatest(templates_synced_at, ${begun})
     where tenant_id = ${tenantId}::uuid and id = ${accountId}::uuid`;
  return gone.length;
}

/** The same, as a job does it. */
export function syncAsJob(
  db: Db,
  deps: Omit<SyncDeps, 'run'>,
  tenantId: string,
  accountId: string,
): Promise<SyncReport> {
  return syncTemplates({ ...deps, run: (fn) => inTenant(db, tenantId, fn) }, tenantId, accountId);
}
