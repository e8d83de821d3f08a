import { randomUUID } from 'node:crypto';
import { DatabaseError } from 'pg';
import { expect, type TestDatabase, test } from '../test/fixtures.ts';
import { connect, type Connection } from '../test/sql.ts';

/** Olga works for the first tenant, Paul for both, Rita for the second. */
type Cast = { first: string; second: string; olga: string; paul: string; rita: string };

async function makeCast({ query }: Connection): Promise<Cast> {
  const [first, second, olga, paul, rita] = Array.from({ length: 5 }, () => randomUUID());
  if (!first || !second || !olga || !paul || !rita) throw new Error('There are too few ids.');
  for (const id of [first, second]) {
    await query(
      `insert into tenants (id, name, country, time_zone, locale, updated_at) values ($1::uuid, $1::uuid::text, 'BR', 'UTC', 'pt-BR', now())`,
      [id],
    );
  }
  for (const id of [olga, paul, rita]) {
    await query(
      `insert into users (id, name, email, email_key, updated_at) values ($1::uuid, 'Somebody', $1::uuid::text, $1::uuid::text, now())`,
      [id],
    );
  }
  for (const [tenantId, userId] of [
    [first, olga],
    [first, paul],
    [second, paul],
    [second, rita],
  ]) {
    await query(`insert into memberships (tenant_id, user_id, role) values ($1, $2, 'SELLER')`, [tenantId, userId]);
  }
  return { first, second, olga, paul, rita };
}

/** Runs statements as the application, for a tenant and a person; all of it is undone. */
async function as<T>(
  database: TestDatabase,
  scope: { tenantId?: string; userId?: string },
  act: (run: Run) => Promise<T>,
): Promise<T> {
  await using app = await connect(database.urls.app);
  await app.query('begin');
  await app.query(`select set_config('app.tenant_id', $1, true), set_config('app.user_id', $2, true)`, [
    scope.tenantId ?? '',
    scope.userId ?? '',
  ]);
  return await act(async (text, values = []) => {
    await app.query('savepoint attempt');
    try {
      const { rows, rowCount } = await app.query<{ id: string }>(text, values);
      return rows.length > 0 ? rows.map(({ id }) => id).sort() : (rowCount ?? 0);
    } catch (error) {
      if (error instanceof DatabaseError && error.code) return error.code;
      throw error;
    } finally {
      await app.query('rollback to savepoint attempt');
    }
  });
}
type Run = (text: string, values?: unknown[]) => Promise<string[] | number | string>;

const people = 'select id from users';
const places = `select tenant_id || ' ' || user_id as id from memberships`;
const refused = '42501';

test('people are seen by themselves and their colleagues in the tenant that is set', async ({ database }) => {
  await using superuser = await connect(database.superuserUrl);
  const { first, second, olga, paul, rita } = await makeCast(superuser);
  const seen = (scope: { tenantId?: string; userId?: string }) =>
    as(database, scope, async (run) => [await run(people), await run(places)]);
  const sorted = (...ids: string[]) => ids.sort();
  expect(await seen({})).toEqual([0, 0]);
  expect(await seen({ tenantId: first })).toEqual([sorted(olga, paul), sorted(`${first} ${olga}`, `${first} ${paul}`)]);
  expect(await seen({ tenantId: first, userId: olga })).toEqual([
    sorted(olga, paul),
    sorted(`${first} ${olga}`, `${first} ${paul}`),
  ]);
  // Paul’s other tenant is his own to know, its people are not here.
  expect(await seen({ tenantId: first, userId: paul })).toEqual([
    sorted(olga, paul),
    sorted(`${first} ${olga}`, `${first} ${paul}`, `${second} ${paul}`),
  ]);
  expect(await seen({ userId: paul })).toEqual([[paul], sorted(`${first} ${paul}`, `${second} ${paul}`)]);
  expect(await seen({ tenantId: second, userId: rita })).toEqual([
    sorted(paul, rita),
    sorted(`${second} ${paul}`, `${second} ${rita}`),
  ]);
});

test('a colleague is read and not written, and nobody is made a member by another', async ({ database }) => {
  await using superuser = await connect(database.superuserUrl);
  const { first, second, olga, paul, rita } = await makeCast(superuser);
  const insert = 'insert into memberships (tenant_id, user_id, role) values ($1, $2, $3)';
  await as(database, { tenantId: first, userId: olga }, async (run) => {
    expect(await run(`update users set name = 'Mallory' where id = $1`, [paul])).toBe(0);
    expect(await run(`update users set name = 'Olga' where id = $1`, [olga])).toBe(1);
    expect(await run(`update memberships set role = 'ADMIN' where user_id = $1`, [paul])).toBe(1); // here, and not in his other tenant
    expect(await run('delete from memberships where user_id = $1', [paul])).toBe(1);
    expect(await run('delete from memberships where tenant_id = $1', [second])).toBe(0);
    expect(await run('update memberships set user_id = $2 where user_id = $1', [olga, rita])).toBe(refused);
    expect(await run('update memberships set tenant_id = $2 where user_id = $1', [olga, second])).toBe(refused);
    expect(await run(insert, [first, rita, 'SELLER'])).toBe(refused);
    expect(await run(insert, [second, olga, 'OWNER'])).toBe(refused);
  });
  await as(database, { tenantId: first, userId: rita }, async (run) => {
    expect(await run(insert, [first, rita, 'SELLER'])).toBe(1); // what an invitation comes to
  });
  await as(database, { userId: paul }, async (run) => {
    expect(await run(`update memberships set role = 'OWNER' where user_id = $1`, [paul])).toBe(0);
    expect(await run('select tenant_id as id from find_own_tenants()')).toEqual([first, second].sort());
  });
  await as(database, { tenantId: first, userId: olga }, async (run) => {
    expect(await run('select tenant_id as id from find_own_tenants()')).toEqual([first]);
  });
});

test('who has a second factor is told of the members of the tenant that is set', async ({ database }) => {
  await using superuser = await connect(database.superuserUrl);
  const { first, second, olga, paul, rita } = await makeCast(superuser);
  for (const [userId, confirmedAt] of [
    [olga, null],
    [paul, '2026-11-22'],
    [rita, '2026-11-22'],
  ]) {
    await superuser.query(`insert into user_totp select * from jsonb_populate_record(null::user_totp, $1)`, [
      JSON.stringify({ ...(await emptyTotp(superuser)), user_id: userId, confirmed_at: confirmedAt }),
    ]);
  }
  const find = 'select user_id as id from find_members_with_totp()';
  expect(await as(database, { tenantId: first, userId: olga }, (run) => run(find))).toEqual([paul]);
  expect(await as(database, { tenantId: second }, (run) => run(find))).toEqual([paul, rita].sort());
  expect(await as(database, { userId: paul }, (run) => run(find))).toBe(0);
  expect(
    await as(database, { tenantId: first, userId: olga }, (run) => run('select user_id as id from user_totp')),
  ).toEqual([olga]);
});

/** A value for every column that must have one. */
async function emptyTotp({ sql }: Connection): Promise<Record<string, unknown>> {
  const columns = await sql<{ name: string; type: string }>`
    select attname as name, format_type(atttypid, null) as type from pg_attribute
    where attrelid = 'user_totp'::regclass and attnum > 0 and not attisdropped and attnotnull`;
  const values: Record<string, unknown> = {
    text: 'x',
    bytea: '\\x00',
    integer: 0,
    bigint: 0,
    'timestamp with time zone': '2026-11-22',
  };
  return Object.fromEntries(columns.map(({ name, type }) => [name, values[type] ?? null]));
}
