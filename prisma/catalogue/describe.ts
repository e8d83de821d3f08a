import type { Sql } from './check.ts';

/** Everything in `public` that Prisma or we made, by kind and name, in Postgres's own words: two databases can be compared by it. */
export async function describeDatabase(sql: Sql): Promise<Map<string, string>> {
  const found = await sql<{ name: string; definition: string }>`
    with here as (
      select c.* from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname <> '_prisma_migrations'
    )
    select 'relation ' || c.relname as name, c.relkind::text || c.relpersistence::text as definition
      from here c where c.relkind not in ('i', 'I')
    union all
    select 'column ' || c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'NOT NULL' end, case when a.attgenerated <> '' then 'GENERATED' end,
        case when a.attidentity <> '' then 'IDENTITY' end, pg_get_expr(d.adbin, d.adrelid))
      from here c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum where c.relkind in ('r', 'p', 'v')
    union all
    select 'constraint ' || con.conname || ' on ' || c.relname, pg_get_constraintdef(con.oid)
      from here c join pg_constraint con on con.conrelid = c.oid where con.contype <> 'n'
    union all
    select 'index ' || i.relname, pg_get_indexdef(i.oid)
      from here c join pg_index on indrelid = c.oid join pg_class i on i.oid = indexrelid
    union all
    select 'trigger ' || t.tgname || ' on ' || c.relname, pg_get_triggerdef(t.oid)
      from here c join pg_trigger t on t.tgrelid = c.oid where not t.tgisinternal
    union all
    select 'policy ' || p.polname || ' on ' || c.relname, coalesce(pg_get_expr(p.polqual, p.polrelid), '')
      from here c join pg_policy p on p.polrelid = c.oid
    union all
    select 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid)
      from pg_proc p where p.pronamespace = 'public'::regnamespace
    union all
    select 'type ' || t.typname, t.typtype::text
      from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd', 'r')`;
  return new Map(found.map(({ name, definition }) => [name, definition]));
}

/** The names of what is missing from `expected`, or is defined in other words there. */
export function missingFrom(expected: Map<string, string>, actual: Map<string, string>): string[] {
  return [...actual].filter(([name, definition]) => expected.get(name) !== definition).map(([name]) => name);
}
