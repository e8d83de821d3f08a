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
