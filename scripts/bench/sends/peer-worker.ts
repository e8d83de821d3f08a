import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { Pool } from 'undici';

/** What the worker on pg-boss is started with. */
export type PeerOrder = {
  databaseUrl: string;
  origin: string;
  path: string;
  token: string;
  template: string;
};

const queue = 'messages';

/**
 * The same sends with a job a message on pg-boss: each is written down as leaving, under a lease, before it leaves, and its outcome after it.
 * pg-boss fetches in full batches without a pause, eight at a time.
 */
export async function runPeer(order: PeerOrder): Promise<void> {
  const boss = new PgBoss({ connectionString: order.databaseUrl, max: 10 });
  boss.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await boss.start();
  const meta = new Pool(order.origin, { connections: 2_048, pipelining: 1 });
  const rows = new pg.Pool({ connectionString: order.databaseUrl, max: 10 });

  const send = async (id: string) => {
    const taken = await rows.query<{ address: string; parameters: string[]; attempt: number }>(
      `update peer_messages set status = 'DISPATCHING', attempt = attempt + 1, dispatched_at = now(), open_until = now() + interval '45 seconds', due_at = null
        where id = $1 and status = 'QUEUED' returning address, parameters, attempt`,
      [id],
    );
    const [message] = taken.rows;
    if (!message) return;
    const answer = await meta.request({
      method: 'POST',
      path: order.path,
      headers: { authorization: `Bearer ${order.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        to: message.address,
        type: 'template',
        template: {
          name: order.template,
          language: { code: 'en' },
          components: [{ type: 'body', parameters: message.parameters.map((text) => ({ type: 'text', text })) }],
        },
        biz_opaque_callback_data: `${id}.${message.attempt}`,
      }),
    });
    const body = (await answer.body.json()) as { messages: { id: string }[] };
    await rows.query(
      `update peer_messages set status = 'ACCEPTED', accepted_at = now(), wamid = $2, open_until = null where id = $1 and attempt = $3`,
      [id, body.messages[0]?.id, message.attempt],
    );
  };
  await boss.work<{ id: string }>(
    queue,
    { batchSize: 100, localConcurrency: 8, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
    async (jobs) => {
      await Promise.all(jobs.map(({ data }) => send(data.id)));
    },
  );
  process.send?.('working');
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  await boss.stop({ graceful: false });
  await Promise.all([rows.end(), meta.destroy()]);
}

/** The rows and their jobs, stored the quick way. */
export async function fillPeer(databaseUrl: string, people: number): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const boss = new PgBoss({ connectionString: databaseUrl });
  boss.on('error', () => {}); // said by the worker
  await boss.start();
  undo.defer(() => boss.stop({ graceful: false }));
  await boss.createQueue(queue);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  undo.defer(() => client.end());
  await client.query(
    `create table peer_messages (id uuid primary key default uuidv7(), campaign_id uuid, contact_id uuid, address text not null, parameters text[] not null, status text not null default 'QUEUED',
       attempt smallint not null default 0, due_at timestamptz default now(), open_until timestamptz, wamid text, dispatched_at timestamptz, accepted_at timestamptz);
     create unique index on peer_messages (wamid) where wamid is not null;
     create index on peer_messages (campaign_id, due_at, id) where due_at is not null;
     create unique index on peer_messages (campaign_id, contact_id);
     create unique index on peer_messages (campaign_id, address);
     create index on peer_messages (open_until) where open_until is not null`,
  );
  const { rows } = await client.query<{ id: string }>(
    `insert into peer_messages (campaign_id, contact_id, address, parameters)
     select '00000000-0000-7000-8000-000000000000', uuidv7(), '+5531' || (900500000 + n), array['Person ' || n] from generate_series(1, $1) n returning id`,
    [people],
  );
  for (let from = 0; from < rows.length; from += 1_000) {
    await boss.insert(
      queue,
      rows.slice(from, from + 1_000).map(({ id }) => ({ data: { id } })),
    );
  }
}

if (import.meta.main) await runPeer(JSON.parse(process.argv[2] ?? '') as PeerOrder);
