import { randomUUID } from 'node:crypto';
import { revokeSessions } from '../domain/auth/own-sessions.ts';
import { inScope } from '../prisma/client.ts';
import { askFor, mutate } from '../test/ask.ts';
import { expect, globalId, type Person, test } from '../test/fixtures.ts';
import { accept, invite, personOf, sessionParts } from '../test/people.ts';
import { connect } from '../test/sql.ts';

const minuteMs = 60_000;
const places = '{ viewer { role tenant { name } memberships { tenantId tenantName role isCurrent } } }';

const switchTo = (person: Person, tenantId: string, more = {}) =>
  mutate(
    person,
    'sessionSwitch',
    { tenantId: globalId('Tenant', tenantId), ...more },
    '... on Session { accessToken refreshToken role user { id } tenant { id } }',
  );

test('a person works for several tenants, sees which, and changes between them', async ({ api, shop, signUp }) => {
  const olga = await signUp('Casa Olga');
  const { token } = await invite(shop, olga.email, 'SELLER');
  await accept(olga, { token });
  const { data } = await olga.graphql(places);
  const [home, away] = [
    { tenantId: globalId('Tenant', olga.tenantId), tenantName: 'Casa Olga', role: 'OWNER' },
    { tenantId: globalId('Tenant', shop.tenantId), tenantName: 'Shop 1', role: 'SELLER' },
  ];
  expect(data['viewer'].memberships).toEqual([
    { ...home, isCurrent: true },
    { ...away, isCurrent: false },
  ]);

  const there = personOf(api, await switchTo(olga, shop.tenantId), olga);
  expect((await there.graphql(places)).data['viewer']).toEqual({
    role: 'SELLER',
    tenant: { name: 'Shop 1' },
    memberships: [
      { ...home, isCurrent: false },
      { ...away, isCurrent: true },
    ],
  });
  expect((await olga.graphql(places)).data['viewer'].role, 'the first session goes on').toBe('OWNER');
  const signedIn = await askFor(api, 'signIn', { email: olga.email, password: olga.password }, sessionParts);
  expect(signedIn['tenant'], 'a sign-in begins where the person joined first').toEqual({ id: home.tenantId });
});

test('nobody gets into a tenant that they do not work for, nor learns of it', async ({ shop, signUp }) => {
  const other = await signUp();
  const [foreign, nobodys] = [await switchTo(shop, other.tenantId), await switchTo(shop, randomUUID())];
  expect(foreign).toEqual(nobodys);
  expect(foreign).toMatchObject({ __typename: 'NotFoundError' });
});

test('a session that was switched is no fresher and lives no longer than the one it comes from', async ({
  api,
  shop,
  signUp,
  clock,
}) => {
  const olga = await signUp();
  const { token } = await invite(shop, olga.email, 'OWNER');
  await accept(olga, { token });
  clock.advance(6 * minuteMs);
  const there = personOf(api, await switchTo(olga, shop.tenantId), olga);
  const owner = { memberId: globalId('Member', shop.userId) };
  expect(await mutate(there, 'ownershipTransfer', owner)).toMatchObject({ __typename: 'ConfirmationRequiredError' });

  let newest = there.refreshToken;
  for (let day = 6; day < 30; day += 6) {
    clock.advance(6 * 24 * 60 * minuteMs);
    const { refreshToken } = await askFor(api, 'sessionRefresh', { refreshToken: newest }, sessionParts);
    newest = refreshToken;
  }
  clock.advance(6 * 24 * 60 * minuteMs - 3 * minuteMs); // 30 days after the sign-in, and less after the switch
  expect((await askFor(api, 'sessionRefresh', { refreshToken: newest }, sessionParts))['__typename']).toBe(
    'SessionEndedError',
  );
});

test('a switch is done once for an idempotency key, and its tokens are shown once', async ({ shop }) => {
  const key = { idempotencyKey: randomUUID() };
  expect((await switchTo(shop, shop.tenantId, key))['__typename']).toBe('Session');
  expect((await switchTo(shop, shop.tenantId, key))['__typename']).toBe('ConflictError');
});

test('a session that is being ended begins no other', async ({ db, shop, clock, database }) => {
  await using superuser = await connect(database.superuserUrl);
  const waiting = () =>
    superuser.sql`select from pg_stat_activity where datname = ${database.name} and wait_event_type = 'Lock'`;
  let switching: ReturnType<typeof switchTo> | undefined;
  await inScope(db, { userId: shop.userId }, async (tx) => {
    await revokeSessions(tx, shop.userId, clock.now());
    switching = switchTo(shop, shop.tenantId); // it is still going on for whoever looks now
    await expect.poll(waiting).toHaveLength(1);
  });
  expect(await switching).toMatchObject({ __typename: 'NotFoundError' });
  expect(await superuser.sql`select from sessions where revoked_at is null`).toEqual([]);
});
