import { expect, test as base } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import { createDb } from './client.ts';
import { refuseStrongRole, StrongRoleError } from './role.ts';

type Fixtures = {
  /** What the check says to a login with these powers, which is made for it. */
  refusalOf: (powers: string, also?: (name: string) => string) => Promise<string>;
};

const test = base.extend<Fixtures>({
  refusalOf: async ({ database }, use) => {
    await using superuser = await connect(database.superuserUrl);
    const made: string[] = [];
    await use(async (powers, also) => {
      const name = `login${made.length}_${database.name}`;
      await superuser.query(`create role ${name} login password 'x' ${powers}`);
      made.push(name);
      if (also) await superuser.query(also(name));
      const url = new URL(database.urls.app);
      url.username = name;
      url.password = 'x';
      await using db = createDb(url.href, { poolSize: 1 });
      return await refuseStrongRole(db).then(
        () => 'fine',
        (error: unknown) => (error instanceof StrongRoleError ? error.message : Promise.reject(error)),
      );
    });
    for (const name of made) {
      await superuser.query(`reassign owned by ${name} to parley_owner; drop owned by ${name}; drop role ${name}`);
    }
  },
});

test('the application’s role is accepted', async ({ db, refusalOf }) => {
  await expect(refuseStrongRole(db)).resolves.toBeUndefined();
  expect(await refusalOf('in role parley_app')).toBe('fine');
});

test('a superuser, and whoever can become one, is refused', async ({ refusalOf }) => {
  expect(await refusalOf('superuser')).toContain('it is a superuser, or passes by row-level security');
  expect(await refusalOf('', (name) => `grant postgres to ${name} with inherit false`)).toContain('it is a superuser');
});

test('a role past row-level security is refused', async ({ refusalOf }) => {
  expect(await refusalOf('bypassrls')).toBe(
    'The role in DATABASE_URL is too strong: it is a superuser, or passes by row-level security.',
  );
});

test('an owner of tables, and whoever can become one, is refused', async ({ refusalOf }) => {
  const owns = 'The role in DATABASE_URL is too strong: it owns tables.';
  expect(await refusalOf('', (name) => `alter table segments owner to ${name}`)).toBe(owns);
  expect(await refusalOf('in role parley_owner')).toContain('it owns tables');
});

test('a finder and a role of the queue are refused', async ({ refusalOf }) => {
  expect(await refusalOf('in role parley_finder')).toBe(
    'The role in DATABASE_URL is too strong: it is a member of parley_finder.',
  );
  expect(await refusalOf('in role parley_queue')).toContain('it is a member of parley_queue');
});
