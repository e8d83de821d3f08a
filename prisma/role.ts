import type pg from 'pg';
import { type Db, inScope } from './client.ts';

/** The database role is stronger than an application's may be: row-level security would not hold it. */
export class StrongRoleError extends Error {}

/** Throws when the application would sign in as a superuser, past row-level security, as an owner of tables, or as a finder. */
export async function refuseStrongRole(db: Db): Promise<void> {
  const [role] = await inScope(
    db,
    {},
    (tx) => tx.$queryRaw<{ bypasses: boolean; owns: boolean; finds: boolean; queues: boolean }[]>`
      select
        exists (select from pg_roles r where pg_has_role(current_user, r.oid, 'member') and (r.rolsuper or r.rolbypassrls)) as bypasses,
        exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm') and pg_has_role(current_user, c.relowner, 'member')) as owns,
        pg_has_role(current_user, 'parley_finder', 'member') as finds,
        pg_has_role(current_user, 'parley_queue', 'member') as queues`,
    { readOnly: true },
  );
  const reasons = [
    role?.bypasses && 'it is a superuser, or passes by row-level security',
    role?.owns && 'it owns tables',
    role?.finds && 'it is a member of parley_finder',
    role?.queues && 'it is a member of parley_queue',
  ].filter((reason) => typeof reason === 'string');
  if (reasons.length > 0) throw new StrongRoleError(`The role in DATABASE_URL is too strong: ${reasons.join('; ')}.`);
}

/** The fleet would start under this role without an error, and run nothing. */
export class WrongQueueRoleError extends Error {}

/** Throws unless the role owns the queue's tables: they have row-level security and no policy, so that anybody else sees no job. */
export async function refuseWrongQueueRole(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ owns: boolean | null; bypasses: boolean; fleet: boolean }>(`
    select
      (select pg_has_role(current_user, c.relowner, 'usage') from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'graphile_worker' and c.relname = '_private_jobs') as owns,
      exists (select from pg_roles r where r.rolname = current_user and (r.rolsuper or r.rolbypassrls)) as bypasses,
      exists (select from pg_roles r where r.rolname = 'parley_queue' and pg_has_role(current_user, r.oid, 'usage')) as fleet`);
  const [role] = rows;
  if (role?.bypasses) {
    throw new StrongRoleError('The role in DATABASE_QUEUE_URL is a superuser, or passes by row-level security.');
  }
  if (role?.owns === null) {
    throw new WrongQueueRoleError('The queue has no tables in this database: run `npm run migrate` first.');
  }
  if (!role?.owns || !role.fleet) {
    throw new WrongQueueRoleError(
      'The role in DATABASE_QUEUE_URL does not own the queue: it would run no job. Use the role that `npm run migrate` was given.',
    );
  }
}
