import { randomUUID } from 'node:crypto';
import { connect, type Connection } from '../sql.ts';
import { test as base, type TestDatabase } from '../fixtures.ts';
import type { Neighbours } from './breaches.ts';
import { fillTables, newCanary, type Owner } from './fill.ts';

export { expect, describe } from '../fixtures.ts';

const newOwner = (): Owner => ({ tenantId: randomUUID(), userId: randomUUID(), canary: newCanary() });

/** Two owners with a row in every table, made without a line of the product's code. */
export async function makeNeighbours(superuser: Connection): Promise<Neighbours> {
  const [mine, theirs] = [newOwner(), newOwner()];
  return { mine, myRows: await fillTables(superuser, mine), theirs, theirRows: await fillTables(superuser, theirs) };
}

type Fixtures = {
  /** A superuser's connection to the test's database, in a transaction that is rolled back. */
  superuser: Connection & { database: TestDatabase };
  neighbours: Neighbours;
};

export const test = base.extend<Fixtures>({
  superuser: async ({ database }, use) => {
    await using superuser = await connect(database.superuserUrl);
    await superuser.query('begin');
    await use(Object.assign(superuser, { database }));
    await superuser.query('rollback');
  },
  neighbours: async ({ superuser }, use) => use(await makeNeighbours(superuser)),
});
