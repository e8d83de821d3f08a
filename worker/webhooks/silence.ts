import { findSilentNumbers } from '../../domain/webhooks/silence.ts';
import { type Db, inScope } from '../../prisma/client.ts';
import type { Log } from '../../runtime/log.ts';
import { every } from '../every.ts';
import type { WorkerMetrics } from '../metrics.ts';

const everyMs = 60_000;
const numbersAtMost = 1_000;

/** Looks every minute for numbers that have fallen silent: counted for whoever watches the metrics, and each said once in the log. */
export function watchSilence(
  db: Db,
  { log, metrics }: { log: Log; metrics: Pick<WorkerMetrics, 'silentNumbers'> },
): AsyncDisposable {
  let known = new Set<string>();
  const look = async () => {
    const silent = await inScope(db, {}, (tx) => findSilentNumbers(tx, numbersAtMost), { readOnly: true });
    metrics.silentNumbers(silent.length);
    for (const { tenantId, numberId } of silent) {
      if (!known.has(numberId)) {
        log.warn({ tenantId, numberId }, 'no status has come for ten minutes, though messages were accepted');
      }
    }
    known = new Set(silent.map(({ numberId }) => numberId));
  };
  return every(everyMs, look, (error) => log.warn({ err: error }, 'could not look for silent numbers'));
}
