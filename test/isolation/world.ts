import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { assertEnumType } from 'graphql';
import { parseApiKey } from '../../domain/auth/api-key-text.ts';
import { loadAuthKeys } from '../../domain/auth/keys.ts';
import type { Role } from '../../domain/auth/permissions.ts';
import { findOpenCampaigns } from '../../domain/campaigns/jobs.ts';
import { runLaunch } from '../../domain/campaigns/launch.ts';
import { createDb, type Db, inScope } from '../../prisma/client.ts';
import { tables } from '../../prisma/tables.ts';
import { schema } from '../../schema/index.ts';
import { createStorage } from '../../runtime/storage.ts';
import { createTestDatabase, signUp, startTestApi, type TestApi, testKeys, vi } from '../fixtures.ts';
import { startSimulators } from '../../simulators/start.ts';
import { startGoogle } from '../google.ts';
import { joinTenant } from '../colleague.ts';
import { metaOf } from '../partners.ts';
import { connect, type Connection } from '../sql.ts';
import { mailedTokens } from './mailed-tokens.ts';
import { calls } from './calls.ts';
import { fillTables } from './fill.ts';
import { createTenant, roots, type Tenant } from './tenant.ts';

// The first test of a file waits for its world, too: on a busy machine that takes long, and how long is not what is asked here.
vi.setConfig({ testTimeout: 600_000 });

/** Two tenants on one API that have used everything there is. */
export type World = {
  api: TestApi;
  superuser: Connection;
  mine: Tenant;
  theirs: Tenant;
  /** Somebody who works for both, and has signed in for the first. */
  both: Tenant;
  /** What has been read in it so far, as `Type.field`. */
  read: Set<string>;
  /** Gives the person of a tenant another role, as of the next operation. */
  setRole(tenant: Tenant, role: Role): Promise<void>;
  /** Somebody else of the first tenant, in a role. */
  newColleague(role: Role): Promise<Tenant>;
  /** A program that asks for the first tenant, with a key that has every scope, no scope, or every one but some. */
  newKey(scopes: 'every' | 'no' | { but: readonly string[] }): Promise<Tenant>;
  /** Takes row-level security off every table, or puts it on again. */
  setRowSecurity(isOn: boolean): Promise<void>;
};

/** What no call of the API writes, but reading must understand. */
const writtenByWorkers = { contact_import_problems: { code: 'REQUIRED' } };

/** Would make yet another tenant. */
const notUsed = new Set(['signUp', 'googleSignUp']);

/** A world lives longer than a proof of who somebody is counts as fresh. */
const limits = { uploadBytesMax: 20_000_000, uploadExpiresSeconds: 3_600, stepUpSeconds: 86_400 };

export async function createWorld(use: (world: World) => Promise<void>): Promise<void> {
  await using database = await createTestDatabase();
  await using superuser = await connect(database.superuserUrl);
  await using db = createDb(database.urls.app, { poolSize: 20 });
  const directory = await mkdtemp(join(tmpdir(), 'parley-storage-'));
  const keys = loadAuthKeys('http://parley.test', testKeys.jwt, testKeys.encryption);
  const storage = createStorage(pathToFileURL(directory).href);
  await using simulators = await startSimulators({ profile: 'quiet' });
  await using meta = metaOf(simulators);
  await using google = await startGoogle();
  const newNumber = () => simulators.meta.createNumber({ level: 'HIGH', tier: 'TIER_UNLIMITED' });
  const outside = { newNumber, mailedToken: mailedTokens(db, superuser) };
  await using api = await startTestApi(
    {
      db,
      keys,
      storage,
      clock: { now: () => new Date(), advance: () => {} },
      meta,
      services: { limits, google: google.google },
    },
    { timeoutMs: 60_000, queryLimits: { depthMax: 30, aliasesMax: 1_000, tokensMax: 100_000, fieldsMax: 100_000 } },
  );
  const [mine, theirs] = [
    createTenant(api.url, await signUp(api, 'Mine'), undefined, outside),
    createTenant(api.url, await signUp(api, 'Theirs'), undefined, outside),
  ];
  await using _launcher = startLauncher(db);
  const setRole = async ({ person }: Tenant, role: Role) => {
    await superuser.query('update memberships set role = $1 where tenant_id = $2 and user_id = $3', [
      role,
      person.tenantId,
      person.userId,
    ]);
  };
  await Promise.all(
    [mine, theirs].map(async (tenant) => {
      await useEverything(tenant);
      await setRole(tenant, 'OWNER'); // it was handed on
    }),
  );
  for (const { person, canary } of [mine, theirs]) {
    const { tenantId, userId } = person;
    await fillTables(superuser, { tenantId, userId, canary }, writtenByWorkers);
  }
  const newcomer = createTenant(api.url, { ...mine.person, accessToken: '' });
  for (const name of notUsed) {
    await newcomer.call(name, await calls[name]?.(newcomer));
  }
  const read = new Set([mine, theirs, newcomer].flatMap((tenant) => [...tenant.read]));
  const newColleague = async (role: Role) =>
    createTenant(api.url, await joinTenant(api, database.superuserUrl, mine.person.tenantId, role), undefined, outside);
  const both = await newColleague('OWNER');
  await superuser.query(`insert into memberships (tenant_id, user_id, role) values ($1, $2, 'OWNER')`, [
    theirs.person.tenantId,
    both.person.userId,
  ]);
  const newKey: World['newKey'] = async (scopes) => {
    const left: readonly unknown[] = typeof scopes === 'string' ? [] : scopes.but;
    const every = assertEnumType(schema.getType('ApiKeyScope')).getValues();
    const given = every.filter(({ value }) => !left.includes(value)).map(({ name }) => name);
    const input = { name: mine.text('key'), integration: mine.text('program'), scopes: given };
    const { result } = await mine.call('apiKeyCreate', { input });
    const secret = String(result['secret']);
    if (scopes === 'no') await superuser.query(`update api_keys set scopes = '{}' where id = $1`, [keyIdOf(secret)]);
    return createTenant(api.url, { ...mine.person, accessToken: secret }, undefined, outside);
  };
  const setRowSecurity = async (isOn: boolean) => {
    const walled = tables.filter((table) => table.class !== 'exempt');
    for (const { name } of walled) {
      await superuser.query(`alter table "${name}" ${isOn ? 'enable' : 'disable'} row level security`);
    }
  };
  await use({ api, superuser, mine, theirs, both, read, setRole, newColleague, newKey, setRowSecurity });
  await rm(directory, { recursive: true, force: true });
  const told = api.logLines.filter((line) => [mine, theirs].some((tenant) => tells(tenant, line)));
  if (told.length > 0) throw new Error(`The log tells what tenants said:\n${told.slice(0, 5).join('')}`);
}

const keyIdOf = (secret: string) => parseApiKey(secret)?.apiKeyId;

/** Freezes the audiences of launched campaigns, as a worker would; nothing of them is sent. */
function startLauncher(db: Db): AsyncDisposable {
  const over = new AbortController();
  const settings = { campaignLaunchLeaseMs: 10_000, campaignLaunchTimeoutMs: 60_000, campaignLaunchAttemptsMax: 3 };
  const work = async () => {
    while (!over.signal.aborted) {
      const open = await inScope(db, {}, (tx) => findOpenCampaigns(tx, 100));
      for (const campaign of open) await runLaunch(db, campaign, settings, over.signal);
      await pause(50, undefined, { signal: over.signal }).catch(() => {});
    }
  };
  const working = work();
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await working;
    },
  };
}

/** Calls every field once, mutations first: what they make is then read. */
export async function useEverything(tenant: Tenant): Promise<void> {
  const names = [...roots.values()].map(({ name, operation }) => ({ name, operation }));
  for (const { name } of names.toSorted((a, b) => a.operation.localeCompare(b.operation))) {
    const variables = notUsed.has(name) ? undefined : await calls[name]?.(tenant);
    if (variables) await tenant.call(name, variables);
  }
}

/** Whether a text holds anything that a tenant said. */
export function tells(tenant: Tenant, text: string): boolean {
  return text.includes(tenant.canary) || [...tenant.secrets].some((secret) => text.includes(secret));
}
