import { expect, test } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import { findFaults } from './catalogue.ts';
import type { Sql } from './catalogue/check.ts';
import { inScope } from './client.ts';

test('the database keeps every rule of the catalogue', async ({ database }) => {
  await using superuser = await connect(database.superuserUrl);
  expect(await findFaults(superuser.sql)).toEqual({});
});

test('the application’s own role can check the rules, at its start', async ({ db }) => {
  const faults = await inScope(
    db,
    {},
    (tx) => {
      const sql: Sql = (statement, ...values) => tx.$queryRaw(statement, ...values);
      return findFaults(sql);
    },
    { readOnly: true },
  );
  expect(faults).toEqual({});
});
