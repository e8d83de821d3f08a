import pg from 'pg';
import { startLocalPostgres } from '../runtime/local-postgres.ts';
import { createTestDatabase, expect, test, vi } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import { databaseUrls } from '../test/template-database.ts';
import { findFaults } from './catalogue.ts';
import { describeDatabase } from './catalogue/describe.ts';
import { LoginError } from './logins.ts';
import { migrateDatabase } from './migrate.ts';
import { migrationNames } from './schema-engine.ts';

/** A URL that signs in as somebody else. */
function as(url: string, name: string, password: string): string {
  const other = new URL(url);
  other.username = encodeURIComponent(name);
  other.password = encodeURIComponent(password);
  return other.href;
}

test('migrating a second time changes nothing', async ({ database }) => {
  await using owner = await connect(database.superuserUrl);
  const before = await describeDatabase(owner.sql);
  expect(await migrateDatabase(database.urls)).toEqual([]);
  expect(await describeDatabase(owner.sql)).toEqual(before);
  expect(await findFaults(owner.sql)).toEqual({});
});

test('on a new server, two databases can be migrated at once, each by two machines at once', async () => {
  await using server = await startLocalPostgres({ durable: false });
  await using superuser = await connect(server.url('postgres'));
  await superuser.query(`create role parley_owner login createrole password 'owner'`);
  const names = ['first', 'second'];
  for (const name of names) await superuser.query(`create database ${name} owner parley_owner`);

  const runs = names.flatMap((name) => [name, name]).map((name) => migrateDatabase(databaseUrls(server.url(name))));
  const applied = await Promise.all(runs);
  const expected = await migrationNames();
  expect(applied.map((migrations) => migrations.length).sort((a, b) => a - b)).toEqual([
    0,
    0,
    expected.length,
    expected.length,
  ]);
  for (const name of names) {
    await using migrated = await connect(server.url(name));
    expect(await findFaults(migrated.sql)).toEqual({});
  }
});

test('a password that was changed in the environment is taken over, and stands in no statement', async ({
  database,
}) => {
  const login = `app_${database.name}`;
  await using superuser = await connect(database.superuserUrl);
  const withPassword = (password: string) => ({ ...database.urls, app: as(database.urls.app, login, password) });
  const sent = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await migrateDatabase(withPassword('first'));
    await migrateDatabase(withPassword('it’s; "new" @ %'));
    await using app = await connect(withPassword('it’s; "new" @ %').app);
    expect(await app.sql`select current_user::text as name`).toEqual([{ name: login }]);
    await expect(connect(withPassword('first').app)).rejects.toThrow('password authentication failed');
    const texts = sent.mock.calls.flatMap(([query]: unknown[]) => (typeof query === 'string' ? [query] : []));
    const statements = texts.filter((text) => text.includes(login));
    expect(statements.filter((text) => text.includes('SCRAM-SHA-256$4096:'))).toHaveLength(2); // made, and changed
    expect(statements.filter((text) => /first|new/.test(text))).toEqual([]);
  } finally {
    sent.mockRestore();
    await superuser.query(`drop owned by ${login}`);
    await superuser.query(`drop role ${login}`);
  }
});

test('roles that are the same, too strong or in another’s place are refused, and the message says which', async ({
  database,
}) => {
  const { urls } = database;
  await using superuser = await connect(database.superuserUrl);
  const refusal = (changed: Partial<typeof urls>) =>
    migrateDatabase({ ...urls, ...changed }).then(
      () => 'nothing was refused',
      (error: unknown) => (error instanceof LoginError ? error.message : Promise.reject(error)),
    );

  const three = 'DATABASE_URL, DATABASE_QUEUE_URL and DATABASE_OWNER_URL must sign in as three different roles.';
  expect(await refusal({ app: urls.queue })).toBe(three);
  expect(await refusal({ queue: urls.owner })).toBe(three);
  expect(await refusal({ app: database.superuserUrl })).toMatch(/^The role "postgres" in DATABASE_URL is too strong/);
  expect(await refusal({ app: urls.queue, queue: urls.app })).toBe(
    'The role "queue" in DATABASE_URL is also a member of parley_queue.',
  );
  expect(await refusal({ queue: as(urls.queue, 'parley_finder', 'x') })).toBe(
    'The role "parley_finder" in DATABASE_QUEUE_URL may not sign in.',
  );

  const raw = urls.app.replace(':app@', ':100%@');
  expect(await refusal({ app: raw })).toBe(
    'The user or the password in DATABASE_URL has a % that is not written as %25.',
  );

  const weak = `weak_${database.name}`;
  await superuser.query(`create role ${weak} login password 'weak'`);
  try {
    expect(await refusal({ owner: as(urls.owner, weak, 'weak') })).toBe(
      'The role in DATABASE_OWNER_URL does not own the database.',
    );
    await superuser.query(`alter database ${database.name} owner to ${weak}`);
    expect(await refusal({ owner: as(urls.owner, weak, 'weak') })).toMatch(
      /^The role in DATABASE_OWNER_URL may not make roles/,
    );
  } finally {
    await superuser.query(`alter database ${database.name} owner to parley_owner`);
    await superuser.query(`drop role ${weak}`);
  }
});

test('a migration that fails leaves nothing of itself, and the next run tries it again', async () => {
  await using empty = await createTestDatabase('template0');
  await using superuser = await connect(empty.superuserUrl);
  await superuser.query('create function queue_revision() returns int language sql return 0'); // in the way of a late statement
  await expect(migrateDatabase(empty.urls)).rejects.toThrow(
    'A migration failed and left nothing: function "queue_revision" already exists with same argument types',
  );
  expect([...(await describeDatabase(superuser.sql)).keys()]).toEqual(['function queue_revision()']);

  await superuser.query('drop function queue_revision()');
  expect(await migrateDatabase(empty.urls)).toEqual(await migrationNames());
  expect(await findFaults(superuser.sql)).toEqual({});
});
