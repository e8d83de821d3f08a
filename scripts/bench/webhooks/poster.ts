import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { deliveriesOf, type Plan } from './plan.ts';

/** What the process that plays Meta is asked to do. */
export type PosterOrder = {
  plan: Plan;
  origin: string;
  path: string;
  secret: string;
  connections: number;
  /** Open: each POST leaves at its time, whatever became of those before it. Closed: as fast as answers come. */
  isOpen: boolean;
};

export type PosterReport = {
  /** Of the first POST, and of the last answer. */
  startedAt: number;
  endedAt: number;
  posts: number;
  events: number;
  /** From when a POST was to leave until it was answered, in ms. */
  latencies: number[];
  refused: Record<string, number>;
};

/** What it says to whoever started it: first that all is written and signed, in the end how it went. */
export type PosterWord = { is: 'ready'; posts: number; events: number } | ({ is: 'done' } & PosterReport);

async function post(order: PosterOrder, waitForStart: () => Promise<void>, say: (word: PosterWord) => void) {
  const deliveries = [...deliveriesOf(order.plan)].map((delivery) => ({
    ...delivery,
    signature: `sha256=${createHmac('sha256', order.secret).update(delivery.body).digest('hex')}`,
  }));
  const events = deliveries.reduce((sum, delivery) => sum + delivery.events, 0);
  const pool = new Pool(order.origin, { connections: order.connections, pipelining: 1 });
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  const send = async ({ body, signature }: (typeof deliveries)[number], dueAt: number) => {
    const outcome = await pool
      .request({
        method: 'POST',
        path: order.path,
        headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature },
        body,
      })
      .then(
        async (answer) => {
          await answer.body.dump();
          return String(answer.statusCode);
        },
        (error: unknown) => (error instanceof Error ? error.message : 'lost'),
      );
    if (outcome === '200') latencies.push(performance.now() - dueAt);
    else refused[outcome] = (refused[outcome] ?? 0) + 1;
  };

  const started = waitForStart();
  say({ is: 'ready', posts: deliveries.length, events });
  await started;
  const startedAt = Date.now();
  const began = performance.now();
  if (order.isOpen) {
    const underWay: Promise<void>[] = [];
    for (const delivery of deliveries) {
      const early = delivery.atMs - (performance.now() - began);
      if (early > 1) await pause(early);
      underWay.push(send(delivery, began + delivery.atMs));
    }
    await Promise.all(underWay);
  } else {
    const waiting = deliveries.values();
    const next = async () => {
      for (const delivery of waiting) await send(delivery, performance.now());
    };
    await Promise.all(Array.from({ length: order.connections }, next));
  }
  const endedAt = Date.now();
  await pool.close();
  say({ is: 'done', startedAt, endedAt, posts: deliveries.length, events, latencies, refused });
}

if (import.meta.main) {
  const say = (word: PosterWord) => void process.send?.(word);
  const messages: unknown[] = [];
  let onMessage: (() => void) | undefined;
  process.on('message', (message) => {
    messages.push(message);
    onMessage?.();
  });
  process.once('disconnect', () => process.exit()); // whoever asked is gone
  const next = async () => {
    while (messages.length === 0) await new Promise<void>((resolve) => (onMessage = resolve));
    return messages.shift();
  };
  await post((await next()) as PosterOrder, async () => void (await next()), say);
  process.disconnect();
}
