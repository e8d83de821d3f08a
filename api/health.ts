import type { Db } from '../prisma/client.ts';
import { findMissing } from '../prisma/readiness.ts';
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
