import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startStack } from '../local-stack.ts';
import { cpuOf, cpuOfPostgres } from './cpu.ts';
import { type Bench, row } from './report.ts';
import { fateOf } from './webhooks/plan.ts';
import { startPoster } from './webhooks/post.ts';
import { expectAllApplied, startWebhookWorld, type WebhookWorld } from './webhooks/world.ts';

const eventsPerSecond = 3_600;
/** About a minute of events at that rate. */
const messages = 78_000;
const connections = 64;
const wanted = 3_300;
const answeredWithinMs = 250;

/** What Meta says of messages, from its POST until it stands in their rows: one API and one worker, at a rate that does not wait for answers. */
export const bench: Bench = async (say) => {
  await using world = await startWebhookWorld({ messages, eventsPerSecond });
  const plain = await storePlainly(world, say);
  const { perSecond, answered } = await takeAndApply(world, say);
  return [
    row(
      { name: 'intake', ours: perSecond, unit: 'events/s', reference: plain, referenceName: 'events/s, plain inserts' },
      { of: 'ours', atLeast: wanted },
    ),
    row(
      {
        name: `answered ≤ ${answeredWithinMs} ms`,
        ours: answered,
        unit: 'of all',
        reference: 1,
        referenceName: 'all',
      },
      { of: 'ours', atLeast: 0.99 },
    ),
  ];
};

async function takeAndApply(
  world: WebhookWorld,
  say: (line: string) => void,
): Promise<{ perSecond: number; answered: number }> {
  const { plan } = world;
  const distinct = plan.messages.reduce((sum, _, index) => sum + fateOf(plan, index).length, 0);
  await using stack = await startStack(world.database.urls, { workers: 1, env: world.env });
  const { secret } = world;
  const path = '/webhooks/meta';
  await using poster = await startPoster({ plan, origin: stack.apiUrl, path, secret, connections, isOpen: true });
  say(`${poster.events} events (${distinct} different) in ${poster.posts} POSTs, ${eventsPerSecond} events/s`);
  const before = await cpuTimes(world, stack);
  const report = await poster.run();
  if (Object.keys(report.refused).length > 0) throw new Error(`Not answered 200: ${JSON.stringify(report.refused)}`);
  const drainedAt = await drained(world, distinct);
  const after = await cpuTimes(world, stack);
  await expectAllApplied(world);

  const latencies = report.latencies.toSorted((a, b) => a - b);
  const percentile = (share: number) => Math.round(latencies[Math.floor(latencies.length * share)] ?? 0);
  say(`answered within ${percentile(0.5)} ms (p50), ${percentile(0.95)} (p95), ${percentile(0.99)} (p99)`);
  say(`all applied ${((drainedAt - report.endedAt) / 1_000).toFixed(1)} s after the last answer`);
  const microseconds = Object.entries(after).map(
    ([name, ms]) => `${name} ${Math.round(((ms - (before[name] ?? 0)) * 1_000) / distinct)}`,
  );
  say(`processor time for each event in µs: ${microseconds.join(', ')}`);
  return {
    perSecond: distinct / ((drainedAt - report.startedAt) / 1_000),
    answered: latencies.filter((ms) => ms <= answeredWithinMs).length / latencies.length,
  };
}

/** Waits until every event is stored and none is to be applied any more; says when that was. */
async function drained({ admin }: WebhookWorld, distinct: number): Promise<number> {
  for (const deadline = Date.now() + 180_000; ; await pause(50)) {
    const { rows } = await admin.query<{ isDue: boolean }>(
      'select exists (select from webhook_events where due_at is not null) as "isDue"',
    );
    const at = Date.now();
    if (rows[0]?.isDue === false) {
      const stored = await admin.query<{ count: number }>('select count(*)::int as count from webhook_events');
      if (stored.rows[0]?.count !== distinct)
        throw new Error(`${stored.rows[0]?.count} events are stored, not ${distinct}.`);
      return at;
    }
    if (at > deadline) throw new Error('Three minutes after the last event not all are applied.');
  }
}

type Stack = Awaited<ReturnType<typeof startStack>>;

async function cpuTimes({ admin }: WebhookWorld, { api, workers }: Stack): Promise<Record<string, number>> {
  const { rows } = await admin.query<{ pid: number }>('select pg_backend_pid() as pid');
  const [worker] = workers;
  return {
    API: await cpuOf(api.process.pid ?? 0),
    worker: await cpuOf(worker?.process.pid ?? 0),
    Postgres: await cpuOfPostgres(rows[0]?.pid ?? 0),
  };
}

/** The same POSTs, as fast as answers come, at a server that does nothing but insert them. */
async function storePlainly({ database, plan, secret }: WebhookWorld, say: (line: string) => void): Promise<number> {
  const child = fork(join(import.meta.dirname, 'webhooks', 'plain-server.ts'), {
    env: { ...process.env, PLAIN_DATABASE_URL: database.server.url('postgres') },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  try {
    const [port] = (await once(child, 'message')) as [number];
    const origin = `http://127.0.0.1:${port}`;
    await using poster = await startPoster({ plan, origin, path: '/', secret, connections: 16, isOpen: false });
    say('plain inserts of the same events');
    const { events, startedAt, endedAt, refused } = await poster.run();
    if (Object.keys(refused).length > 0) throw new Error(`Not inserted: ${JSON.stringify(refused)}`);
    return events / ((endedAt - startedAt) / 1_000);
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
