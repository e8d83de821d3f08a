import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { Registry } from 'prom-client';
import { inject, test as base } from 'vitest';
import { createBudget } from '../api/budget.ts';
import type { QueryLimits } from '../api/limits.ts';
import { createApiMetrics } from '../api/metrics.ts';
import { type ApiOptions, createApi } from '../api/server.ts';
import { createIntake } from '../api/webhooks/intake.ts';
import { createWebhookMetrics } from '../api/webhooks/metrics.ts';
import type { AttemptLimits } from '../domain/limits/attempts.ts';
import type { Meta } from '../connectors/whatsapp/meta.ts';
import { createKeyUses } from '../domain/auth/key-uses.ts';
import { type AuthKeys, loadAuthKeys } from '../domain/auth/keys.ts';
import { createDb, type Db } from '../prisma/client.ts';
import { queueRevision } from '../prisma/readiness.ts';
import { migrationNames } from '../prisma/schema-engine.ts';
import { listen } from '../runtime/listen.ts';
import { createLog } from '../runtime/log.ts';
import { createStorage, type Storage } from '../runtime/storage.ts';
import type { Services } from '../schema/builder.ts';
import { atRest } from './leaks/check.ts';
import { keepSecret, keepSecretsOf, noteOutput } from './leaks/note.ts';
import { databaseUrls, templateName } from './template-database.ts';

export { expect, describe, vi, beforeEach, afterEach } from 'vitest';

export type TestDatabase = { name: string; urls: { owner: string; app: string; queue: string }; superuserUrl: string };

/** A database of one's own: migrated, unless it is to be copied from another template. */
export async function createTestDatabase(template = templateName): Promise<TestDatabase & AsyncDisposable> {
  const server = inject('postgresUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  const run = async (sql: string) => {
    const admin = new pg.Client({ connectionString: server });
    await admin.connect();
    try {
      await admin.query(sql);
    } finally {
      await admin.end();
    }
  };
  await run(`create database ${name} template ${template} owner parley_owner strategy file_copy`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    name,
    urls: databaseUrls(url.href),
    superuserUrl: url.href,
    async [Symbol.asyncDispose]() {
      await noteDatabase(url.href);
      await run(`drop database if exists ${name} with (force)`);
    },
  };
}

/** Hands in what operators read of a database (jobs, why they failed, and the audit log), and what is at rest in its tables. */
async function noteDatabase(superuserUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ source: string; text: string }>(`
      select 'jobs' as source, concat_ws(' ', j.payload::text, j.last_error, j.key) as text from graphile_worker._private_jobs j
      union all select 'dead jobs', d::text from dead_jobs d
      union all select 'audit log', concat_ws(' ', a.action, a.before::text, a.after::text) from audit_entries a`);
    for (const { source, text } of rows) noteOutput(source, text);
    const { rows: tables } = await client.query<{ name: string }>(
      `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
    );
    for (const { name } of tables) {
      const { rows: kept } = await client.query<{ text: string }>(`select t::text as text from ${name} t limit 100`);
      noteOutput(`${atRest}${name}`, ...kept.map(({ text }) => text));
    }
  } catch {
    // A test may have left its database without these tables, or beyond reach.
  } finally {
    await client.end().catch(() => {});
  }
}

/** The keys of a test's API: made once a process. */
export const testKeys: { jwt: { kid: string; key: Buffer }[]; encryption: { kid: string; key: Buffer }[] } = {
  jwt: [{ kid: 'test', key: generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }) }],
  encryption: [{ kid: 'test', key: randomBytes(32) }],
};

for (const { key } of [...testKeys.jwt, ...testKeys.encryption]) keepSecret('server key', key.toString('base64'));

/** Passwords of tests are hashed at a small part of what production asks for. */
export const testHashing = { memoryKib: 1_024, time: 2, parallelism: 1 };

export type GraphQLAnswer = {
  data: Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- it has the shape of its query
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}; // oxlint-disable-line typescript/no-explicit-any -- an answer has the shape of its query

export type TestApi = {
  url: string;
  /** Sends one operation over HTTP. */
  graphql(query: string, variables?: Record<string, unknown>, accessToken?: string): Promise<GraphQLAnswer>;
  /** Every line that this API logged. */
  logLines: string[];
};

export type Person = {
  tenantId: string;
  userId: string;
  email: string;
  password: string;
  accessToken: string;
  refreshToken: string;
  /** Sends one operation as this person. */
  graphql(query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer>;
};

/** The time as the API sees it: the real one, moved on by as much as a test says. */
export type Clock = { now(): Date; advance(ms: number): void };

type Fixtures = {
  clock: Clock;
  database: TestDatabase;
  db: Db;
  storage: Storage & { directory: string };
  keys: AuthKeys;
  /** The way to Meta: off, unless a test is made with test/partners.ts. */
  meta: Meta | null;
  api: TestApi;
  /** Signs up a tenant with its OWNER, through the API. */
  signUp: (name?: string) => Promise<Person>;
  /** A signed-up tenant. */
  shop: Person;
};

export const test = base.extend<Fixtures>({
  database: async ({}, use) => {
    await using database = await createTestDatabase();
    await use(database);
  },
  db: async ({ database }, use) => {
    await using db = createDb(database.urls.app, { poolSize: 8 });
    await use(db);
  },
  storage: async ({}, use) => {
    const directory = await mkdtemp(join(tmpdir(), 'parley-storage-'));
    await use(Object.assign(createStorage(pathToFileURL(directory).href), { directory }));
    noteOutput('storage', ...(await readdir(directory, { recursive: true })));
    await rm(directory, { recursive: true, force: true });
  },
  keys: async ({}, use) => use(loadAuthKeys('http://parley.test', testKeys.jwt, testKeys.encryption)),
  clock: async ({}, use) => {
    let aheadMs = 0;
    await use({ now: () => new Date(Date.now() + aheadMs), advance: (ms) => void (aheadMs += ms) });
  },
  meta: async ({}, use) => use(null),
  api: async ({ db, keys, storage, clock, meta }, use) => {
    await using api = await startTestApi({ db, keys, storage, clock, meta });
    await use(api);
  },
  signUp: async ({ api }, use) => {
    let count = 0;
    await use((name = `Shop ${(count += 1)}`) => signUp(api, name));
  },
  shop: async ({ signUp }, use) => use(await signUp()),
});

/** Signs up a tenant with its OWNER, through an API. */
export async function signUp(api: TestApi, tenantName: string): Promise<Person> {
  const email = `owner-${randomBytes(6).toString('hex')}@example.com`;
  const password = randomBytes(12).toString('base64url');
  const answer = await api.graphql(
    `mutation ($input: SignUpInput!) { signUp(input: $input) { __typename
      ... on Session { accessToken refreshToken user { id email } tenant { id } } ... on UserError { message } } }`,
    { input: { tenantName, name: 'Olga Owner', email, password, country: 'BR', timeZone: 'America/Sao_Paulo' } },
  );
  const session = answer.data['signUp'];
  if (session?.__typename !== 'Session') throw new Error(`Sign-up failed: ${JSON.stringify(answer)}`);
  const { accessToken, refreshToken } = session;
  return {
    email,
    password,
    accessToken,
    refreshToken,
    tenantId: rawId(session.tenant.id),
    userId: rawId(session.user.id),
    graphql: (query, variables) => api.graphql(query, variables, accessToken),
  };
}

/** An API on a port of its own, with whatever a test wants otherwise. */
export async function startTestApi(
  given: { db: Db; keys: AuthKeys; storage: Storage; clock: Clock; meta?: Meta | null; services?: Partial<Services> },
  otherwise: Partial<Omit<ApiOptions, 'queryLimits'>> & { queryLimits?: Partial<QueryLimits>; costMax?: number } = {},
): Promise<TestApi & AsyncDisposable> {
  const { db, keys, storage, clock, meta = null, services } = given;
  const logLines: string[] = [];
  const log = createLog('info', { write: (line) => void logLines.push(line) });
  const publicUrl = { value: '' };
  const webhookMetrics = createWebhookMetrics(new Registry());
  const intake = createIntake({ db, log, metrics: webhookMetrics });
  const onError = (err: unknown) => log.warn({ err }, 'the last use of a key was not written down');
  const keyUses = createKeyUses({ db, now: clock.now, onError });
  // A connection of its own, so that what a test sees of the others is the operations' only.
  const limitsDb = createDb(db.pool.options.connectionString ?? '', { poolSize: 1, applicationName: 'parley-limits' });
  const { queryLimits, costMax = 1e9, ...others } = otherwise;
  const listener = createApi({
    db,
    log,
    keys,
    keyUses,
    storage,
    isProduction: false,
    graphiql: !otherwise.isProduction,
    introspection: !otherwise.isProduction,
    secureHeaders: true,
    corsOrigins: [],
    proxies: [],
    persisted: null,
    bodyBytesMax: 1_000_000,
    bodyTimeoutMs: 10_000,
    webhooks: { intake, metrics: webhookMetrics, bodyBytesMax: 3_500_000, heldBytesMax: 50_000_000 },
    timeoutMs: 10_000,
    migrations: await migrationNames(),
    queueRevision,
    metrics: createApiMetrics(new Registry()),
    uploadBytesMax: 20_000_000,
    queryLimits: { ...testLimits, ...queryLimits },
    cost: { costMax, budget: createBudget({ db: limitsDb, log }), allowances: plenty },
    services: {
      now: clock.now,
      get publicUrl() {
        return publicUrl.value;
      },
      keys,
      keyring: testKeys.encryption,
      attempts: anyNumber,
      hashing: testHashing,
      hasMail: true,
      meta,
      google: null,
      limits: { uploadBytesMax: 20_000_000, uploadExpiresSeconds: 3_600, stepUpSeconds: 300 },
      ...services,
    },
    ...others,
  });
  const server = await listen(listener, 0, '127.0.0.1');
  const url = (publicUrl.value = `http://127.0.0.1:${server.port}`);
  return {
    url,
    logLines,
    graphql: (query, variables, accessToken) => sendOperation(url, query, variables, accessToken),
    async [Symbol.asyncDispose]() {
      noteOutput('api log', ...logLines);
      await server[Symbol.asyncDispose]();
      await keyUses[Symbol.asyncDispose]();
      await intake[Symbol.asyncDispose]();
      await limitsDb[Symbol.asyncDispose]();
    },
  };
}

/** The limits of a test's API, as in production. */
const testLimits: QueryLimits = {
  depthMax: 12,
  aliasesMax: 30,
  tokensMax: 2_000,
  directivesMax: 30,
  rootFieldsMax: 20,
  breadthMax: 100,
  fieldsMax: 2_000,
  variablesMax: 100,
  valuesMax: 10_000,
  listMax: 2_000,
};

/** Tests of anything else try as often as they like. */
const anyNumber: AttemptLimits = {
  perAccount: 1_000_000,
  perNetwork: 1_000_000,
  delayMs: 1_000,
  accountDelayMsMax: 1_000,
  networkDelayMsMax: 1_000,
  forgottenAfterMs: 3_600_000,
};

/** More points than any test spends that is not about them. */
const unlimited = { capacity: 1e9, rate: 1e9 };
const plenty = { caller: unlimited, tenant: unlimited, network: unlimited };

/** The row's own id behind a global id. */
export function rawId(globalId: string): string {
  return Buffer.from(globalId, 'base64').toString('utf8').split(':').slice(1).join(':');
}

/** The global id of a row. */
export function globalId(type: string, id: string): string {
  return Buffer.from(`${type}:${id}`).toString('base64');
}

/** A password that was refused is nobody’s, and may be anything: the own name, say. */
const isPasswordRefused = (data: unknown) => /"path":"(newP|p)assword"/.test(JSON.stringify(data) ?? '');

export async function sendOperation(
  url: string,
  query: string,
  variables?: Record<string, unknown>,
  accessToken?: string,
): Promise<GraphQLAnswer> {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  const { extensions: _cost, ...said } = (await answer.json()) as GraphQLAnswer & { extensions?: unknown };
  keepSecretsOf(isPasswordRefused(said.data) ? said.data : [variables, said.data]);
  if (said.errors) noteOutput('errors', JSON.stringify(said.errors));
  return said; // what it cost is not what was asked
}
