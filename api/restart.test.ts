import pg from 'pg';
import { createDb } from '../prisma/client.ts';
import { migrateDatabase } from '../prisma/migrate.ts';
import { startLocalPostgres } from '../runtime/local-postgres.ts';
import { expect, startTestApi, test } from '../test/fixtures.ts';
import { databaseUrls } from '../test/template-database.ts';

test('restarts of Postgres under load are a pause for the API: it says so, shows nothing of it to clients, and goes on', async ({
  keys,
  storage,
  clock,
}) => {
  await using server = await startLocalPostgres({ durable: false });
  const admin = new pg.Client({ connectionString: server.url('postgres') });
  await admin.connect();
  await admin.query(`create role parley_owner login createrole password 'owner'`);
  await admin.query('create database restarted owner parley_owner');
  await admin.end();
  const urls = databaseUrls(server.url('restarted'));
  await migrateDatabase(urls);
  await using db = createDb(urls.app, { poolSize: 5 });
  await using api = await startTestApi({ db, keys, storage, clock });
  const ready = async () => (await fetch(`${api.url}/health/ready`)).status;
  expect(await ready()).toBe(200);

  const signIn = `mutation { signIn(input: { email: "nobody@example.com", password: "wrong password" }) { __typename } }`;
  const stop = new AbortController();
  const answers: string[] = [];
  const client = async () => {
    while (!stop.signal.aborted) {
      const { data, errors } = await api.graphql(signIn);
      answers.push(errors ? String(errors[0]?.extensions['code']) : String(data['signIn'].__typename));
      for (const { message } of errors ?? []) expect(message).not.toMatch(/postgres|connection|prisma|127\.0\.0\.1/i);
    }
  };
  const clients = [client(), client(), client()];
  for (const mode of ['fast', 'immediate'] as const) {
    const before = answers.length;
    await expect.poll(() => answers.length, { timeout: 60_000 }).toBeGreaterThan(before);
    await server.restart(mode);
    await expect.poll(ready, { timeout: 60_000 }).toBe(200);
    const back = answers.length;
    await expect.poll(() => answers.slice(back).includes('InvalidCredentialsError'), { timeout: 60_000 }).toBe(true);
  }
  stop.abort();
  await Promise.all(clients);
  expect(new Set(answers).isSubsetOf(new Set(['InvalidCredentialsError', 'INTERNAL', 'TIMEOUT']))).toBe(true);
}, 180_000);
