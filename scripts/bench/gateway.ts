import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { generateKeys } from '../keys.ts';
import { startLocalDatabase } from '../local-stack.ts';
import { writeFile, rm, mkdtemp } from 'node:fs/promises';
import { hashOf } from '../../api/persisted.ts';
import { type Load, median, type Target, throughput } from './load.ts';
import { fill, query, signUp, startServer } from './reads.ts';
import { type Bench, row } from './report.ts';

const load: Load = { connections: 16, warmUpMs: 2_000, measureMs: 4_000 };
const rounds = 7;

/** The same page from the same server with every wall of the gateway on, and with all of them off; in turn, so that what else the machine does hits both. */
export const bench: Bench = async (say) => {
  await using database = await startLocalDatabase();
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'parley-gateway-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'operations.json'), JSON.stringify({ [hashOf(query)]: query }));
  const env = {
    ...generateKeys(),
    NODE_ENV: 'production',
    LOG_LEVEL: 'info',
    DATABASE_URL: database.urls.app,
    STORAGE_URL: pathToFileURL(join(folder, 'files')).href,
    TRUSTED_PROXIES: '127.0.0.0/8,::1',
    CORS_ORIGINS: 'https://app.example.com',
    PERSISTED_OPERATIONS: 'allow',
    PERSISTED_OPERATIONS_FILE: join(folder, 'operations.json'),
    // Wide enough for one caller to ask as fast as the machine answers, and narrow enough to have slices fetched many times a second.
    COST_CALLER_POINTS: '2000000',
    COST_CALLER_POINTS_PER_SECOND: '2000000',
    COST_TENANT_POINTS: '2000000',
    COST_TENANT_POINTS_PER_SECOND: '2000000',
  };
  await using on = await startServer('gateway/server.ts', ['on'], env);
  await using off = await startServer('gateway/server.ts', ['off'], env);
  const { accessToken, tenantId } = await signUp(on.url);
  say('filling in 20,000 contacts with 60,000 tags, half of them another tenant’s');
  await fill(database.server.url('parley'), [tenantId, crypto.randomUUID()]);

  const target = (url: string): Target => ({
    url,
    path: '/graphql',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${accessToken}`,
      'x-forwarded-for': '203.0.113.7',
      origin: 'https://app.example.com',
    },
    body: JSON.stringify({ query }),
  });
  const rates = { on: [] as number[], off: [] as number[] };
  for (let round = 1; round <= rounds; round += 1) {
    const order = round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const);
    for (const which of order) rates[which].push(await throughput(target(which === 'on' ? on.url : off.url), load));
    say(`round ${round}: on ${rates.on.at(-1)?.toFixed(0)}/s, off ${rates.off.at(-1)?.toFixed(0)}/s`);
  }
  // Each round is a pair of neighbours: the machine's mood goes into both.
  const ratio = median(rates.on.map((rate, index) => rate / (rates.off[index] ?? rate)));
  const reference = median(rates.off);
  return [
    row(
      { name: 'reads', ours: ratio * reference, unit: 'pages/s', reference, referenceName: 'pages/s, every wall off' },
      { of: 'ratio', atLeast: 0.85 },
    ),
  ];
};
