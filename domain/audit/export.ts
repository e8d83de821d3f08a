import { type Db, inTenant, type Prisma, type Tx } from '../../prisma/client.ts';
import type { Origin } from '../auth/viewer.ts';
import { byteOrderMark, writeCsv } from '../csv/write.ts';
import { NotFoundError } from '../errors.ts';
import type { Link } from '../links.ts';
import { type AuditFilter, type NamedEntry, readEntries, StoredFilter, whereEntries } from './find-entries.ts';
import { type Answerable, recordAudit } from './record-audit.ts';

/** What links to exports are signed for. */
export const auditExportLink = 'export of the audit log';
export const auditExportLinkMs = 15 * 60_000;

/** Asks for the log as a file. The entry that says so is also what the link stands for: it keeps the filter, and bounds what is in the file. */
export async function beginExport(tx: Tx, by: Answerable, filter: AuditFilter): Promise<{ id: string }> {
  for (const named of [{ actorId: filter.actorId }, { targetId: filter.targetId }]) {
    if (Object.values(named).every((id) => id === undefined)) continue;
    const known = await tx.auditEntry.findFirst({ where: whereEntries(by.tenantId, named), select: { id: true } });
    if (!known) throw new NotFoundError('The log knows of no such actor or object.'); // else it would keep whatever id is sent
  }
  return recordAudit(tx, by, {
    action: 'audit.export',
    target: { type: 'Tenant', id: by.tenantId },
    after: { filter: JSON.parse(JSON.stringify(filter)) as Prisma.InputJsonObject },
  });
}

const columns = [
  'at',
  'actorType',
  'actorId',
  'actorName',
  'action',
  'targetType',
  'targetId',
  'address',
  'requestId',
  'before',
  'after',
];

/**
 * Opens the file of a link, once, and writes down that it was taken: by whoever asked for it, from where it is taken. Null when there is no
 * such export, or its file was taken before.
 */
export async function openExport(db: Db, link: Link, origin: Origin): Promise<AsyncGenerator<string> | null> {
  const { tenantId, id, by: actor } = link;
  const filter = await inTenant(db, tenantId, async (tx) => {
    await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${`audit-export:${id}`}, 0))`; // of two at once, one
    const asked = await tx.auditEntry.findFirst({ where: { tenantId, id, action: 'audit.export' } });
    const taken = await tx.auditEntry.count({ where: { tenantId, targetId: id, action: 'audit.download' } });
    if (!asked || taken > 0) return null;
    await recordAudit(
      tx,
      { tenantId, actor, origin },
      { action: 'audit.download', target: { type: 'AuditEntry', id } },
    );
    return StoredFilter.parse((asked.after as { filter?: unknown } | null)?.filter ?? {});
  });
  return filter && writeFile(db, tenantId, filter, id);
}

async function* writeFile(db: Db, tenantId: string, filter: AuditFilter, upTo: string): AsyncGenerator<string> {
  yield byteOrderMark + writeCsv([columns]);
  for await (const entries of readEntries(db, tenantId, filter, upTo)) yield writeCsv(entries.map(rowOf));
}

function rowOf(entry: NamedEntry): string[] {
  const { at, actorType, actorId, actorName, action, targetType, targetId, address, requestId, before, after } = entry;
  const json = (value: Prisma.JsonValue) => (value === null ? '' : JSON.stringify(value));
  return [
    at.toISOString(),
    actorType,
    actorId ?? '',
    actorName ?? '',
    action,
    targetType,
    targetId ?? '',
    address ?? '',
    requestId ?? '',
    json(before),
    json(after),
  ];
}
