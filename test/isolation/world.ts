import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { loadAuthKeys } from '../../domain/auth/keys.ts';
import type { Role } from '../../domain/auth/viewer.ts';
import { findOpenCampaigns } from '../../domain/campaigns/jobs.ts';
import { runLaunch } from '../../domain/campaigns/launch.ts';
import { createDb, type Db, inScope } from '../../prisma/client.ts';
import { tables } from '../../prisma/tables.ts';
import { createStorage } from '../../runtime/storage.ts';
import { createTestDatabase, signUp, startTestApi, type TestApi, testKeys } from '../fixtures.ts';
import { startSimulators } from '../../simulators/start.ts';
import { metaOf } from '../partners.ts';
import { connect, type Connection } from '../sql.ts';
import { calls } from './calls.ts';
import { fillTables } from './fill.ts';
import { createTenant, roots, type Tenant } from './tenant.ts';

/** Two tenants on one API that have used everything there is. */
export type World = {
  api: TestApi;
  superuser: Connection;
  mine: Tenant;
  theirs: Tenant;
  /** What has been read in it so far, as `Type.field`. */
  read: Set<string>;
  /** Gives the person of a tenant another role, as of the next operation. */
  setRole(tenant: Tenant, role: Role): Promise<void>;
  /** Takes row-level security off every table, or puts it on again. */
  setRowSecurity(isOn: boolean): Promise<void>;
};

/** What no call of the API writes, but reading must understand. */
const writtenByWorkers = { contact_import_problems: { code: 'REQUIRED' } };

/** Would make yet another tenant. */
const notUsed = new Set(['signUp']);

export async function createWorld(use: (world: World) => Promise<void>): Promise<void> {
  await using database = await createTestDatabase();
  await using superuser = await connect(database.superuserUrl);
  await using db = createDb(database.urls.app, { poolSize: 20 });
  const directory = await mkdtemp(join(tmpdir(), 'parley-storage-'));
  const keys = loadAuthKeys('http://parley.test', testKeys.jwt, testKeys.encryption);
  const storage = createStorage(pathToFileURL(directory).href);
  await using simulators = await startSimulators({ profile: 'quiet' });
  await using meta = metaOf(simulators);
  const newNumber = () => simulators.meta.createNumber({ level: 'HIGH', tier: 'TIER_UNLIMITED' });
  await using api = await startTestApi(
    { db, keys, storage, clock: { now: () => new Date(), advance: () => {} }, meta },
    { queryLimits: { depthMax: 30, aliasesMax: 1_000, tokensMax: 100_000, directivesMax: 30, rootFieldsMax: 20 } },
  );
  const [mine, theirs] = [
    createTenant(api.url, await signUp(api, 'Mine'), undefined, newNumber),
    createTenant(api.url, await signUp(api, 'Theirs'), undefined, newNumber),
  ];
  await using _launcher = startLauncher(db);
  const read = new Set<string>();
  for (const tenant of [mine, theirs]) {
    for (const field of await useEverything(tenant)) read.add(field);
    const { tenantId, userId } = tenant.person;
    await fillTables(superuser, { tenantId, userId, canary: tenant.canary }, writtenByWorkers);
  }
  const newcomer = createTenant(api.url, { ...mine.person, accessToken: '' });
  const signedUp = await newcomer.call('signUp', await calls['signUp']?.(newcomer));
  for (const field of signedUp.read) read.add(field);
  const setRole = async ({ person }: Tenant, role: Role) => {
    await superuser.query('update memberships set role = $1 where tenant_id = $2 and user_id = $3', [
      role,
      person.tenantId,
      person.userId,
    ]);
  };
  const setRowSecurity = async (isOn: boolean) => {
    const walled = tables.filter((table) => table.class !== 'exempt');
    for (const { name } of walled) {
      await superuser.query(`alter table "${name}" ${isOn ? 'enable' : 'disable'} row level security`);
    }
  };
  await use({ api, superuser, mine, theirs, read, setRole, setRowSecurity });
  await rm(directory, { recursive: true, force: true });
  const told = api.logLines.filter((line) => [mine, theirs].some((tenant) => tells(tenant, line)));
  if (told.length > 0) throw new Error(`The log tells what tenants said:\n${told.slice(0, 5).join('')}`);
}

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

/** Calls every field once, mutations first: what they make is then read. Returns everything that was read. */
export async function useEverything(tenant: Tenant): Promise<Set<string>> {
  const read = new Set<string>();
  const names = [...roots.values()].map(({ name, operation }) => ({ name, operation }));
  for (const { name } of names.toSorted((a, b) => a.operation.localeCompare(b.operation))) {
    const variables = notUsed.has(name) ? undefined : await calls[name]?.(tenant);
    if (!variables) continue;
    const called = await tenant.call(name, variables);
    for (const field of called.read) read.add(field);
  }
  return read;
}

/** Whether a text holds anything that a tenant said. */
export function tells(tenant: Tenant, text: string): boolean {
  return text.includes(tenant.canary) || [...tenant.secrets].some((secret) => text.includes(secret));
}
