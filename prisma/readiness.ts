import { type Db, inScope } from './client.ts';

/** The revision of the queue's own schema that this code was written against. */
export const queueRevision = 20;

/** What the database does not have yet, by name: `migrations`, `queue`. Throws when it does not answer. */
export async function findMissing(db: Db, migrations: string[], queueRevision: number): Promise<string[]> {
  const [found] = await inScope(
    db,
    {},
    (tx) => tx.$queryRaw<{ applied: number; queue: number }[]>`
      select count(*)::int as applied, queue_revision() as queue from _prisma_migrations
      where migration_name = any(${migrations}) and finished_at is not null and rolled_back_at is null`,
    { readOnly: true },
  );
  return [
    ...((found?.applied ?? 0) < migrations.length ? ['migrations'] : []),
    ...((found?.queue ?? 0) < queueRevision ? ['queue'] : []),
  ];
}
