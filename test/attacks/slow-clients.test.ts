import '../trial-fields.ts';
import { connect as connectTo, type Socket } from 'node:net';
import { listen } from '../../runtime/listen.ts';
import { expect, startTestApi, test } from '../fixtures.ts';
import { connect } from '../sql.ts';

type Peer = { socket: Socket; closed: Promise<string> };

/** A connection that says what it is told to, and no more; ends with everything that was answered. */
function dial(url: string, text: string): Peer {
  const socket = connectTo(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
  let answer = '';
  socket.on('data', (bytes) => (answer += bytes.toString()));
  socket.on('error', () => {});
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve(answer))) };
}

const head = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

test('clients that never finish a head or a body are cut off, and keep nobody else waiting', async ({
  db,
  keys,
  storage,
  clock,
  shop,
}) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { bodyTimeoutMs: 1_000 });
  const body = '{"query":"{ __typename }"}';
  const slowBodies = Array.from({ length: 100 }, () => dial(api.url, `${head}content-length: 900000\r\n\r\n{`));
  const trickling = dial(api.url, `${head}transfer-encoding: chunked\r\n\r\n`);
  const trickle = setInterval(() => trickling.socket.write('1\r\nx\r\n'), 50);
  for (let time = 0; time < 20; time += 1) {
    expect((await api.graphql('{ viewer { role } }', {}, shop.accessToken)).data).toEqual({
      viewer: { role: 'OWNER' },
    });
  }
  for (const { closed } of slowBodies) expect(await closed).toContain('408 Request Timeout');
  expect(await trickling.closed).toContain('408 Request Timeout');
  clearInterval(trickle);
  const whole = dial(api.url, `${head}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  expect(await whole.closed).toContain('200 OK');
});

test('a head that does not come to an end, or has no end, is refused', async () => {
  await using server = await listen((_request, response) => void response.end('ok'), 0, '127.0.0.1', {
    headersTimeout: 500,
  });
  const url = `http://127.0.0.1:${server.port}`;
  const idle = Array.from({ length: 200 }, () => dial(url, 'GET / HTTP/1.1\r\nhost: x\r\nx-slow: '));
  expect(await (await fetch(url)).text()).toBe('ok');
  for (const { closed } of idle) expect(await closed).toContain('408 Request Timeout');
  const long = dial(url, `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(await long.closed).toContain('431 Request Header Fields Too Large');
});

test('a flood of requests that are given up leaves no statement running and no connection taken', async ({
  api,
  database,
  db,
  shop,
}) => {
  await using superuser = await connect(database.superuserUrl);
  const running = () =>
    superuser.sql<{ state: string }>`select state from pg_stat_activity
      where datname = current_database() and application_name = 'parley' and state <> 'idle'`;
  const gone = new AbortController();
  const asked = Array.from({ length: 40 }, async () => {
    await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${shop.accessToken}` },
      body: JSON.stringify({ query: '{ trialSleep }' }),
      signal: gone.signal,
    });
  });
  const refused = Promise.allSettled(asked);
  await expect.poll(async () => (await running()).length, { timeout: 20_000 }).toBe(8); // every connection that there is
  gone.abort();
  expect((await refused).every(({ status }) => status === 'rejected')).toBe(true);
  await expect.poll(running, { timeout: 20_000 }).toEqual([]);
  await expect.poll(() => db.pool.waitingCount, { timeout: 20_000 }).toBe(0);
  await expect.poll(() => db.pool.idleCount === db.pool.totalCount, { timeout: 20_000 }).toBe(true);
  expect((await shop.graphql('{ tenant { name } }')).data).toEqual({ tenant: { name: 'Shop 1' } });
});
