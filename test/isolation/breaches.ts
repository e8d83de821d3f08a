import { DatabaseError } from 'pg';
import { type ForeignKey, foreignKeys } from '../../prisma/catalogue/keys.ts';
import { type Table, tables } from '../../prisma/tables.ts';
import type { Connection } from '../sql.ts';
import { ownedBy, type Owner, type Row } from './fill.ts';

/** Two owners, with one row of each in every table. */
export type Neighbours = { mine: Owner; myRows: Map<string, Row>; theirs: Owner; theirRows: Map<string, Row> };

/** The tables whose rows are somebody's. */
export const owned = tables.filter(({ class: kind }) => kind !== 'exempt' && kind !== 'system');
const refusedByPolicy = '42501';
const refusedByKey = '23503';

/** With nobody set, every table is empty and takes no row. Returns where that does not hold. */
export function withoutOwner(
  database: Connection,
  { theirRows }: Neighbours,
  of: readonly Table[] = owned,
): Promise<string[]> {
  return asApplication(database, null, async (attempt) => {
    const breaches: string[] = [];
    for (const { name } of of) {
      const seen = await attempt(`select from "${name}"`);
      if (seen !== 0) breaches.push(`${name}: ${seen} rows can be seen`);
      const inserted = await attempt(...insertion(name, theirRows.get(name)));
      if (inserted !== refusedByPolicy) breaches.push(`${name}: an insert gives ${inserted}`);
      if ((await attempt(`truncate "${name}"`)) !== refusedByPolicy) breaches.push(`${name}: can be truncated`);
    }
    return breaches;
  });
}

/** As one owner: the own rows are there, and another's can be neither seen nor changed nor made. Returns where that does not hold. */
export function acrossOwners(
  database: Connection,
  neighbours: Neighbours,
  of: readonly Table[] = owned,
): Promise<string[]> {
  const { mine, theirs, theirRows } = neighbours;
  return asApplication(database, mine, async (attempt) => {
    const breaches: string[] = [];
    const expectThat = (holds: boolean, name: string, what: string, came: number | string) => {
      if (!holds) breaches.push(`${name}: ${what} gives ${came}`);
    };
    for (const table of of) {
      const { name } = table;
      const own = ownedBy(table, mine);
      const other = ownedBy(table, theirs);
      const seen = await attempt(`select from "${name}" t where ${own.condition}`, own.values);
      expectThat(typeof seen === 'number' && seen > 0, name, 'a look at the own rows', seen);
      const all = await attempt(`select from "${name}"`);
      expectThat(all === seen, name, 'a look without a filter', all);

      const set = `set "${columnOf(table)}" = t."${columnOf(table)}"`;
      for (const [what, text] of [
        ['a look at another’s rows', `select from "${name}" t where ${other.condition}`],
        ['an update of another’s rows', `update "${name}" t ${set} where ${other.condition}`],
        ['a deletion of another’s rows', `delete from "${name}" t where ${other.condition}`],
      ] as const) {
        const came = await attempt(text, other.values);
        expectThat(came === 0 || (isGuarded(table) && came === refusedByPolicy), name, what, came);
      }
      const inserted = await attempt(...insertion(name, theirRows.get(name)));
      expectThat(inserted === refusedByPolicy, name, 'an insert for another', inserted);
      const [text, values] = insertion(name, theirRows.get(name));
      const upserted = await attempt(`${text} on conflict do nothing`, values);
      expectThat(upserted === refusedByPolicy, name, 'an upsert for another', upserted);
      const moved = await attempt(`update "${name}" t set "${columnOf(table)}" = $2 where ${own.condition}`, [
        ...own.values,
        ...other.values,
      ]);
      expectThat(moved === refusedByPolicy, name, 'giving a row away', moved);
    }
    return breaches;
  });
}

/** As one owner: no foreign key takes another's row for its parent. Returns the keys that do. */
export async function acrossKeys(
  database: Connection,
  neighbours: Neighbours,
  of?: readonly ForeignKey[],
): Promise<string[]> {
  const { mine, theirRows } = neighbours;
  const byName = new Map(tables.map((table) => [table.name, table]));
  const keys = of ?? (await keysBetweenTenants(database));
  return asApplication(database, mine, async (attempt) => {
    const breaches: string[] = [];
    for (const { name, child, parent, pairs } of keys) {
      const table = byName.get(child);
      if (!table) continue;
      const columns = pairs.map((pair) => pair.split('=')).filter(([column]) => column !== 'tenant_id');
      const set = columns.map(([column], index) => `"${column}" = $${index + 2}`).join(', ');
      const values = columns.map(([, key = '']) => theirRows.get(parent)?.[key]);
      const own = ownedBy(table, mine);
      const came = await attempt(
        `update "${child}" t set ${set} where ${own.condition}`,
        [...own.values, ...values],
        isGuarded(table),
      );
      const isPerson = table.class === 'person' && columns.some(([column]) => column === table.personOf);
      if (came !== (isPerson ? refusedByPolicy : refusedByKey))
        breaches.push(`${name}: pointing at another’s row gives ${came}`);
    }
    return breaches;
  });
}

/** The foreign keys to rows that carry their tenant. */
export async function keysBetweenTenants({ sql }: Connection): Promise<ForeignKey[]> {
  const parents = new Set(tables.filter(({ tenantOf }) => tenantOf === 'tenant_id').map(({ name }) => name));
  return (await foreignKeys(sql)).filter(({ parent }) => parents.has(parent));
}

/** What came of a statement: how many rows, or the code it was refused with. It is undone either way. */
type Attempt = (text: string, values?: unknown[], asTheTablesOwner?: boolean) => Promise<number | string>;

/** Runs as the application does, within a transaction that is rolled back (or a part of the one that is open). */
async function asApplication<T>(
  database: Connection,
  owner: Owner | null,
  use: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const { query } = database;
  await query('savepoint before_application');
  try {
    await query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
      owner?.tenantId ?? '',
      owner?.userId ?? '',
    ]);
    return await use(async (text, values = [], asTheTablesOwner = false) => {
      await query('savepoint attempt');
      try {
        await query(`set local role ${asTheTablesOwner ? 'parley_owner' : 'app'}`);
        return (await query(text, values)).rowCount ?? 0;
      } catch (error) {
        if (error instanceof DatabaseError && error.code) return error.code;
        throw error;
      } finally {
        await query('rollback to savepoint attempt');
      }
    });
  } finally {
    await query('rollback to savepoint before_application');
  }
}

function insertion(table: string, row: Row = {}): [text: string, values: unknown[]] {
  const names = Object.keys(row)
    .map((name) => `"${name}"`)
    .join(', ');
  return [
    `insert into "${table}" (${names}) select ${names} from jsonb_populate_record(null::"${table}", $1)`,
    [JSON.stringify(row)],
  ];
}

/** The column that says whose a row is. */
const columnOf = (table: Table) => (table.class === 'person' ? table.personOf : (table.tenantOf ?? 'id'));

/** The application has no right to change or delete rows here at all. */
const isGuarded = (table: Table) =>
  ('appendOnly' in table && table.appendOnly !== undefined) || columnOf(table) === 'id';
