import type { WebhookElement } from '../../connectors/whatsapp/read-webhook.ts';
import { enqueue } from '../../domain/jobs.ts';
import { applyWebhooks } from '../../domain/webhooks/jobs.ts';
import {
  type EventSource,
  type NewEvent,
  storeEvents,
  storeUnrouted,
  type UnroutedEvent,
} from '../../domain/webhooks/store-events.ts';
import { type Db, inScope, inTenant } from '../../prisma/client.ts';
import type { Log } from '../../runtime/log.ts';
import { groupCommit } from './group-commit.ts';
import type { WebhookMetrics } from './metrics.ts';
import { createRoutes } from './routes.ts';
import { createWakings } from './wakings.ts';

/** The one way in for what partners tell us. */
export type Intake = AsyncDisposable & {
  /** Resolves when every element is durably stored; throws when one of them is not. Storing them again changes nothing. */
  store(elements: readonly WebhookElement[]): Promise<void>;
};

/** In one statement: a few deliveries of the largest size. */
const eventsPerWrite = 3_000;

const source: EventSource = 'META';

export function createIntake({ db, log, metrics }: { db: Db; log: Log; metrics: WebhookMetrics }): Intake {
  const findTenants = createRoutes(db);
  const wakings = createWakings(
    (tenantId) => inTenant(db, tenantId, (tx) => enqueue(tx, applyWebhooks, { tenantId })),
    (error) => log.warn({ err: error }, 'a worker could not be woken for stored events: the clock will'),
  );

  const storeFor = groupCommit<NewEvent>(async (tenantId, events) => {
    const isDue = wakings.isDue(tenantId);
    const stored = await inTenant(db, tenantId, async (tx) => {
      const stored = await storeEvents(tx, tenantId, source, events);
      if (stored > 0 && isDue) await enqueue(tx, applyWebhooks, { tenantId });
      return stored;
    });
    metrics.events(source, 'stored', stored);
    metrics.events(source, 'repeated', events.length - stored);
    if (stored > 0) (isDue ? wakings.woken : wakings.stored)(tenantId);
  }, eventsPerWrite);

  const storeForNobody = groupCommit<UnroutedEvent>(async (_group, events) => {
    await inScope(db, {}, (tx) => storeUnrouted(tx, source, events));
    metrics.events(source, 'unrouted', events.length);
  }, eventsPerWrite);

  return {
    async store(elements) {
      const tenantOf = await findTenants(elements.flatMap(({ route }) => route ?? []));
      const tenants = new Map<string, NewEvent[]>();
      const unrouted: UnroutedEvent[] = [];
      for (const { key, kind, route, payload } of elements) {
        const tenantId = route ? tenantOf(route) : undefined;
        const event = { key, kind, payload: JSON.stringify(payload) };
        if (tenantId === undefined)
          unrouted.push({ key, externalId: route?.externalId ?? null, payload: event.payload });
        else if (!tenants.get(tenantId)?.push(event)) tenants.set(tenantId, [event]);
      }
      await Promise.all([
        ...[...tenants].map(([tenantId, events]) => storeFor(tenantId, events)),
        ...(unrouted.length > 0 ? [storeForNobody('nobody', unrouted)] : []),
      ]);
    },
    [Symbol.asyncDispose]: () => wakings[Symbol.asyncDispose](),
  };
}
