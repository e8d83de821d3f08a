import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import pg from 'pg';
import { createDb, type Db } from '../../../prisma/client.ts';
import { newTemplate, runCampaign, storeNumber, storeTemplate } from '../../../test/seed-sending.ts';
import { type LocalDatabase, startLocalDatabase } from '../../local-stack.ts';
import { failureCode, fateOf, type Plan, type PlanMessage, type PlanNumber } from './plan.ts';

const tenants = 4;
const numbersEach = 2;

export type WebhookWorld = AsyncDisposable & {
  database: LocalDatabase;
  /** Sees every tenant's rows. */
  admin: pg.Client;
  plan: Plan;
  secret: string;
  env: Record<string, string>;
};

/** Tenants with numbers whose campaigns are sent, and nothing is known yet of what became of their messages. */
export async function startWebhookWorld(options: { messages: number; eventsPerSecond: number }): Promise<WebhookWorld> {
  await using undo = new AsyncDisposableStack();
  const database = undo.use(await startLocalDatabase());
  const db = undo.use(createDb(database.urls.app, { poolSize: 2, applicationName: 'parley-bench' }));
  const admin = new pg.Client({ connectionString: database.server.url('parley') });
  await admin.connect();
  undo.defer(() => admin.end());
  const secret = randomBytes(16).toString('hex');
  const key = randomBytes(32);
  const numbers: PlanNumber[] = [];
  const messages: PlanMessage[] = [];
  for (let tenant = 0; tenant < tenants; tenant += 1) {
    const tenantId = randomUUID();
    await admin.query(
      `insert into tenants (id, name, country, time_zone, locale) values ($1, 'Bench', 'BR', 'America/Sao_Paulo', 'pt-BR')`,
      [tenantId],
    );
    for (let each = 0; each < numbersEach; each += 1) {
      const people = Math.floor(options.messages / (tenants * numbersEach));
      const from = people * numbers.length;
      const sent = await sentCampaign({ db, admin, key, tenantId, people, from });
      for (const message of sent.messages) messages.push({ ...message, number: numbers.length });
      numbers.push(sent.number);
    }
  }
  await admin.query('vacuum analyze messages'); // as autovacuum leaves it
  messages.sort((a, b) => (a.recipient.slice(-4) < b.recipient.slice(-4) ? -1 : 1)); // numbers among one another, no order of ids
  const startedAt = Math.floor(Date.now() / 1_000);
  const owned = undo.move();
  return {
    database,
    admin,
    plan: { numbers, messages, startedAt, eventsPerSecond: options.eventsPerSecond },
    secret,
    env: {
      META_GRAPH_URL: 'http://127.0.0.1:9',
      META_APP_ID: '1',
      META_APP_SECRET: secret,
      META_VERIFY_TOKEN: randomBytes(16).toString('hex'),
      ENCRYPTION_KEYS: `bench:${key.toString('base64')}`,
      LOG_LEVEL: 'warn',
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Given = { db: Db; admin: pg.Client; key: Buffer; tenantId: string; people: number; from: number };

/** A campaign all of whose messages Meta has accepted. */
async function sentCampaign({ db, admin, key, tenantId, people, from }: Given) {
  const digits = () => String(randomInt(10 ** 11, 10 ** 12)).padStart(15, '1');
  const credentials = {
    businessId: digits(),
    wabaId: digits(),
    phoneNumberId: digits(),
    displayNumber: '+551140000000',
    code: '',
    accessToken: 'none',
  };
  const keyring = [{ kid: 'bench', key }];
  const number = await storeNumber(db, tenantId, credentials, { throughput: 80, messagingLimit: null, keyring });
  const template = await storeTemplate(db, number, newTemplate('UTILITY'), digits());
  const campaign = await runCampaign(db, number, template, { people, from, status: 'PAUSED' });
  await admin.query(`update campaigns set status = 'FINISHED', finished_at = now() where id = $1`, [campaign.id]);
  const { rows } = await admin.query<{ id: string; wamid: string; recipient: string }>(
    `update messages set status = 'ACCEPTED', due_at = null, attempt = 1, dispatched_at = now(), accepted_at = now(),
            wamid = 'wamid.' || encode(sha256(id::text::bytea), 'base64')
      where tenant_id = $1 and campaign_id = $2 returning id, wamid, substr(address, 2) as recipient`,
    [tenantId, campaign.id],
  );
  const { wabaId, phoneNumberId } = credentials;
  return { number: { wabaId, phoneNumberId, displayNumber: '551140000000' }, messages: rows };
}

type Stands = { id: string; status: string; code: number | null } & Record<
  'sent' | 'delivered' | 'read' | 'failed',
  number | null
>;

/** Throws unless every message stands where its events say, to the second. */
export async function expectAllApplied({ admin, plan }: WebhookWorld): Promise<void> {
  const { rows } = await admin.query<Stands>(
    `select id, status, failure_code as code, extract(epoch from sent_at)::int as sent, extract(epoch from delivered_at)::int as delivered,
            extract(epoch from read_at)::int as read, extract(epoch from failed_at)::int as failed from messages`,
  );
  const stands = new Map(rows.map((row) => [row.id, row]));
  const differing = plan.messages.filter(({ id }, index) => {
    const fate = fateOf(plan, index);
    const row = stands.get(id);
    const last = fate.at(-1)?.name;
    return (
      row?.status !== last?.toUpperCase() ||
      row?.code !== (last === 'failed' ? failureCode : null) ||
      (['sent', 'delivered', 'read', 'failed'] as const).some(
        (name) => row?.[name] !== (fate.find((said) => said.name === name)?.at ?? null),
      )
    );
  });
  if (differing.length > 0) throw new Error(`${differing.length} messages do not stand where their events say.`);
}
