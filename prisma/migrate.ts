import { runMigrations } from 'graphile-worker';
import pg from 'pg';
import { createLogins, groups, LoginError, readLogin, setForLogin } from './logins.ts';
import { createQueuePool } from './queue-pool.ts';
import { applyMigrations } from './schema-engine.ts';

export type DatabaseUrls = { owner: string; app: string; queue: string };

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
  const app = readLogin('DATABASE_URL', urls.app, 'parley_app');
  const queue = readLogin('DATABASE_QUEUE_URL', urls.queue, 'parley_queue');
  const { username } = new URL(urls.owner);
  if (new Set([app.name, queue.name, decodeURIComponent(username)]).size < 3) {
    throw new LoginError(
      'DATABASE_URL, DATABASE_QUEUE_URL and DATABASE_OWNER_URL must sign in as three different roles.',
    );
  }
  const owner = new pg.Client({ connectionString: urls.owner });
  await owner.connect();
  try {
    await owner.query("select pg_advisory_lock(hashtextextended('parley:migrate', 0))");
    const database = pg.escapeIdentifier(await ownDatabase(owner));
    await createLogins(owner, urls.owner, [app, queue]);
    await setForLogin(owner, app.name, appLimits);
    await owner.query(
      `revoke create on schema public from public; grant usage on schema public to ${groups.join(', ')}`,
    );
    const applied = await applyMigrations(urls.owner);
    await owner.query(`grant create on database ${database} to parley_queue`);
    try {
      await migrateQueue(urls.queue);
    } finally {
      await owner.query(`revoke create on database ${database} from parley_queue`);
    }
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

/** The name of the database, which must be the owner's: grants by anybody else are only warned about. */
async function ownDatabase(owner: pg.Client): Promise<string> {
  const { rows } = await owner.query<{ name: string; owned: boolean }>(
    `select datname as name, pg_has_role(datdba, 'usage') as owned from pg_database where datname = current_database()`,
  );
  const [database] = rows;
  if (!database?.owned) throw new LoginError('The role in DATABASE_OWNER_URL does not own the database.');
  return database.name;
}
