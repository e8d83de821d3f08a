import { runMigrations } from 'graphile-worker';
import pg from 'pg';
import { createQueuePool } from './queue-pool.ts';
import { applyMigrations } from './schema-engine.ts';

export type DatabaseUrls = { owner: string; app: string; queue: string };

/** Group roles: what a login may do is a membership, so that policies and grants name no login. */
const groups = ['parley_app', 'parley_queue', 'parley_finder'] as const;

/** Of the application's login: nothing that answers a person may hold the database for long. */
const appLimits = {
  statement_timeout: '15s',
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '30s',
  transaction_timeout: '60s',
};

/**
 * Brings a database to the current version: roles, tables with their policies, the queue's own schema, grants.
 * Safe to repeat and to run from two machines at once. Returns the names of the migrations it applied.
 */
export async function migrateDatabase(urls: DatabaseUrls): Promise<string[]> {
  const app = loginOf(urls.app);
  const queue = loginOf(urls.queue);
  if (new Set([app.name, queue.name, loginOf(urls.owner).name]).size < 3) {
    throw new Error('DATABASE_URL, DATABASE_QUEUE_URL and DATABASE_OWNER_URL must sign in as three different roles.');
  }
  const owner = new pg.Client({ connectionString: urls.owner });
  await owner.connect();
  try {
    await owner.query("select pg_advisory_lock(hashtextextended('parley:migrate', 0))");
    await createRoles(owner, [
      { ...app, group: 'parley_app' },
      { ...queue, group: 'parley_queue' },
    ]);
    for (const [name, value] of Object.entries(appLimits)) {
      await owner.query(`alter role ${pg.escapeIdentifier(app.name)} set ${name} = ${pg.escapeLiteral(value)}`);
    }
    const database = pg.escapeIdentifier(await currentDatabase(owner));
    await owner.query(
      `revoke create on schema public from public; grant usage on schema public to ${groups.join(', ')}`,
    );
    const applied = await applyMigrations(urls.owner);
    await owner.query(`grant create on database ${database} to parley_queue`);
    await migrateQueue(urls.queue);
    await owner.query(`revoke create on database ${database} from parley_queue`);
    return applied;
  } finally {
    await owner.end();
  }
}

/** graphile-worker's own tables belong to the group, so that every login of the fleet owns them alike. */
async function migrateQueue(queueUrl: string): Promise<void> {
  const pool = createQueuePool(queueUrl, {
    max: 2,
    applicationName: 'parley-migrate',
    role: 'parley_queue',
    statementMs: 0,
  });
  try {
    await runMigrations({ pgPool: pool });
  } finally {
    await pool.end();
  }
}

async function createRoles(
  owner: pg.Client,
  logins: { name: string; password: string; group: string }[],
): Promise<void> {
  const existing = await owner.query<{ rolname: string }>('select rolname from pg_roles');
  const names = new Set(existing.rows.map(({ rolname }) => rolname));
  for (const group of groups) {
    if (!names.has(group)) await owner.query(`create role ${group} nologin`);
    // The owner hands functions over to these roles; it gets none of their rights.
    await owner.query(`grant ${group} to current_user with set true, inherit false`);
  }
  for (const { name, password, group } of logins) {
    const role = pg.escapeIdentifier(name);
    if (!names.has(name)) await owner.query(`create role ${role} login password ${pg.escapeLiteral(password)}`);
    await owner.query(`grant ${group} to ${role}`);
  }
}

function loginOf(url: string): { name: string; password: string } {
  const { username, password } = new URL(url);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) };
}

async function currentDatabase(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>('select current_database() as name');
  if (!rows[0]) throw new Error('Postgres did not say which database this is.');
  return rows[0].name;
}
