import { policiesOf, type Policy } from '../tables.ts';
import { type Check, differences } from './check.ts';

/** Row-level security, and whatever could look around it. */
export const walls = {
  /** Every table is in the list, wherever it lies, and the list names no table that is gone. */
  tablesAreListed: async (sql, tables) => {
    const found = await sql<{ name: string }>`
      select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'graphile_worker')`;
    const listed = tables.map(({ name }) => name);
    const twice = listed.filter((name, index) => listed.indexOf(name) !== index).map((name) => `listed twice: ${name}`);
    const names = found.map(({ name }) => name);
    return [...differences(listed, names), ...twice];
  },

  exemptionsHaveReasons: async (_sql, tables) =>
    tables.flatMap((table) => {
      const reasons = [
        ...('because' in table ? [table.because] : []),
        ...('appendOnly' in table && table.appendOnly ? [table.appendOnly.because] : []),
        ...Object.values(table.loose ?? {}),
      ];
      return reasons.some((reason) => reason.trim().length < 10) ? [table.name] : [];
    }),

  rowSecurityIsForced: async (sql, tables) => {
    const exempt = tables.filter((table) => table.class === 'exempt').map(({ name }) => name);
    const open = await sql<{ name: string }>`
      select c.relname as name from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname <> all(${exempt})
        and not (c.relrowsecurity and c.relforcerowsecurity)`;
    const needless = await sql<{ name: string }>`
      select c.relname as name from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname = any(${exempt})
        and c.relrowsecurity`;
    return [...open.map(({ name }) => name), ...needless.map(({ name }) => `no longer needs its exemption: ${name}`)];
  },

  /** Exactly the approved policies, word by word. */
  policiesAreApproved: async (sql, tables) => {
    const found = await sql<Policy & { table: string }>`
      select c.relname as table, p.polname as name,
        case p.polcmd when '*' then 'ALL' when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' end
          || case when p.polpermissive then '' else ' RESTRICTIVE' end as command,
        array_to_string(array(
          select case role when 0 then 'public' else pg_get_userbyid(role) end from unnest(p.polroles) as role order by 1
        ), ', ') as role,
        coalesce(pg_get_expr(p.polqual, p.polrelid), '') as "using",
        pg_get_expr(p.polwithcheck, p.polrelid) as "withCheck"
      from pg_policy p join pg_class c on c.oid = p.polrelid
      where c.relnamespace not in ('pg_catalog'::regnamespace, coalesce(to_regnamespace('graphile_worker'), 0))`;
    const say = (table: string, { name, command, role, using, withCheck }: Policy) =>
      `${table}: ${name} for ${command} to ${role} using ${using} with check ${withCheck ?? 'nothing'}`;
    return differences(
      tables.flatMap((table) => policiesOf(table).map((policy) => say(table.name, policy))),
      found.map((policy) => say(policy.table, policy)),
    );
  },

  /** A view reads as its owner unless it says otherwise. (The queue's are closed to us with its schema.) */
  viewsAskAsTheirCaller: async (sql) => {
    const views = await sql<{ name: string }>`
      select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'v' and n.nspname not in ('pg_catalog', 'information_schema', 'graphile_worker')
        and not exists (select from pg_options_to_table(c.reloptions)
          where option_name = 'security_invoker' and option_value in ('true', 'on', '1', 'yes'))`;
    return views.map(({ name }) => name);
  },

  /** Row-level security never applies to a materialized view or a foreign table; a rule rewrites statements before it. */
  nothingCopiesRowsOut: async (sql) => {
    const found = await sql<{ name: string }>`
      select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('m', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
      union all
      select r.rulename || ' on ' || c.oid::regclass::text from pg_rewrite r join pg_class c on c.oid = r.ev_class
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
      union all
      select p.pubname || ' (publication)' from pg_publication p`;
    return found.map(({ name }) => name);
  },

  /** A role or a database that comes with a tenant already set, or with row-level security off. */
  nothingIsSetBeforehand: async (sql) => {
    const found = await sql<{ name: string }>`
      select coalesce(pg_get_userbyid(nullif(s.setrole, 0)), 'everybody') || ': ' || split_part(setting, '=', 1) as name
      from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase cross join unnest(s.setconfig) as setting
      where (s.setdatabase = 0 or d.datname = current_database())
        and split_part(setting, '=', 1) ~ '^(app[.].*|row_security|role|search_path|session_preload_libraries)$'`;
    return found.map(({ name }) => name);
  },
} satisfies Record<string, Check>;
