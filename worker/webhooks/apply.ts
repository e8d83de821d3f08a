import { enqueue } from '../../domain/jobs.ts';
import { applyRound } from '../../domain/webhooks/apply.ts';
import { applyWebhooks } from '../../domain/webhooks/jobs.ts';
import { inTenant } from '../../prisma/client.ts';
import { reasonOf, task } from '../task.ts';

const eventsPerRound = 1_000;

/** How long one tenant's events may hold a worker before the next in line gets its turn. */
const sliceMs = 5_000;

export const apply = task(applyWebhooks, async ({ tenantId }, { db, signal, log, metrics }) => {
  const began = performance.now();
  const onProblem = (error: unknown) => log.warn({ reason: reasonOf(error) }, 'an event could not be applied');
  for (;;) {
    signal.throwIfAborted();
    const round = await applyRound(db, tenantId, { atMost: eventsPerRound, signal, onProblem });
    metrics.appliedEvents(round);
    if (round.setAside > 0) log.warn({ setAside: round.setAside }, 'events were set aside: they failed too often');
    if (round.taken < eventsPerRound) return;
    if (performance.now() - began > sliceMs) break;
  }
  await inTenant(db, tenantId, (tx) => enqueue(tx, applyWebhooks, { tenantId }));
});
