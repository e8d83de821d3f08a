import type { Table } from '../tables.ts';
import { type Check, differences, type Sql } from './check.ts';

/** The tenant in columns and keys. */
export const keys = {
  /** The tenant stands in the row itself: uuid, NOT NULL, nobody's by default. */
  tenantColumns: async (sql, tables) => {
    const found = await sql<{ table: string; sound: boolean }>`
      select c.relname as table, a.atttypid = 'uuid'::regtype and a.attnotnull and not a.atthasdef as sound
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where a.attname = 'tenant_id' and not a.attisdropped and c.relkind in ('r', 'p')
        and c.relnamespace = 'public'::regnamespace`;
    const expected = tables.filter(hasTenantColumn).map(({ name }) => name);
    const misplaced = tables.filter((table) => table.class === 'tenant' && !hasTenantColumn(table));
    return [
      ...differences(
        expected,
        found.map(({ table }) => table),
      ),
      ...found.filter(({ sound }) => !sound).map(({ table }) => `${table}.tenant_id is not a plain uuid NOT NULL`),
      ...misplaced.map(({ name }) => `a tenant table goes by tenant_id: ${name}`),
    ];
  },

  /** The tenant is the first column of the primary key, so that rows lie by tenant and the schema can be sharded by it. */
  primaryKeysBeginWithTheTenant: async (sql, tables) => {
    const found = await sql<{ table: string }>`
      select c.relname as table from pg_index i join pg_class c on c.oid = i.indrelid
      join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
      where i.indisprimary and a.attname = 'tenant_id' and c.relnamespace = 'public'::regnamespace`;
    const led = new Set(found.map(({ table }) => table));
    return tables.filter((table) => hasTenantColumn(table) && !led.has(table.name)).map(({ name }) => name);
  },

  /** A unique index across tenants would tell one what another has. */
  uniqueIndexesBeginWithTheTenant: async (sql, tables) => {
    const found = await sql<{ name: string }>`
      select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indrelid
      where (i.indisunique or i.indisexclusion) and c.relnamespace = 'public'::regnamespace
        and c.relname = any(${tables.filter(hasTenantColumn).map(({ name }) => name)})
        and (select a.attname from pg_attribute a where a.attrelid = i.indrelid and a.attnum = i.indkey[0])
          is distinct from 'tenant_id'`;
    return found.map(({ name }) => name);
  },

  /** A foreign key between rows of tenants holds them to one tenant; a tenant's row refers to nothing outside. */
  foreignKeysHoldTheTenant: async (sql, tables) => {
    const byName = new Map(tables.map((table) => [table.name, table]));
    return (await foreignKeys(sql)).flatMap(({ name, child, parent, pairs }) => {
      const [from, to] = [byName.get(child), byName.get(parent)];
      if (!from || !to) return [`${name}: a table that is not listed`];
      const whole = pairs.join(',');
      if (to.class === 'tenant itself') return whole === 'tenant_id=id' ? [] : [`${name}: ${whole}`];
      if (hasTenantColumn(to)) return pairs.includes('tenant_id=tenant_id') ? [] : [`${name}: ${whole}`];
      return from.class === to.class ? [] : [`${name}: from ${from.class} to ${to.class}`];
    });
  },

  /** A foreign key that is not enforced, not validated or switched off holds nothing. */
  foreignKeysAreInForce: async (sql) => {
    const found = await sql<{ name: string }>`
      select con.conname as name from pg_constraint con join pg_class c on c.oid = con.conrelid
      where con.contype = 'f' and c.relnamespace = 'public'::regnamespace
        and (not con.convalidated or not con.conenforced
          or exists (select from pg_trigger t where t.tgconstraint = con.oid and t.tgenabled <> 'O'))`;
    return found.map(({ name }) => name);
  },

  /** Every id in a row of a tenant is held by a foreign key, or the list says why not. */
  idsAreHeld: async (sql, tables) => {
    const found = await sql<{ table: string; column: string }>`
      select c.relname as table, a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
        and a.atttypid in ('uuid'::regtype, 'uuid[]'::regtype) and a.attname <> 'id'
        and not exists (select from pg_constraint con
          where con.contype = 'f' and con.conrelid = c.oid and a.attnum = any(con.conkey))`;
    return differences(
      tables.flatMap(({ name, loose = {} }) => Object.keys(loose).map((column) => `${name}.${column}`)),
      found.map(({ table, column }) => `${table}.${column}`),
    );
  },

  /** No row without its tenant: foreign keys lead from every tenant's table to `tenants`. */
  everyRowHasItsTenant: async (sql, tables) => {
    const links = await foreignKeys(sql);
    const anchored = new Set(tables.filter((table) => table.class === 'tenant itself').map(({ name }) => name));
    for (let before = -1; before !== anchored.size;) {
      before = anchored.size;
      for (const { child, parent, required } of links) if (required && anchored.has(parent)) anchored.add(child);
    }
    return tables.filter((table) => hasTenantColumn(table) && !anchored.has(table.name)).map(({ name }) => name);
  },

  /** SET NULL on a composite key must name its column, or it would null the tenant too. */
  settingNullSparesTheTenant: async (sql) => {
    const found = await sql<{ name: string }>`
      select con.conname as name from pg_constraint con join pg_attribute a on a.attrelid = con.conrelid
      where con.contype = 'f' and a.attname = 'tenant_id' and a.attnum = any(con.conkey)
        and (con.confupdtype in ('n', 'd')
          or (con.confdeltype in ('n', 'd') and (con.confdelsetcols is null or a.attnum = any(con.confdelsetcols))))`;
    return found.map(({ name }) => name);
  },

  /** A referencing column without an index makes every deletion of its parent read the whole table. */
  foreignKeysHaveAnIndex: async (sql) => {
    const found = await sql<{ name: string }>`
      select con.conname as name from pg_constraint con join pg_class c on c.oid = con.conrelid
      where con.contype = 'f' and c.relnamespace = 'public'::regnamespace and not exists (
        select from pg_index i where i.indrelid = con.conrelid and i.indisvalid
          and (i.indkey::int2[])[0:cardinality(con.conkey) - 1] @> con.conkey
          and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^[(][a-z_]+ IS NOT NULL[)]$'))`;
    return found.map(({ name }) => name);
  },

  /** Prisma's hidden tables of a many-to-many relation have no tenant. */
  noHiddenJoinTables: async (sql) => {
    const found = await sql<{ name: string }>`
      select c.relname as name from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        and (select array_agg(a.attname::text order by a.attname) from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) = array['A', 'B']`;
    return found.map(({ name }) => name);
  },

  /** Under row-level security an operator that is not leakproof uses no index: enums and citext have such. */
  comparisonsUseIndexes: async (sql) => {
    const found = await sql<{ name: string }>`
      select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
      join pg_type t on t.oid = a.atttypid left join pg_type element on element.oid = t.typelem
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not a.attisdropped
        and ('e' in (t.typtype, element.typtype) or 'citext' in (t.typname, element.typname))`;
    return found.map(({ name }) => name);
  },

  /** Times are no finer than a JavaScript Date, and what a list is ordered by (an index that ends in the id) is NOT NULL. */
  orderColumnsAreExact: async (sql, tables) => {
    const exempt = tables.filter((table) => table.class === 'exempt').map(({ name }) => name);
    const found = await sql<{ name: string }>`
      select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
        and c.relname <> all(${exempt})
        and (a.atttypid = 'timestamp'::regtype or (a.atttypid = 'timestamptz'::regtype and a.atttypmod <> 3))
      union
      select c.relname || '.' || a.attname from pg_index i join pg_class c on c.oid = i.indrelid
      join pg_attribute a on a.attrelid = c.oid and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])
      join pg_attribute last on last.attrelid = c.oid and last.attnum = i.indkey[i.indnkeyatts - 1]
      where c.relnamespace = 'public'::regnamespace and i.indpred is null and last.attname = 'id' and not a.attnotnull`;
    return found.map(({ name }) => name);
  },

  /** The list runs from leaf to root; what only goes with its parent does go with it. */
  erasureGoesFromLeafToRoot: async (sql, tables) => {
    const links = await foreignKeys(sql);
    const place = new Map(tables.map(({ name }, index) => [name, index]));
    const upward = links.filter(
      ({ child, parent }) => child !== parent && (place.get(child) ?? 0) > (place.get(parent) ?? 0),
    );
    const orphaned = tables.filter((table) => {
      if (!('appendOnly' in table) || !table.appendOnly || !('with' in table.appendOnly)) return false;
      const parent = table.appendOnly.with;
      return !links.some((link) => link.child === table.name && link.parent === parent && link.onDelete === 'CASCADE');
    });
    return [
      ...upward.map(({ child, parent }) => `${child} refers to ${parent} and must stand above it`),
      ...orphaned.map(({ name }) => `${name} does not go with its parent`),
    ];
  },
} satisfies Record<string, Check>;

const hasTenantColumn = ({ tenantOf }: Table) => tenantOf === 'tenant_id';

export type ForeignKey = {
  name: string;
  child: string;
  parent: string;
  /** `column=column of the parent`. */
  pairs: string[];
  /** Whether a row can do without. */
  required: boolean;
  onDelete: string;
};

/** The foreign keys of `public`. */
export function foreignKeys(sql: Sql): Promise<ForeignKey[]> {
  return sql<ForeignKey>`
    select con.conname as name, child.relname as child, parent.relname as parent,
      array(select f.attname || '=' || t.attname
        from unnest(con.conkey, con.confkey) with ordinality as pair(f, t, at)
        join pg_attribute f on f.attrelid = con.conrelid and f.attnum = pair.f
        join pg_attribute t on t.attrelid = con.confrelid and t.attnum = pair.t order by pair.at) as pairs,
      (select bool_and(a.attnotnull) from pg_attribute a
        where a.attrelid = con.conrelid and a.attnum = any(con.conkey)) as required,
      case con.confdeltype when 'c' then 'CASCADE' when 'r' then 'RESTRICT' when 'n' then 'SET NULL'
        when 'd' then 'SET DEFAULT' else 'NO ACTION' end as "onDelete"
    from pg_constraint con
    join pg_class child on child.oid = con.conrelid
    join pg_class parent on parent.oid = con.confrelid
    where con.contype = 'f' and 'public'::regnamespace in (child.relnamespace, parent.relnamespace)
    order by con.conname`;
}
