import { z } from 'zod';
import { type AuditEntry, type Db, inTenant, type Prisma } from '../../prisma/client.ts';
import { findActorNames } from './actor-names.ts';

/** Which entries: all that is said must fit. */
export type AuditFilter = {
  actions?: string[] | undefined;
  actorId?: string | undefined;
  targetId?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
};

/** A filter as it is kept with the entry of an export. */
export const StoredFilter = z.object({
  actions: z.array(z.string()).optional(),
  actorId: z.uuid().optional(),
  targetId: z.uuid().optional(),
  since: z.coerce.date().optional(),
  until: z.coerce.date().optional(),
});

/** An id is made while the transaction runs whose beginning is the entry's time: never before it, and no transaction is as long as this. */
const slackMs = 60_000;

/** The condition of a filter. Ids begin with their time, so that a range of times is also a range of the primary key. */
export function whereEntries(tenantId: string, filter: AuditFilter): Prisma.AuditEntryWhereInput {
  const { actions, actorId, targetId, since, until } = filter;
  return {
    tenantId,
    ...(actions ? { action: { in: actions } } : {}),
    ...(actorId === undefined ? {} : { actorId }),
    ...(targetId === undefined ? {} : { targetId }),
    AND: [
      ...(since ? [{ at: { gte: since }, id: { gte: firstIdOf(since.getTime()) } }] : []),
      ...(until ? [{ at: { lt: until }, id: { lt: firstIdOf(until.getTime() + slackMs) } }] : []),
    ],
  };
}

/** The smallest UUIDv7 of a millisecond. */
function firstIdOf(ms: number): string {
  const time = Math.min(Math.max(ms, 0), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

const pageSize = 500;

/** An entry, and what its actor is called by now. */
export type NamedEntry = AuditEntry & { actorName: string | null };

/** Every entry that fits, the newest first, a page at a time; none that is younger than `upTo`. */
export async function* readEntries(
  db: Db,
  tenantId: string,
  filter: AuditFilter,
  upTo: string,
): AsyncGenerator<NamedEntry[]> {
  for (let bound: { lte: string } | { lt: string } = { lte: upTo }; ;) {
    const where: Prisma.AuditEntryWhereInput = { AND: [whereEntries(tenantId, filter), { id: bound }] };
    const rows: NamedEntry[] = await inTenant(
      db,
      tenantId,
      async (tx) => {
        const entries = await tx.auditEntry.findMany({ where, orderBy: { id: 'desc' }, take: pageSize });
        const actorIds = new Set(entries.flatMap(({ actorId }) => actorId ?? []));
        const names = await findActorNames(tx, tenantId, [...actorIds]);
        return entries.map((entry) => ({ ...entry, actorName: names.get(entry.actorId ?? '') ?? null }));
      },
      { readOnly: true },
    );
    if (rows.length > 0) yield rows;
    const last: NamedEntry | undefined = rows.at(-1);
    if (!last || rows.length < pageSize) return;
    bound = { lt: last.id };
  }
}
