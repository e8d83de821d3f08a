import { type CheckName, checks, findFaults } from '../../prisma/catalogue.ts';
import { describeDatabase, missingFrom } from '../../prisma/catalogue/describe.ts';
import { policiesOf, type Table, tables } from '../../prisma/tables.ts';
import type { Connection } from '../sql.ts';
import { acrossKeys, acrossOwners, keysBetweenTenants, owned, withoutOwner } from './breaches.ts';
import { type Mutation, mutationsOfEveryTable, otherMutations } from './mutations.ts';
import { describe, expect, test } from './neighbours.ts';

/** Does some damage, looks, and undoes it. */
async function under<T>({ query }: Connection, damage: string, look: () => Promise<T>): Promise<T> {
  await query('savepoint whole');
  await query(damage);
  try {
    return await look();
  } finally {
    await query('rollback to savepoint whole');
  }
}

/** The mutations that nobody noticed, or somebody noticed as something else. */
async function survivors(database: Connection, mutations: readonly Mutation[]): Promise<unknown[]> {
  const alive: unknown[] = [];
  for (const { damage, seenBy, as } of mutations) {
    const seen = await under(database, damage, () => checks[seenBy](database.sql, tables));
    if (!seen.some((fault) => fault.startsWith(as))) alive.push({ damage, seenBy, as, seen });
  }
  return alive;
}

describe('the catalogue’s rules', () => {
  test('notice every policy, every FORCE, every grant and every key that is damaged, on every table', async ({
    superuser,
  }) => {
    const mutations = await mutationsOfEveryTable(superuser);
    expect(mutations.length).toBeGreaterThan(tables.length * 6);
    expect(await survivors(superuser, mutations)).toEqual([]);
    expect(await findFaults(superuser.sql)).toEqual({});
  });

  test('notice every other kind of damage', async ({ superuser }) => {
    expect(await survivors(superuser, otherMutations)).toEqual([]);
    expect(await findFaults(superuser.sql)).toEqual({});
  });

  test('notice a list that is wrong about the database', async ({ superuser }) => {
    const faultsOf = (list: readonly Table[]) => findFaults(superuser.sql, list);
    const [first, second] = tables;
    if (!first || !second) throw new Error('There are no tables.');

    const stale: Table = { name: 'gone', class: 'tenant', tenantOf: 'tenant_id' };
    expect(await faultsOf([stale, ...tables])).toMatchObject({ tablesAreListed: ['missing: gone'] });
    expect(await faultsOf([first, ...tables])).toMatchObject({ tablesAreListed: [`listed twice: ${first.name}`] });
    expect(await faultsOf(tables.slice(1))).toMatchObject({ tablesAreListed: [`not approved: ${first.name}`] });
    expect((await faultsOf(tables.toReversed())).erasureGoesFromLeafToRoot).toContain(
      'contacts refers to tenants and must stand above it',
    );
    const wordless = tables.map((table) => (table.class === 'exempt' ? { ...table, because: '' } : table));
    expect(await faultsOf(wordless)).toEqual({ exemptionsHaveReasons: ['_prisma_migrations'] });
    const looser = tables.map((table) =>
      table.name === 'tags' ? { ...table, loose: { maker: 'There is no such column.' } } : table,
    );
    expect(await faultsOf(looser)).toEqual({ idsAreHeld: ['missing: tags.maker'] });
    const found = tables.map((table): Table =>
      table.name === 'tags' ? { ...table, foundBy: ['find_sign_in'] } : table,
    );
    expect(Object.keys(await faultsOf(found)).sort()).toEqual([
      'findersLookWhereTheyMay',
      'grantsAreApproved',
      'policiesAreApproved',
    ]);
  });

  test('are each known to notice something', async ({ superuser }) => {
    const proven = new Set<CheckName>(
      [...(await mutationsOfEveryTable(superuser)), ...otherMutations].map(({ seenBy }) => seenBy),
    );
    const byTheList: CheckName[] = ['exemptionsHaveReasons'];
    expect([...proven, ...byTheList].sort()).toEqual(Object.keys(checks).sort());
  });
});

test('the drift test notices every constraint and index that is gone', async ({ superuser }) => {
  const whole = await describeDatabase(superuser.sql);
  const gone = [...whole.keys()].flatMap((name) => {
    const [kind, object, , table] = name.split(' ');
    if (kind === 'constraint') return [{ name, damage: `alter table "${table}" drop constraint "${object}" cascade` }];
    const isIndexOnly =
      kind === 'index' && ![...whole.keys()].some((other) => other.startsWith(`constraint ${object} `));
    return isIndexOnly ? [{ name, damage: `drop index "${object}"` }] : [];
  });
  expect(gone.length).toBeGreaterThan(80);
  for (const { name, damage } of gone) {
    const damaged = await under(superuser, damage, () => describeDatabase(superuser.sql));
    expect(missingFrom(damaged, whole)).toContain(name);
  }
});

describe('the tests of every table', () => {
  test('notice every table without its row-level security', async ({ superuser, neighbours }) => {
    for (const table of owned) {
      const damage = `alter table "${table.name}" disable row level security`;
      const breaches = await under(superuser, damage, async () => [
        ...(await withoutOwner(superuser, neighbours, [table])),
        ...(await acrossOwners(superuser, neighbours, [table])),
      ]);
      expect(breaches, table.name).toContain(`${table.name}: 2 rows can be seen`);
      expect(breaches, table.name).toContain(`${table.name}: a look at another’s rows gives 1`);
      expect(breaches.length, table.name).toBeGreaterThanOrEqual(4);
    }
  });

  test('notice every table without its policy', async ({ superuser, neighbours }) => {
    for (const table of owned) {
      const opening = policiesOf(table).filter(
        ({ role, command }) => /^(public|parley_app)$/.test(role) && !command.includes('RESTRICTIVE'),
      );
      const damage = opening.map(({ name }) => `drop policy ${name} on "${table.name}"`).join('; ');
      const breaches = await under(superuser, damage, () => acrossOwners(superuser, neighbours, [table]));
      expect(breaches, table.name).toContain(`${table.name}: a look at the own rows gives 0`);
    }
  });

  test('notice every key that no longer holds the tenant', async ({ superuser, neighbours }) => {
    const keys = await keysBetweenTenants(superuser);
    expect(keys.length).toBeGreaterThan(10);
    for (const key of keys) {
      const [column, id] = key.pairs.map((pair) => pair.split('=')).find(([name]) => name !== 'tenant_id') ?? [];
      if (column === 'user_id') continue; // the person's policy refuses it before the key is asked
      const damage = `alter table "${key.child}" drop constraint "${key.name}"; alter table "${key.parent}" add unique ("${id}");
        alter table "${key.child}" add constraint "${key.name}" foreign key ("${column}") references "${key.parent}" ("${id}")`;
      const breaches = await under(superuser, damage, () => acrossKeys(superuser, neighbours, [key]));
      expect(breaches, key.name).toEqual([`${key.name}: pointing at another’s row gives 1`]);
    }
  });
});
