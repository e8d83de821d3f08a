import { type Db, inTenant } from '../../prisma/client.ts';
import type { Simulators } from '../../simulators/start.ts';
import { expect, type Person } from '../../test/fixtures.ts';
import { test } from '../../test/partners.ts';
import { connectShop } from '../../test/templates.ts';
import { applyAccountEvent } from './apply-account-event.ts';

async function prepare({ shop, simulators, db }: { shop: Person; simulators: Simulators; db: Db }) {
  const { wabaId, displayNumber } = await connectShop(shop, simulators, { level: 'STANDARD', tier: 'TIER_250' });
  const { tenantId } = shop;
  const inShop = <T>(fn: Parameters<typeof inTenant<T>>[2]) => inTenant(db, tenantId, fn);
  return {
    digits: displayNumber.replaceAll(/\D/g, ''),
    tell: (field: string, value: unknown, at: Date | null = null) =>
      inShop((tx) => applyAccountEvent(tx, tenantId, wabaId, field, value, at)),
    number: () => inShop((tx) => tx.whatsAppNumber.findFirstOrThrow({ where: { tenantId } })),
    connection: () => inShop((tx) => tx.connection.findFirstOrThrow({ where: { tenantId } })),
    account: async () => {
      const { data } = await shop.graphql(
        '{ whatsAppAccounts { nodes { status reviewStatus blockedReason { reason title action until } } } }',
      );
      return data['whatsAppAccounts'].nodes[0];
    },
  };
}

test('a business that takes its account back breaks the connection, and its token is erased at once', async ({
  shop,
  simulators,
  db,
}) => {
  const { tell, account, connection } = await prepare({ shop, simulators, db });
  await tell('account_update', { event: 'PARTNER_REMOVED' }, new Date(Date.now() - 3_600_000));
  expect(await account()).toMatchObject({ status: 'ACTIVE' }); // it was connected anew since then
  expect(await tell('account_update', { event: 'PARTNER_REMOVED' }, new Date())).toBe(true);
  expect(await account()).toMatchObject({
    status: 'BROKEN',
    blockedReason: { reason: 'PARTNER_REMOVED', action: expect.any(String) },
  });
  expect(await connection()).toMatchObject({ token: null, grantHash: null });
});

test('a restriction blocks the account for as long as it lasts, and one that is over does not', async ({
  shop,
  simulators,
  db,
}) => {
  const { tell, account } = await prepare({ shop, simulators, db });
  const restricted = (type: string, until: Date) => ({
    event: 'ACCOUNT_RESTRICTION',
    restriction_info: [{ restriction_type: type, expiration: Math.floor(until.getTime() / 1_000) }],
  });
  const [later, over] = [new Date(Date.now() + 86_400_000), new Date(Date.now() - 1_000)];
  await tell('account_update', restricted('RESTRICTED_BIZ_INITIATED_MESSAGING', over));
  await tell('account_update', restricted('RESTRICTED_ADD_PHONE_NUMBER_ACTION', later));
  expect(await account()).toMatchObject({ status: 'ACTIVE' });
  await tell('account_update', restricted('RESTRICTED_BIZ_INITIATED_MESSAGING', later));
  expect(await account()).toMatchObject({
    status: 'BLOCKED',
    blockedReason: { reason: 'RESTRICTED_BIZ_INITIATED_MESSAGING', until: expect.any(String) },
  });
});

test('an account that Meta disables is blocked until it is reinstated, in whatever order that is told', async ({
  shop,
  simulators,
  db,
}) => {
  const { tell, account } = await prepare({ shop, simulators, db });
  const banned = (state: string) => ({ event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: state } });
  const [first, second] = [new Date(), new Date(Date.now() + 60_000)];
  await tell('account_update', banned('SCHEDULE_FOR_DISABLE'), first);
  expect(await account()).toMatchObject({ status: 'ACTIVE' });
  await tell('account_update', banned('DISABLE'), second);
  await tell('account_update', banned('REINSTATE'), first);
  expect(await account()).toMatchObject({ status: 'BLOCKED', blockedReason: { reason: 'DISABLED' } });
  await tell('account_update', banned('REINSTATE'), new Date(second.getTime() + 1_000));
  expect(await account()).toMatchObject({ status: 'ACTIVE', blockedReason: null });
});

test('a review that goes badly blocks, and one that goes well lifts it', async ({ shop, simulators, db }) => {
  const { tell, account } = await prepare({ shop, simulators, db });
  await tell('account_review_update', { decision: 'REJECTED' });
  expect(await account()).toMatchObject({
    status: 'BLOCKED',
    reviewStatus: 'REJECTED',
    blockedReason: { reason: 'REVIEW_REJECTED' },
  });
  await tell('account_review_update', { decision: 'APPROVED' });
  expect(await account()).toMatchObject({ status: 'ACTIVE', reviewStatus: 'APPROVED' });
});

test('a number’s upgrade, limit and name are what Meta says', async ({ shop, simulators, db }) => {
  const { tell, number, digits } = await prepare({ shop, simulators, db });
  expect(await number()).toMatchObject({ throughput: 80, messagingLimit: 250 });
  await tell('phone_number_quality_update', {
    display_phone_number: digits,
    event: 'THROUGHPUT_UPGRADE',
    max_daily_conversations_per_business: 'TIER_UNLIMITED',
  });
  expect(await number()).toMatchObject({ throughput: 1_000, messagingLimit: null });
  await tell('business_capability_update', { max_daily_conversations_per_business: 2_000 });
  expect(await number()).toMatchObject({ throughput: 1_000, messagingLimit: 2_000 });
  await tell('phone_number_name_update', {
    display_phone_number: digits,
    decision: 'APPROVED',
    requested_verified_name: 'Loja Nova',
    rejection_reason: null,
  });
  expect(await number()).toMatchObject({ verifiedName: 'Loja Nova', nameStatus: 'APPROVED' });
  await tell('phone_number_name_update', {
    display_phone_number: digits,
    decision: 'REJECTED',
    requested_verified_name: 'Nope',
  });
  expect(await number()).toMatchObject({ verifiedName: 'Loja Nova', nameStatus: 'DECLINED' });
});

test('what is not known here, or about nobody’s account, never fails and changes nothing', async ({
  shop,
  simulators,
  db,
}) => {
  const { tell, number, account } = await prepare({ shop, simulators, db });
  const before = [await number(), await account()];
  for (const [field, value] of [
    ['account_update', { event: 'LEVITATION' }],
    ['account_update', 'nothing'],
    ['security', { event: 'PIN_CHANGED' }],
    ['phone_number_quality_update', { display_phone_number: '4917600000', event: 'THROUGHPUT_UPGRADE' }],
    ['a_new_field', {}],
  ] as const)
    expect(await tell(field, value), field).toBe(false);
  expect([await number(), await account()]).toEqual(before);
});
