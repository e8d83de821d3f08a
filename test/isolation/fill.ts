import { randomBytes, randomUUID } from 'node:crypto';
import { foreignKeys } from '../../prisma/catalogue/keys.ts';
import { type Table, tables } from '../../prisma/tables.ts';
import type { Connection } from '../sql.ts';

export type Row = Record<string, unknown>;

/** A tenant with one of its people, whose texts can be recognized wherever they turn up. */
export type Owner = { tenantId: string; userId: string; canary: string };

/** What no other text contains. */
export const newCanary = () => `canary${randomBytes(8).toString('hex')}`;

/**
 * Gives an owner a row in every table where it has none, from the root to the leaves: a table that is new needs nothing here.
 * Every text that the owner may choose carries the canary, unless a value is given. Returns one row of each table, by its name.
 */
export async function fillTables(
  superuser: Connection,
  owner: Owner,
  given: Record<string, Row> = {},
): Promise<Map<string, Row>> {
  const references = await foreignKeys(superuser.sql);
  const rows = new Map<string, Row>();
  for (const table of tables.toReversed()) {
    if (table.class === 'exempt' || table.class === 'system') continue;
    const known = await ownRow(superuser, table, owner);
    if (known) {
      rows.set(table.name, known);
      continue;
    }
    const row: Row = {};
    for (const { name, type, allowed, optional } of await columnsOf(superuser, table.name)) {
      const value = allowed[0] ?? valueOf(type, `${owner.canary} ${name}`);
      if (!optional || /^(text|json|bytea)/.test(type)) row[name] = value;
    }
    for (const { child, parent, pairs } of references) {
      if (child !== table.name || parent === child) continue;
      for (const [column = '', key = ''] of pairs.map((pair) => pair.split('='))) row[column] = rows.get(parent)?.[key];
    }
    Object.assign(row, given[table.name]);
    if (table.tenantOf === 'tenant_id') row['tenant_id'] = owner.tenantId;
    if (table.tenantOf === 'id') row['id'] = owner.tenantId;
    if (table.class === 'person') row[table.personOf] = owner.userId;
    rows.set(table.name, await insert(superuser, table.name, row));
  }
  return rows;
}

/** The condition that a row of a table is the owner's. */
export function ownedBy(table: Table, owner: Owner): { condition: string; values: string[] } {
  if (table.class === 'person') return { condition: `${table.personOf} = $1::uuid`, values: [owner.userId] };
  return table.tenantOf === null
    ? { condition: 'false and $1::uuid is null', values: [owner.tenantId] }
    : { condition: `${table.tenantOf} = $1::uuid`, values: [owner.tenantId] };
}

async function ownRow(superuser: Connection, table: Table, owner: Owner): Promise<Row | undefined> {
  const { condition, values } = ownedBy(table, owner);
  const text = `select ${rowOf(table.name)} from "${table.name}" t where ${condition} order by t::text limit 1`;
  return (await superuser.query<{ row: Row }>(text, values)).rows[0]?.row;
}

type Column = { name: string; type: string; optional: boolean; allowed: string[] };

/** The columns that can be written, with what their CHECK allows. */
function columnsOf({ sql }: Connection, table: string): Promise<Column[]> {
  return sql<Column>`
    select a.attname as name, format_type(a.atttypid, null) as type, not a.attnotnull or a.atthasdef as optional,
      array(select match[1] from pg_constraint con
        cross join regexp_matches(pg_get_constraintdef(con.oid), '''([A-Z_]+)''::text', 'g') as match
        where con.conrelid = a.attrelid and con.contype = 'c' and con.conkey = array[a.attnum]) as allowed
    from pg_attribute a
    where a.attrelid = ${table}::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by a.attnum`;
}

function valueOf(type: string, text: string): unknown {
  switch (type) {
    case 'text':
      return text;
    case 'text[]':
      return [text];
    case 'bytea':
      return `\\x${Buffer.from(text).toString('hex')}`;
    case 'jsonb':
    case 'json':
      return { text };
    case 'uuid':
      return randomUUID();
    case 'smallint':
    case 'integer':
    case 'bigint':
      return 0;
    case 'double precision':
      return 0.5;
    case 'boolean':
      return true;
    case 'date':
      return '2001-02-03';
    case 'timestamp with time zone':
      return '2026-11-22T10:00:00Z';
    default:
      throw new Error(`How is a value of type ${type} made? Say it in test/isolation/fill.ts.`);
  }
}

async function insert(superuser: Connection, table: string, row: Row): Promise<Row> {
  const names = Object.keys(row).map((name) => `"${name}"`);
  const text = `insert into "${table}" as t (${names.join(', ')})
    select ${names.join(', ')} from jsonb_populate_record(null::"${table}", $1) returning ${rowOf(table)}`;
  const { rows } = await superuser.query<{ row: Row }>(text, [JSON.stringify(row)]);
  if (!rows[0]) throw new Error(`No row was made in ${table}.`);
  return rows[0].row;
}

/** A row `t` as JSON, without what the database generates: it can be inserted again. */
const rowOf = (table: string) => `to_jsonb(t) - array(select attname::text from pg_attribute
  where attrelid = '"${table}"'::regclass and attgenerated <> '') as row`;
