import { randomUUID } from 'node:crypto';
import { inScope } from '../prisma/client.ts';
import { mutate, refusalOf, tally } from '../test/ask.ts';
import { expect, globalId, type Person } from '../test/fixtures.ts';
import { test } from '../test/mails.ts';
import { accept, addMember, invite } from '../test/people.ts';
import { setUpTotp } from '../test/totp.ts';

const memberOf = ({ userId }: Person) => globalId('Member', userId);
const member = '... on Member { id role }';

async function membersSeenBy(person: Person) {
  const { data, errors } = await person.graphql('{ members { nodes { id name email role joinedAt } } }');
  if (errors) throw new Error(JSON.stringify(errors));
  return data['members'].nodes as { id: string; name: string; email: string; role: string }[];
}

const setRole = (by: Person, whom: Person, role: string) =>
  mutate(by, 'memberRoleSet', { memberId: memberOf(whom), role }, member);
const remove = (by: Person, whom: Person) =>
  mutate(by, 'memberRemove', { memberId: memberOf(whom) }, '... on Deleted { id }');
const roleOf = async (person: Person) => (await person.graphql('{ viewer { role } }')).data['viewer']?.role ?? null;

test('everybody sees their colleagues by name and address, and nobody else', async ({ api, shop, signUp }) => {
  const seller = await addMember(api, shop, 'SELLER', 'Sara Seller');
  const other = await signUp();
  const expected = [
    { id: memberOf(shop), name: 'Olga Owner', email: shop.email, role: 'OWNER' },
    { id: memberOf(seller), name: 'Sara Seller', email: seller.email, role: 'SELLER' },
  ];
  expect(await membersSeenBy(seller)).toMatchObject(expected);
  expect(await membersSeenBy(shop)).toMatchObject(expected);
  expect(await membersSeenBy(other)).toHaveLength(1);
  const node = 'query ($id: ID!) { node(id: $id) { id } }';
  expect((await seller.graphql(node, { id: memberOf(shop) })).data['node']).toEqual({ id: memberOf(shop) });
  expect((await other.graphql(node, { id: memberOf(shop) })).data['node']).toBeNull();
  expect((await seller.graphql(node, { id: globalId('User', shop.userId) })).data['node']).toBeNull();
});

test('managers see who has a second factor, sellers do not', async ({ api, shop, clock }) => {
  const seller = await addMember(api, shop, 'SELLER');
  await setUpTotp(seller, clock);
  const query = '{ members { nodes { id hasTotp } } }';
  expect((await shop.graphql(query)).data['members'].nodes).toEqual([
    { id: memberOf(shop), hasTotp: false },
    { id: memberOf(seller), hasTotp: true },
  ]);
  expect((await seller.graphql(query)).data['members'].nodes).toEqual([
    { id: memberOf(shop), hasTotp: null },
    { id: memberOf(seller), hasTotp: null },
  ]);
});

test('a role holds from the next operation on, and the person is told', async ({ api, shop, mails }) => {
  const seller = await addMember(api, shop, 'SELLER');
  expect(await setRole(shop, seller, 'ADMIN')).toEqual({ __typename: 'Member', id: memberOf(seller), role: 'ADMIN' });
  expect(await roleOf(seller)).toBe('ADMIN');
  const mail = await mails.newest(seller.email);
  expect(mail.subject).toBe('Sua função foi alterada');
  expect(mail.text).toContain('Empresa: Shop 1');
  expect(await setRole(shop, seller, 'ADMIN')).toMatchObject({ role: 'ADMIN' });
  const before = mails.to(seller.email).length;
  await mails.deliver();
  expect(mails.to(seller.email)).toHaveLength(before); // nothing had changed
});

test('what concerns owners is the owners’: an admin makes, changes, invites and removes none', async ({
  api,
  shop,
}) => {
  const [admin, seller] = [await addMember(api, shop, 'ADMIN'), await addMember(api, shop, 'SELLER')];
  const refused = [
    await setRole(admin, seller, 'OWNER'),
    await setRole(admin, admin, 'OWNER'),
    await setRole(admin, shop, 'SELLER'),
    await remove(admin, shop),
    await mutate(admin, 'invitationCreate', { email: 'o@example.com', role: 'OWNER' }),
  ];
  expect(tally(refused)).toEqual({ ForbiddenError: refused.length });
  const owners = await mutate(
    shop,
    'invitationCreate',
    { email: 'o@example.com', role: 'OWNER' },
    '... on Invitation { id }',
  );
  for (const name of ['invitationRevoke', 'invitationResend']) {
    expect(await mutate(admin, name, { invitationId: owners['id'] })).toMatchObject({ __typename: 'ForbiddenError' });
  }
  const transfer = await mutate(admin, 'ownershipTransfer', { memberId: memberOf(seller) });
  expect(tally([transfer])).toEqual({ ForbiddenError: 1 });
  expect(
    await refusalOf(
      seller,
      'mutation { invitationCreate(input: { email: "x@example.com", role: SELLER }) { __typename } }',
    ),
  ).toBe('FORBIDDEN');
  expect(tally([await remove(seller, admin)])).toEqual({ ForbiddenError: 1 });
  expect(await setRole(admin, seller, 'ADMIN')).toMatchObject({ role: 'ADMIN' });
  expect((await membersSeenBy(shop)).map(({ role }) => role)).toEqual(['OWNER', 'ADMIN', 'ADMIN']);
});

test('whoever is removed is out at once, keeps the account, and is told; keys they made stay', async ({
  api,
  shop,
  mails,
}) => {
  const admin = await addMember(api, shop, 'ADMIN');
  const made = await mutate(
    admin,
    'apiKeyCreate',
    { name: 'Orders', integration: 'ERP', scopes: ['CONTACTS_READ'] },
    '... on NewApiKey { secret apiKey { id createdBy { id } } }',
  );
  expect(made['apiKey'].createdBy).toEqual({ id: memberOf(admin) });
  expect(await remove(shop, admin)).toMatchObject({ __typename: 'Deleted', id: memberOf(admin) });
  expect(await refusalOf(admin, '{ contacts { nodes { id } } }')).toBe('UNAUTHENTICATED');
  const refresh = 'mutation ($t: String!) { sessionRefresh(input: { refreshToken: $t }) { __typename } }';
  const refreshed = await api.graphql(refresh, { t: admin.refreshToken });
  expect(refreshed.data['sessionRefresh'].__typename).toBe('SessionEndedError');
  const mail = await mails.newest(admin.email);
  expect(mail.subject).toBe('Você não faz mais parte de uma equipe no Parley');
  expect(tally([await remove(shop, admin)])).toEqual({ NotFoundError: 1 });

  expect((await api.graphql('{ contacts { nodes { id } } }', {}, made['secret'])).data['contacts']).toEqual({
    nodes: [],
  });
  const { data } = await shop.graphql('{ apiKeys { nodes { id status createdBy { id } } } }');
  expect(data['apiKeys'].nodes).toEqual([{ id: made['apiKey'].id, status: 'LIVE', createdBy: null }]);

  const { token } = await invite(shop, admin.email, 'SELLER');
  const back = await accept(api, { token, password: admin.password });
  expect(back).toMatchObject({ __typename: 'Session', role: 'SELLER', user: { id: globalId('User', admin.userId) } });
});

test('anybody may leave by themselves, but the last owner', async ({ api, shop }) => {
  const seller = await addMember(api, shop, 'SELLER');
  expect(await remove(seller, seller)).toMatchObject({ __typename: 'Deleted' });
  expect(await roleOf(seller)).toBeNull();
  expect(tally([await remove(shop, shop), await setRole(shop, shop, 'ADMIN')])).toEqual({ ConflictError: 2 });
  const heir = await addMember(api, shop, 'OWNER');
  expect(await remove(shop, shop)).toMatchObject({ __typename: 'Deleted' });
  expect(tally([await remove(heir, heir)])).toEqual({ ConflictError: 1 });
});

test('ownership goes over in one step; to give or take it takes a fresh proof', async ({ api, shop, clock, db }) => {
  const [admin, other] = [await addMember(api, shop, 'ADMIN'), await addMember(api, shop, 'OWNER')];
  const transfer = (by: Person, whom: Person) =>
    mutate(by, 'ownershipTransfer', { memberId: memberOf(whom), idempotencyKey: `to-${whom.userId}` }, member);
  expect(tally([await transfer(shop, shop)])).toEqual({ ConflictError: 1 });
  expect(tally([await mutate(shop, 'ownershipTransfer', { memberId: globalId('Member', randomUUID()) })])).toEqual({
    NotFoundError: 1,
  });
  clock.advance(6 * 60_000);
  const stale = [
    await transfer(shop, admin),
    await setRole(shop, admin, 'OWNER'),
    await setRole(shop, other, 'SELLER'),
    await remove(shop, other),
  ];
  expect(tally(stale)).toEqual({ ConfirmationRequiredError: 4 });
  await mutate(shop, 'sessionConfirm', { password: shop.password });
  expect(await transfer(shop, admin)).toMatchObject({ id: memberOf(admin), role: 'OWNER' });
  expect([await roleOf(shop), await roleOf(admin)]).toEqual(['ADMIN', 'OWNER']);
  expect(await transfer(shop, admin), 'a repeat').toMatchObject({ id: memberOf(admin), role: 'OWNER' });
  expect(await mutate(shop, 'ownershipTransfer', { memberId: memberOf(shop) })).toMatchObject({
    __typename: 'ForbiddenError',
  });
  const entries = await inScope(db, shop, (tx) => tx.auditEntry.findMany({ where: { action: 'ownership.transfer' } }));
  expect(entries).toMatchObject([
    {
      actorId: shop.userId,
      targetId: admin.userId,
      before: { role: 'ADMIN' },
      after: { role: 'OWNER', formerOwnerId: shop.userId },
    },
  ]);
});

test(
  'a tenant has an owner, however many demote, remove, hand over and leave at the same moment',
  { timeout: 120_000 },
  async ({ api, signUp, db }) => {
    const rounds = 4;
    for (let round = 0; round < rounds; round += 1) {
      const first = await signUp();
      const owners = [first];
      for (let more = 0; more < 3; more += 1) owners.push(await addMember(api, first, 'OWNER'));
      const deeds = owners.flatMap((owner, at) => {
        const next = owners[(at + 1) % owners.length] ?? owner;
        return [
          () => remove(owner, owner),
          () => setRole(owner, next, 'SELLER'),
          () => remove(owner, next),
          () => setRole(owner, owner, 'ADMIN'),
          () => mutate(owner, 'ownershipTransfer', { memberId: memberOf(next) }),
        ];
      });
      await Promise.all(shuffled(deeds, round).map((deed) => deed().catch(() => undefined))); // whoever is out is refused as a whole
      const left = await inScope(db, { tenantId: first.tenantId }, (tx) =>
        tx.membership.count({ where: { tenantId: first.tenantId, role: 'OWNER' } }),
      );
      expect(left, `round ${round}`).toBeGreaterThanOrEqual(1);
    }
  },
);

function shuffled<T>(items: T[], seed: number): T[] {
  return items
    .map((item, at) => ({ item, key: (at * 7 + seed * 5) % items.length }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
