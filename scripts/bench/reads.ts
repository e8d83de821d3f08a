import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../runtime/local-postgres.ts';
import { createClient } from '../client.ts';
import { startLocalDatabase, startStack } from '../local-stack.ts';
import { answerOf, type Load, median, type Target, throughput } from './load.ts';
import { type Bench, row } from './report.ts';

const load: Load = { connections: 16, warmUpMs: 3_000, measureMs: 6_000 };
const rounds = 3;

/** One caller asks as fast as the machine answers. */
const noLimit = Object.fromEntries(
  ['CALLER', 'TENANT'].flatMap((whose) => [
    [`COST_${whose}_POINTS`, '1000000000'],
    [`COST_${whose}_POINTS_PER_SECOND`, '1000000000'],
  ]),
);

export const query = `{
  contacts(first: 20) {
    nodes { id name email createdAt tags { id name } }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** A page of 20 contacts with their tags: our API, signed in and behind every wall, beside others that answer the same from the same rows. */
export const bench: Bench = async (say) => {
  await using database = await startLocalDatabase();
  await using stack = await startStack(database.urls, { workers: 0, env: { NODE_ENV: 'production', ...noLimit } });
  const { accessToken, tenantId } = await signUp(stack.apiUrl);
  say('filling in 20,000 contacts with 60,000 tags, half of them another tenant’s');
  await fill(database.server.url('parley'), [tenantId, crypto.randomUUID()]);

  const ours: Target = {
    url: stack.apiUrl,
    path: '/graphql',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ query }),
  };
  await using sql = await startServer('reads/sql-server.ts', [database.urls.app, tenantId]);
  const peers = { SQL: { url: sql.url, path: '/', method: 'GET', headers: {} } satisfies Target };
  await agree(ours, peers.SQL);

  const rates = { ours: [] as number[], SQL: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    rates.SQL.push(await throughput(peers.SQL, load));
    rates.ours.push(await throughput(ours, load));
    say(`round ${round}: ours ${rates.ours.at(-1)?.toFixed(0)}/s, SQL ${rates.SQL.at(-1)?.toFixed(0)}/s`);
  }
  const measured = { ours: median(rates.ours), unit: 'pages/s' };
  return [
    row(
      {
        ...measured,
        name: '20 contacts with tags / SQL',
        reference: median(rates.SQL),
        referenceName: 'pages/s, hand-written SQL',
      },
      { of: 'ratio', atLeast: 0.25 },
    ),
  ];
};

export async function signUp(apiUrl: string): Promise<{ accessToken: string; tenantId: string }> {
  const mutation = `mutation ($input: SignUpInput!) { signUp(input: $input) { __typename
    ... on Session { accessToken tenant { id } } ... on UserError { message } } }`;
  const input = {
    tenantName: 'Bench',
    name: 'Olga Owner',
    email: 'olga@example.com',
    password: 'a long enough passphrase',
    country: 'BR',
    timeZone: 'America/Sao_Paulo',
  };
  type Answer = { signUp: { accessToken: string; tenant: { id: string } } };
  const { signUp } = await createClient(apiUrl).run<Answer>(mutation, { input });
  const [, tenantId = ''] = Buffer.from(signUp.tenant.id, 'base64').toString('utf8').split(':');
  return { accessToken: signUp.accessToken, tenantId };
}

/** As the superuser, past the walls: it is not what is measured. */
export async function fill(superuserUrl: string, tenantIds: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    for (const tenantId of tenantIds) {
      await client.query(
        `insert into tenants (id, name, country, time_zone, locale) values ($1, 'Bench', 'BR', 'UTC', 'pt-BR') on conflict do nothing`,
        [tenantId],
      );
      await client.query(
        `insert into contacts (tenant_id, name, email, created_at)
         select $1, 'Person ' || i, 'person' || i || '@example.com', now() - make_interval(mins => i) from generate_series(1, 10000) i`,
        [tenantId],
      );
      await client.query(
        `insert into tags (tenant_id, name, name_key) select $1, 'Tag ' || i, 'tag ' || i from generate_series(1, 20) i`,
        [tenantId],
      );
      await client.query(
        `insert into contact_tags (tenant_id, contact_id, tag_id)
         select tenant_id, c.id, t.id from (select *, row_number() over () as n from contacts where tenant_id = $1) c
           join (select *, row_number() over () as n from tags where tenant_id = $1) t using (tenant_id)
          where (c.n + t.n * 7) % 20 < 3`,
        [tenantId],
      );
    }
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

type Nodes = { id: string; name: string; email: string; tags: { id: string; name: string }[] }[];

/** Both say the same of the same people, or comparing them means nothing. */
async function agree(ours: Target, sql: Target): Promise<void> {
  const { data } = await answerOf<{ data: { contacts: { nodes: Nodes } } }>(ours);
  const { nodes } = await answerOf<{ nodes: Nodes }>(sql);
  const said = (all: Nodes) =>
    JSON.stringify(all.map(({ name, email, tags }) => [name, email, tags.map((tag) => tag.name)]));
  if (nodes.length !== 20 || nodes.some(({ tags }) => tags.length === 0) || said(nodes) !== said(data.contacts.nodes)) {
    throw new Error('The servers do not answer alike.');
  }
}

/** A server of the benchmark's own in a process of its own, as ours is; it is given a port as its last argument. */
export async function startServer(
  file: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env, PORT: String(port) },
  });
  const url = `http://127.0.0.1:${port}`;
  for (const deadline = Date.now() + 20_000; ; await pause(50)) {
    const answer = await fetch(url).catch(() => undefined); // not listening yet
    if (answer) break;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${file} did not start.`);
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
