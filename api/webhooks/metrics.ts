import { Counter, type Registry } from 'prom-client';

export type WebhookOutcome = 'stored' | 'refused' | 'unreadable' | 'unavailable';
export type EventOutcome = 'stored' | 'repeated' | 'unrouted';

export type WebhookMetrics = {
  /** One delivery; `refused` was not signed by the partner, `unavailable` is delivered again. */
  delivery(source: string, outcome: WebhookOutcome): void;
  events(source: string, outcome: EventOutcome, count: number): void;
};

export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry];
  const deliveries = new Counter({
    name: 'parley_webhook_deliveries_total',
    help: 'What partners posted, by partner and what became of it.',
    labelNames: ['source', 'outcome'],
    registers,
  });
  const events = new Counter({
    name: 'parley_webhook_events_total',
    help: 'Events in what partners posted: stored for a tenant, known already, or leading to nobody.',
    labelNames: ['source', 'outcome'],
    registers,
  });
  return {
    delivery: (source, outcome) => deliveries.inc({ source, outcome }),
    events: (source, outcome, count) => events.inc({ source, outcome }, count),
  };
}
