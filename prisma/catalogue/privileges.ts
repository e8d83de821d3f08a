import { grantsOf, powerfulFunctions, type PowerfulFunction } from '../tables.ts';
import { type Check, differences, type Sql } from './check.ts';

const groups = ['parley_app', 'parley_queue', 'parley_finder'];

/** Who may do what: roles, grants, and functions that run as somebody else. */
export const privileges = {
  /** The groups sign nobody in; a login of theirs is in one of them, in nothing else, and has no power of its own. */
  rolesAreWeak: async (sql) => {
    const roles = await ourRoles(sql);
    const strong = await sql<{ name: string }>`
      select r.rolname as name from pg_roles r where r.rolname = any(${roles})
        and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
          or r.rolname = any(${groups}) and r.rolcanlogin)`;
    const memberships = await sql<{ name: string }>`
      select member.rolname || ' in ' || role.rolname as name from pg_auth_members m
      join pg_roles member on member.oid = m.member join pg_roles role on role.oid = m.roleid
      where member.rolname = any(${roles})
        and (member.rolname = any(${groups}) or role.rolname <> all(${groups}) or m.admin_option
          or 1 < (select count(distinct other.roleid) from pg_auth_members other where other.member = m.member))`;
    return [...strong, ...memberships].map(({ name }) => name);
  },

  /** An owner is not held by grants. Only the queue's own schema and the approved functions belong to our roles. */
  nothingIsOwned: async (sql) => {
    const found = await sql<{ name: string }>`
      with ours as (select oid, rolname from pg_roles where rolname = any(${await ourRoles(sql)}))
      select c.oid::regclass::text || ' of ' || ours.rolname as name from pg_class c join ours on ours.oid = c.relowner
      where not (ours.rolname = 'parley_queue' and c.relnamespace = coalesce(to_regnamespace('graphile_worker'), 0))
        and c.relkind not in ('i', 'I', 't') and c.relpersistence <> 't'
      union all
      select n.nspname || ' (schema) of ' || ours.rolname from pg_namespace n join ours on ours.oid = n.nspowner
      where not (ours.rolname = 'parley_queue' and n.nspname = 'graphile_worker')
      union all
      select d.datname || ' (database) of ' || ours.rolname from pg_database d join ours on ours.oid = d.datdba`;
    return found.map(({ name }) => name);
  },

  /** Exactly the approved grants on every table, and none on columns, sequences or what is still to come. */
  grantsAreApproved: async (sql, tables) => {
    const found = await sql<{ table: string; role: string; privileges: string[] }>`
      select c.oid::regclass::text as table, coalesce(pg_get_userbyid(nullif(acl.grantee, 0)), 'PUBLIC') as role,
        array_agg(acl.privilege_type order by acl.privilege_type) as privileges
      from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join aclexplode(c.relacl) as acl
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' and acl.grantee <> c.relowner
        and n.nspname not in ('pg_catalog', 'information_schema', 'graphile_worker')
      group by 1, 2`;
    const others = await sql<{ name: string }>`
      select c.oid::regclass::text || '.' || a.attname || ' (column)' as name
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where a.attacl is not null and n.nspname not in ('pg_catalog', 'information_schema')
      union all
      select 'default for ' || coalesce(n.nspname, 'every schema') from pg_default_acl d
      left join pg_namespace n on n.oid = d.defaclnamespace where d.defaclobjtype in ('r', 'S', 'f', 'n')`;
    const say = (table: string, role: string, privileges: string[]) => `${table} to ${role}: ${privileges.join(', ')}`;
    return [
      ...differences(
        tables.flatMap((table) =>
          Object.entries(grantsOf(table)).map(([role, granted]) => say(table.name, role, granted)),
        ),
        found.map(({ table, role, privileges }) => say(table, role, privileges)),
      ),
      ...others.map(({ name }) => name),
    ];
  },

  /** Our roles make nothing in our schemas, and only the fleet reaches into the queue. */
  schemasAreClosed: async (sql) => {
    const found = await sql<{ name: string }>`
      select role || ' may create in ' || n.nspname as name
      from pg_namespace n cross join unnest(${await ourRoles(sql)}::text[]) as role
      where n.nspname !~ '^(pg_|information_schema|graphile_worker)' and has_schema_privilege(role, n.oid, 'CREATE')
      union all
      select role || ' may create in ' || current_database() from unnest(${await ourRoles(sql)}::text[]) as role
      where has_database_privilege(role, current_database(), 'CREATE')
      union all
      select role || ' reaches the queue' from unnest(${await ourRoles(sql)}::text[]) as role
      where has_schema_privilege(role, to_regnamespace('graphile_worker'), 'USAGE')
        and role <> all(${await rolesIn(sql, ['parley_queue'])}::text[])`;
    return found.map(({ name }) => name);
  },

  /** Functions that run as their owner: the approved ones, with a fixed search path, for their approved callers. */
  powerfulFunctionsAreApproved: async (sql) => {
    const found = await sql<{ signature: string; owner: string; config: string; callers: string[] }>`
      select case n.nspname when 'public' then '' else n.nspname || '.' end
          || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' as signature,
        pg_get_userbyid(p.proowner) as owner, coalesce(array_to_string(p.proconfig, '; '), 'nothing') as config,
        array(select coalesce(pg_get_userbyid(nullif(acl.grantee, 0)), 'PUBLIC')::text
          from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
          where acl.grantee <> p.proowner order by 1) as callers
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')`;
    const say = (signature: string, owner: string, config: string, callers: readonly string[]) =>
      `${signature} of ${owner} with ${config} for ${callers.join(', ') || 'nobody'}`;
    return differences(
      (powerfulFunctions as readonly PowerfulFunction[]).map(({ name, takes, owner, callers }) =>
        say(
          `${name}(${takes})`,
          owner,
          'search_path=pg_catalog, pg_temp',
          callers.filter((caller) => caller !== owner),
        ),
      ),
      found.map(({ signature, owner, config, callers }) => say(signature, owner, config, callers)),
    );
  },

  /** A finder looks into the tables that name it, and into no other. */
  findersLookWhereTheyMay: async (sql, tables) => {
    const found = await sql<{ name: string; table: string }>`
      select distinct p.proname as name, match[1] as table
      from pg_proc p cross join regexp_matches(p.prosrc, 'public[.]([a-z_]+)', 'g') as match
      where p.proowner = 'parley_finder'::regrole`;
    return differences(
      tables.flatMap((table) => (table.foundBy ?? []).map((name) => `${name} reads ${table.name}`)),
      found.map(({ name, table }) => `${name} reads ${table}`),
    );
  },
} satisfies Record<string, Check>;

/** The groups and every login that has the rights of one. Migrations' owner may become them but has none of their rights. */
const ourRoles = (sql: Sql) => rolesIn(sql, groups);

async function rolesIn(sql: Sql, of: string[]): Promise<string[]> {
  const found = await sql<{ name: string }>`
    with recursive ours as (
      select oid, rolname from pg_roles where rolname = any(${of})
      union
      select r.oid, r.rolname from ours join pg_auth_members m on m.roleid = ours.oid and m.inherit_option
      join pg_roles r on r.oid = m.member
    )
    select rolname as name from ours order by rolname`;
  return found.map(({ name }) => name);
}
