import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, sendOperation, test as base, testKeys } from '../test/fixtures.ts';
import { noteOutput } from '../test/leaks/note.ts';
import { connect } from '../test/sql.ts';

type LogLine = Record<string, unknown> & { msg: string };
type Process = { child: ChildProcess; url: string; lines: LogLine[]; stderr: () => string; exited: Promise<unknown[]> };

const root = join(import.meta.dirname, '..');
const keyring = (keys: { kid: string; key: Buffer }[]) =>
  keys.map(({ kid, key }) => `${kid}:${key.toString('base64')}`).join();

/** Starts the API as it is started in production; resolves when it is up or has ended. */
const test = base.extend<{ start: (env?: Record<string, string>) => Promise<Process> }>({
  start: async ({ database, storage }, use) => {
    const children: ChildProcess[] = [];
    const started: Process[] = [];
    await use(async (env = {}) => {
      const child = spawn(process.execPath, ['api/main.ts'], {
        cwd: root,
        env: {
          PATH: process.env['PATH'],
          NODE_COMPILE_CACHE: join(root, '.data', 'compile-cache'), // halves the start of a process
          DATABASE_URL: database.urls.app,
          STORAGE_URL: pathToFileURL(storage.directory).href,
          ENCRYPTION_KEYS: keyring(testKeys.encryption),
          JWT_KEYS: keyring(testKeys.jwt),
          PUBLIC_URL: 'http://parley.test', // as the API of the fixtures, so that its tokens are good here
          PORT: '0',
          METRICS_PORT: '0',
          ...env,
        },
      });
      children.push(child);
      const lines: LogLine[] = [];
      let stderr = '';
      child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
      if (child.stdout) createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as LogLine));
      const exited = once(child, 'close');
      const up = () => lines.find(({ msg }) => msg === 'api is up');
      await expect.poll(() => up() !== undefined || child.exitCode !== null, { timeout: 30_000 }).toBe(true);
      const api = { child, url: `http://127.0.0.1:${String(up()?.['port'])}`, lines, stderr: () => stderr, exited };
      started.push(api);
      return api;
    });
    for (const child of children) child.kill('SIGKILL');
    for (const { lines, stderr } of started) noteOutput('api', ...lines.map((line) => JSON.stringify(line)), stderr());
  },
});

test('asked to stop, it takes nothing new, answers what is in hand, and exits with 0 within ten seconds', async ({
  start,
  shop,
  database,
}) => {
  const { child, url, lines, exited } = await start();
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`begin`;
  await superuser.sql`lock table tenants in access exclusive mode`; // whoever asks for the tenant waits
  const asked = sendOperation(url, '{ tenant { name } }', {}, shop.accessToken);
  await waitForBlocked(database.superuserUrl);

  const stopped = performance.now();
  child.kill('SIGTERM');
  await expect.poll(() => lines.at(-1)?.msg).toBe('api is stopping');
  await expect.poll(() => fetch(`${url}/health/live`).then(String, () => 'refused')).toBe('refused');
  expect(child.exitCode).toBeNull();
  await superuser.sql`commit`;
  expect(await asked).toEqual({ data: { tenant: { name: 'Shop 1' } } });
  expect(await exited).toEqual([0, null]);
  expect(performance.now() - stopped).toBeLessThan(10_000);
});

test('asked to stop, it gives up what does not end, leaves no transaction behind, and exits with 0 all the same', async ({
  start,
  shop,
  database,
}) => {
  await using superuser = await connect(database.superuserUrl);
  await superuser.query(`alter role app in database ${database.name} set lock_timeout = 0`); // it would end the wait by itself
  const { child, url, exited } = await start({ REQUEST_TIMEOUT_MS: '60000', STOP_WITHIN_MS: '3000' });
  await superuser.sql`begin`;
  await superuser.sql`lock table tenants in access exclusive mode`;
  const update = 'mutation { tenantUpdate(input: { name: "Late" }) { __typename } }';
  const asked = Promise.allSettled(
    [update, '{ tenant { name } }'].map((text) => sendOperation(url, text, {}, shop.accessToken)),
  );
  await waitForBlocked(database.superuserUrl, 2);

  const stopped = performance.now();
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(performance.now() - stopped).toBeLessThan(10_000);
  expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await superuser.sql`commit`;
  const left = () =>
    superuser.sql`select 1 as n from pg_stat_activity where application_name = 'parley-api' and datname = current_database()`;
  await expect.poll(left, { timeout: 10_000 }).toEqual([]);
  expect(await superuser.sql`select name from tenants`).toEqual([{ name: 'Shop 1' }]);
});

test('in production every wall stands as the environment has it, and what is closed opens only when told to', async ({
  start,
  shop,
}) => {
  const production = { NODE_ENV: 'production', CORS_ORIGINS: 'https://app.example', TRUSTED_PROXIES: '127.0.0.1' };
  const limits = {
    QUERY_DEPTH_MAX: '3',
    QUERY_COST_MAX: '100',
    REQUEST_BODY_BYTES_MAX: '10000',
    ATTEMPTS_PER_NETWORK: '1',
  };
  const [closed, opened] = [
    await start({ ...production, ...limits }),
    await start({ ...production, INTROSPECTION: 'on', GRAPHIQL: 'on' }),
  ];
  const ask = async (url: string, query: string) => {
    const { data, errors } = await sendOperation(url, query, {}, shop.accessToken);
    return errors?.[0]?.extensions['code'] ?? data;
  };
  const schema = '{ __schema { queryType { name } } }';
  expect(await ask(closed.url, schema)).toBe('GRAPHQL_VALIDATION_FAILED');
  expect(await ask(opened.url, schema)).toEqual({ __schema: { queryType: { name: 'Query' } } });
  const page = (url: string) => fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
  expect((await page(closed.url)).status).toBe(405);
  expect((await page(opened.url)).status).toBe(200);

  const { url } = closed;
  expect(await ask(url, '{ tenant { name } }')).toEqual({ tenant: { name: 'Shop 1' } });
  expect(await ask(url, '{ contacts(first: 1) { nodes { tags { id } } } }')).toBe('COST_LIMIT'); // too deep
  expect(await ask(url, '{ contacts(first: 100) { nodes { id } } }')).toBe('COST_LIMIT'); // too dear
  expect(await ask(opened.url, '{ contacts(first: 100) { nodes { id } } }')).toEqual({ contacts: { nodes: [] } });
  const signIn = 'mutation { signIn(input: { email: "a@example.com", password: "wrong password" }) { __typename } }';
  expect(await ask(url, signIn)).toEqual({ signIn: { __typename: 'InvalidCredentialsError' } });
  expect(await ask(url, signIn)).toEqual({ signIn: { __typename: 'RateLimitedError' } });
  const send = (headers: Record<string, string>, body = '{"query":"{ __typename }"}') =>
    fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
  expect((await send({}, ' '.repeat(10_001))).status).toBe(413);
  expect((await send({ origin: 'https://evil.example' })).status).toBe(403);
  const { headers } = await send({ origin: 'https://app.example' });
  expect(headers.get('access-control-allow-origin')).toBe('https://app.example');
  expect(headers.get('strict-transport-security')).toContain('max-age=63072000');
});

test('it does not start with a wrong environment, and says everything that is wrong', async ({ start }) => {
  const { child, stderr } = await start({ PORT: 'http', JWT_KEYS: 'a:AAAA', STORAGE_URL: '' });
  expect(child.exitCode).toBe(1);
  for (const name of ['PORT is not valid', 'JWT_KEYS is not valid', 'STORAGE_URL is missing']) {
    expect(stderr()).toContain(name);
  }
});

test('it does not start under a role that row-level security would not hold', async ({ start, database }) => {
  for (const DATABASE_URL of [database.urls.owner, database.superuserUrl, database.urls.queue]) {
    const { child, lines } = await start({ DATABASE_URL });
    expect(child.exitCode).toBe(1);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', err: { type: 'StrongRoleError' } });
  }
});

/** Waits until so many of the application's statements wait for a lock. */
async function waitForBlocked(superuserUrl: string, count = 1): Promise<void> {
  await using observer = await connect(superuserUrl);
  const blocked = () =>
    observer.sql`select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await expect.poll(blocked, { timeout: 10_000 }).toEqual([{ count }]);
}

test('no secret stands in its title, its arguments and its report on a crash', async ({
  start,
  storage: { directory },
}) => {
  const { child } = await start({
    NODE_OPTIONS: `--report-on-signal --report-directory=${directory} --report-filename=crash.json`,
  });
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(child.pid)]);
  expect(stdout).toContain('api/main.ts');
  child.kill('SIGUSR2');
  const report = () => readFile(join(directory, 'crash.json'), 'utf8').catch(() => '');
  await expect.poll(report, { timeout: 20_000 }).toContain('"sharedObjects"'); // the last part of it
  noteOutput('crash report', await report());
  for (const text of [stdout, await report()]) {
    for (const { key } of [...testKeys.jwt, ...testKeys.encryption]) expect(text).not.toContain(key.toString('base64'));
    expect(text).not.toMatch(/postgres(ql)?:\/\//);
  }
});
