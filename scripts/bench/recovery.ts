import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type LocalStack, startStack } from '../local-stack.ts';
import { type Bench, row } from './report.ts';
import { type MessagingWorld, prepareCampaign, startMessagingWorld } from './sends/world.ts';

const kills = 5;
const allowedSeconds = 60;
/** Slow enough that a few thousand people last, fast enough that requests are under way at every moment. */
const messagesPerSecond = 200;
const people = 12_000;

/** Workers killed in the middle of a campaign, at the settings of production: how long until others have taken over all that they held. */
export const bench: Bench = async (say) => {
  await using world = await startMessagingWorld({
    statuses: { enabled: true },
    latency: { medianMs: 100, p95Ms: 300, maxMs: 2_000 },
  });
  const admin = new pg.Client({ connectionString: world.database.server.url('parley') });
  await admin.connect();
  await using _admin = { [Symbol.asyncDispose]: () => admin.end() };
  const campaign = await prepareCampaign(world, { people, throughput: messagesPerSecond });
  await using stack = await startStack(world.database.urls, { workers: 2, env: world.env });
  await world.simulators.tell('settings', { meta: { webhooks: { url: `${stack.apiUrl}/webhooks/meta` } } });
  await campaign.start();

  const recoveries: number[] = [];
  const underWay = new Set<string>(); // at one kill or another
  for (let kill = 1; kill <= kills; kill += 1) {
    const recovered = await killSender(world, stack, admin);
    recoveries.push(recovered.seconds);
    const known = underWay.size;
    for (const id of recovered.underWay) underWay.add(id);
    say(
      `kill ${kill}: on again after ${recovered.movesAfter.toFixed(1)} s, all its jobs given back after ${recovered.unlockedAfter.toFixed(1)} s, ${underWay.size - known} messages were under way`,
    );
    await stack.startWorker();
  }
  say('the rest of the campaign, as fast as Meta takes it');
  await admin.query('update whatsapp_numbers set throughput = 1000 where id = $1', [campaign.number.id]);
  const neverReceived = await reconcile(world, admin, campaign.campaignId);
  const { accepted, duplicates } = await world.books();
  return [
    ...recoveries.map((ours, index) =>
      row(
        {
          name: `kill ${index + 1}`,
          ours,
          unit: 's',
          reference: allowedSeconds,
          referenceName: 's, what is allowed',
        },
        { of: 'ours', below: allowedSeconds },
      ),
    ),
    row(
      { name: 'duplicates', ours: duplicates, unit: 'messages', reference: accepted, referenceName: 'messages sent' },
      { of: 'ours', below: 1 },
    ),
    row(
      {
        name: 'unknown, never received',
        ours: neverReceived,
        unit: 'messages',
        reference: underWay.size,
        referenceName: 'under way at the kills',
      },
      { of: 'ours', below: underWay.size + 1 },
    ),
  ];
};

type Recovery = {
  movesAfter: number;
  unlockedAfter: number;
  seconds: number;
  /** Messages that had left, or were about to, those of earlier kills included as long as nobody knows of them. */
  underWay: string[];
};

/** Kills the worker that is at the campaign, and waits until the campaign moves again and no job is held by the dead. */
async function killSender(world: MessagingWorld, stack: LocalStack, admin: pg.Client): Promise<Recovery> {
  const { accepted: before } = await world.books();
  await until(
    'the campaign moves',
    60_000,
    async () => (await world.books()).accepted > before + 3 * messagesPerSecond,
  );
  const victim = await until('a worker is at the campaign', 30_000, () => senderOf(stack, admin));
  const poolIds = await poolsOf(admin, victim.pid);
  const exited = once(victim, 'exit');
  victim.kill('SIGKILL');
  const killedAt = performance.now();
  const since = () => (performance.now() - killedAt) / 1_000;
  await exited;
  const { rows } = await admin.query<{ id: string }>(`select id from messages where status = 'DISPATCHING'`);
  const { accepted } = await world.books();
  const enough = accepted + rows.length + 20; // what was under way may still arrive, and is no recovery
  const [movesAfter, unlockedAfter] = await Promise.all([
    until('the campaign moves again', 120_000, async () => (await world.books()).accepted > enough && since()),
    until('its jobs are given back', 120_000, async () => {
      const held = await count(
        admin,
        'select count(*)::int as count from graphile_worker._private_jobs where locked_by = any($1)',
        [poolIds],
      );
      return held === 0 && since();
    }),
  ]);
  return {
    movesAfter,
    unlockedAfter,
    seconds: Math.max(movesAfter, unlockedAfter),
    underWay: rows.map(({ id }) => id),
  };
}

/** The worker that has the job of sending in hand. */
async function senderOf({ workers }: LocalStack, admin: pg.Client) {
  const { rows } = await admin.query<{ pid: number }>(
    `select i.pid from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
       join worker_instances i on i.pool_id = j.locked_by where t.identifier = 'messages/send'`,
  );
  return workers.map((worker) => worker.process).find(({ pid }) => rows.some((found) => found.pid === pid));
}

async function poolsOf(admin: pg.Client, pid: number | undefined): Promise<string[]> {
  const { rows } = await admin.query<{ id: string }>('select pool_id as id from worker_instances where pid = $1', [
    pid,
  ]);
  return rows.map(({ id }) => id);
}

/**
 * Waits for the end of the campaign, and throws unless every message that Meta has stands here as one that it took. Returns how many are
 * unknown here and never reached it.
 */
async function reconcile({ simulators, books }: MessagingWorld, admin: pg.Client, campaignId: string): Promise<number> {
  const undecided = `select count(*)::int as count from messages where campaign_id = $1 and status in ('QUEUED', 'DISPATCHING', 'ACCEPTED', 'SENT', 'DELIVERED')`;
  await until('every message is decided', 240_000, async () => (await count(admin, undecided, [campaignId])) === 0);
  await until('Meta has told everything', 30_000, async () => {
    const { scheduled, webhooks } = await books();
    return scheduled === 0 && webhooks.pending === 0;
  });
  const answer = await fetch(`${simulators.url}/__control/books/messages`);
  const lines = (await answer.text()).trim().split('\n');
  const received = lines.map((line) => (JSON.parse(line) as { opaque: string }).opaque.split('.')[0]);
  const { rows } = await admin.query<{ status: string; isReceived: boolean; messages: number }>(
    `select status, id = any($2::uuid[]) as "isReceived", count(*)::int as messages from messages where campaign_id = $1 group by 1, 2`,
    [campaignId, received],
  );
  const [all, distinct] = [rows.reduce((sum, { messages }) => sum + messages, 0), new Set(received).size];
  if (all !== people || distinct !== received.length) {
    throw new Error(`${all} messages are here for ${people} people, ${distinct} of ${received.length} there differ.`);
  }
  const wrong = rows.filter(({ status, isReceived }) => status !== (isReceived ? 'READ' : 'UNKNOWN'));
  if (wrong.length > 0) throw new Error(`The books disagree: ${JSON.stringify(wrong)}.`);
  return rows.find(({ status }) => status === 'UNKNOWN')?.messages ?? 0;
}

async function count(admin: pg.Client, sql: string, values: unknown[] = []): Promise<number> {
  const { rows } = await admin.query<{ count: number }>(sql, values);
  return rows[0]?.count ?? 0;
}

/** Asks until the answer is something, and throws when it never is. */
async function until<T>(what: string, withinMs: number, ask: () => Promise<T | false | undefined>): Promise<T> {
  for (const deadline = performance.now() + withinMs; ; await pause(100)) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs / 1_000} s in vain until ${what}.`);
  }
}
