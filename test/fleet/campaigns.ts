import type pg from 'pg';
import type { Meta } from '../../connectors/whatsapp/meta.ts';
import type { Db } from '../../prisma/client.ts';
import { type Simulators, startSimulators } from '../../simulators/start.ts';
import { expect, type TestApi } from '../fixtures.ts';
import { makeTenant } from '../make.ts';
import { approveTemplate, connectNumber, metaTo, runCampaign, type TestNumber, type TestTemplate } from '../sending.ts';
import { eventually, type Fleet, type FleetWorker, test as base } from './fleet.ts';

/** Leases, timeouts and windows of sending, shortened so that a recovery takes seconds. */
export const shortSends: Record<string, string> = {
  META_TIMEOUT_MS: '1000',
  SEND_LEASE_MS: '2600',
  SEND_SETTLE_MS: '4000',
  SEND_SLICE_MS: '1000',
  SEND_STOP_MS: '500',
  SEND_IN_FLIGHT_MAX: '60',
};

export type Campaigns = {
  numbers: TestNumber[];
  /** There is always more to send: whatever happens, it happens in the middle of a campaign. */
  keepGoing(): Promise<void>;
  /** Starts a worker whose Meta is the simulator. */
  start(env?: Record<string, string>): FleetWorker;
};

const peopleEach = 1_200;

/** Campaigns against a simulator that makes noise: it delays, accepts without answering, fails, doubles and shuffles its webhooks. */
export const test = base.extend<{ simulators: Simulators; meta: Meta | null; campaigns: Campaigns }>({
  simulators: async ({}, use) => {
    const settings = {
      magicRecipients: false,
      faults: {
        hangRate: 0.005,
        hangMs: 2_000,
        hangAcceptedRate: 1,
        serverErrorRate: 0.02,
        serverErrorAcceptedRate: 1,
      },
      // Fewer than pauses a campaign for its failures: on a slow machine these campaigns run long enough to be judged.
      failures: { any: { 131000: 0.002 } },
      limits: { management: false },
      webhooks: { delayMs: [0, 2_500] as [number, number] }, // whoever sends again while nobody has said anything sends twice
    };
    await using simulators = await startSimulators({ profile: 'noisy', meta: { settings } });
    await use(simulators);
  },
  meta: async ({ simulators }, use) => {
    await using meta = metaTo(simulators);
    await use(meta);
  },
  campaigns: async ({ db, api, fleet, simulators, scratch }, use) =>
    use(await startCampaigns({ db, api, fleet, simulators, scratch })),
});

type Given = { db: Db; api: TestApi; fleet: Fleet; simulators: Simulators; scratch: pg.Pool };

async function startCampaigns({ db, api, fleet, simulators, scratch }: Given): Promise<Campaigns> {
  simulators.meta.set({ webhooks: { url: `${api.url}/webhooks/meta` } });
  const tenantId = await makeTenant(db);
  const numbers: TestNumber[] = [];
  const templates: TestTemplate[] = [];
  for (let index = 0; index < 2; index += 1) {
    const number = await connectNumber(db, simulators, tenantId, { throughput: 80 });
    numbers.push(number);
    templates.push(await approveTemplate(db, simulators, number, 'MARKETING'));
  }
  const { graphUrl, appId, appSecret, verifyToken } = simulators.meta.credentials;
  const env = {
    META_GRAPH_URL: graphUrl,
    META_APP_ID: appId,
    META_APP_SECRET: appSecret,
    META_VERIFY_TOKEN: verifyToken,
  };
  let people = 0;
  return {
    numbers,
    async keepGoing() {
      for (const [index, number] of numbers.entries()) {
        const waiting = await count(scratch, `status = 'QUEUED' and number_id = '${number.id}'`);
        const template = templates[index];
        if (waiting > 300 || !template) continue;
        await runCampaign(db, number, template, { people: peopleEach, from: people });
        people += peopleEach;
      }
    },
    start: (own = {}) => fleet.start({ main: true, env: { ...shortSends, ...env, ...own } }),
  };
}

/** How many messages are so. */
export async function count(scratch: pg.Pool, condition: string): Promise<number> {
  const { rows } = await scratch.query<{ count: number }>(
    `select count(*)::int as count from messages where ${condition}`,
  );
  return rows[0]?.count ?? 0;
}

/** Waits until something more was accepted: the fleet is at it. */
export async function getsOn(simulators: Simulators, messages = 20, timeout = 60_000): Promise<void> {
  const { accepted } = simulators.meta.books();
  await expect
    .poll(() => simulators.meta.books().accepted, { timeout, interval: 20 })
    .toBeGreaterThan(accepted + messages);
}

const standsAs: Record<string, string> = {
  accepted: 'ACCEPTED',
  sent: 'SENT',
  delivered: 'DELIVERED',
  read: 'READ',
  failed: 'FAILED',
};

/** Campaigns that are not over, and why: said by the test that waits for them. */
const unfinished = `
  select coalesce(string_agg(concat_ws(' ', c.status, c.blocked_reason, m.status, m.rows, 'due in', m.due, 'open for', m.open, 'doubts', p.doubts, p.open_until - now()), '; '), '')
    from campaigns c join number_paces p on p.number_id = c.number_id
    left join lateral (select status, count(*) as rows, max(due_at) - now() as due, max(open_until) - now() as open from messages m
      where m.campaign_id = c.id and (due_at is not null or open_until is not null) group by status) m on true
   where c.status <> 'FINISHED'`;

/**
 * Every campaign comes to its end by itself; then every row stands where the simulator's books say, nobody was written to twice, and what is
 * UNKNOWN and never arrived is no more than what was under way when somebody was killed.
 */
export async function expectReconciled(simulators: Simulators, scratch: pg.Pool, underWay: number): Promise<void> {
  await eventually(scratch, unfinished, '', 120_000);
  await simulators.meta.settled(60_000);
  await eventually(scratch, 'select count(*)::int from webhook_events where due_at is not null', 0);
  const booked = new Map([...simulators.meta.messages()].map((message) => [message.opaque?.split('.')[0], message]));
  const { rows } = await scratch.query<{ id: string; status: string }>(
    `select id, status from messages where direction = 'OUTBOUND'`,
  );
  const differing = rows.flatMap(({ id, status }) => {
    const known = booked.get(id);
    const expected = known ? standsAs[known.status] : undefined;
    if (expected === undefined ? ['UNKNOWN', 'FAILED', 'SKIPPED'].includes(status) : status === expected) return [];
    return [`${id} is ${status} here and ${known?.status ?? 'unheard of'} there`];
  });
  expect(differing).toEqual([]);
  const { accepted, distinctRecipients, duplicates } = simulators.meta.books();
  expect({ duplicates, distinctRecipients }).toEqual({ duplicates: 0, distinctRecipients: accepted });
  expect(booked.size).toBe(accepted);
  const neverReceived = rows.filter(({ id, status }) => status === 'UNKNOWN' && !booked.has(id)).length;
  expect(neverReceived).toBeLessThanOrEqual(underWay);
}
