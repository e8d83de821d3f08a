import { tables } from '../../prisma/tables.ts';
import { acrossKeys, acrossOwners, withoutOwner } from './breaches.ts';
import { ownedBy } from './fill.ts';
import { expect, test } from './neighbours.ts';

test('both neighbours have rows in every table, and every free text of theirs can be recognized', async ({
  superuser,
  neighbours,
}) => {
  const { mine, theirs } = neighbours;
  for (const table of tables.filter(({ class: kind }) => kind !== 'exempt' && kind !== 'system')) {
    for (const owner of [mine, theirs]) {
      const { condition, values } = ownedBy(table, owner);
      const { rowCount } = await superuser.query(`select from "${table.name}" t where ${condition}`, values);
      expect(rowCount, table.name).toBeGreaterThanOrEqual(1);
    }
  }
  const unmarked = await superuser.sql<{ column: string }>`
    select table_name || '.' || column_name as column from information_schema.columns c
    where table_schema = 'public' and data_type in ('text', 'jsonb', 'bytea') and is_generated = 'NEVER' and column_default is null
      and table_name = any(${[...neighbours.theirRows.keys()]})
      and not exists (select from pg_constraint con join pg_attribute a on a.attrelid = con.conrelid and con.conkey = array[a.attnum]
        where con.conrelid = table_name::regclass and con.contype = 'c' and a.attname = column_name)`;
  const silent = unmarked.filter(({ column }) => {
    const [table = '', name = ''] = column.split('.');
    const value = JSON.stringify(neighbours.theirRows.get(table)?.[name] ?? '');
    return !value.includes(theirs.canary) && !value.includes(Buffer.from(theirs.canary).toString('hex'));
  });
  expect(silent).toEqual([]);
});

test('a statement with no tenant and no person set sees nothing and inserts nothing, in any table', async ({
  superuser,
  neighbours,
}) => {
  expect(await withoutOwner(superuser, neighbours)).toEqual([]);
});

test('a tenant’s statements see the own rows only, in every table, and make, change, remove or take over no other', async ({
  superuser,
  neighbours,
}) => {
  expect(await acrossOwners(superuser, neighbours)).toEqual([]);
});

test('no foreign key takes another tenant’s row for a parent', async ({ superuser, neighbours }) => {
  expect(await acrossKeys(superuser, neighbours)).toEqual([]);
});
