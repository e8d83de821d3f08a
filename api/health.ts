import { type Db, inScope } from '../prisma/client.ts';
import type { Log } from '../runtime/log.ts';
import { type Handler, sendJson } from './http.ts';

export type HealthOptions = {
  db: Db;
  log: Log;
  /** The migrations that this code was written against. */
  migrations: string[];
  /** The revision of the queue's schema that this code was written against. */
  queueRevision: number;
};

/** `/health/live` says that the process answers; `/health/ready` that it can work: database, migrations, queue. */
export function createHealth({ db, log, migrations, queueRevision }: HealthOptions): { live: Handler; ready: Handler } {
  return {
    live: async (exchange) => sendJson(exchange, 200, { status: 'ok' }),
    ready: async (exchange) => {
      const missing = await findMissing(db, migrations, queueRevision).catch((error: unknown) => {
        log.warn({ err: error, requestId: exchange.requestId }, 'the database does not answer');
        return ['database'];
      });
      sendJson(exchange, missing.length === 0 ? 200 : 503, {
        status: missing.length === 0 ? 'ok' : 'not ready',
        missing,
      });
    },
  };
}

/** What is not there yet, by name: `migrations`, `queue`. */
async function findMissing(db: Db, migrations: string[], queueRevision: number): Promise<string[]> {
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
