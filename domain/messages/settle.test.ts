import { inTenant } from '../../prisma/client.ts';
import { expect, vi } from '../../test/fixtures.ts';
import { approveTemplate, connectNumber, runCampaign, statuses, test } from '../../test/sending.ts';
import { recordOutcomes } from './outcomes.ts';
import { settle } from './settle.ts';
import { take } from './take.ts';

const settleMs = 60_000;

test('a message whose worker died is in doubt, then given up; its campaign is finished then', async ({
  db,
  shop,
  simulators,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number, 'MARKETING');
  const { id } = await runCampaign(db, number, template, { people: 5 });
  await inTenant(db, tenantId, (tx) =>
    tx.tenant.update({ where: { id: tenantId }, data: { resendUnknown: true }, select: { id: true } }),
  );
  await vi.waitFor(async () => {
    await inTenant(db, tenantId, (tx) =>
      take(tx, tenantId, number.id, { isSingle: false, wanted: 5, leaseMs: 0, rateMax: 1_000 }),
    );
    expect(await statuses(db, tenantId)).toEqual({ DISPATCHING: 5 });
  });

  expect(await inTenant(db, tenantId, (tx) => settle(tx, tenantId, 0, 100))).toEqual({
    inDoubt: 5,
    resent: 0,
    givenUp: 0,
  });
  expect(await statuses(db, tenantId)).toEqual({ UNKNOWN: 5 });
  expect(await inTenant(db, tenantId, (tx) => settle(tx, tenantId, 0, 100))).toEqual({
    inDoubt: 0,
    resent: 0,
    givenUp: 5,
  });
  expect(await statuses(db, tenantId)).toEqual({ UNKNOWN: 5 });
  expect(await inTenant(db, tenantId, (tx) => tx.campaign.findFirstOrThrow({ where: { tenantId, id } }))).toMatchObject(
    { status: 'FINISHED' },
  );
});

test('a utility message whose fate stays unknown goes once more where the tenant wants that, and only once', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number, 'UTILITY');
  await runCampaign(db, number, template, { people: 1, endings: ['000409'] });
  await inTenant(db, tenantId, (tx) =>
    tx.tenant.update({ where: { id: tenantId }, data: { resendUnknown: true }, select: { id: true } }),
  );
  const settleNow = async () => {
    await inTenant(
      db,
      tenantId,
      (tx) => tx.$executeRaw`update messages set open_until = now() - interval '1 second' where open_until is not null`,
    );
    return inTenant(db, tenantId, (tx) => settle(tx, tenantId, settleMs, 100));
  };

  expect(await send(number)).toMatchObject({ unknown: 1 });
  expect(await settleNow()).toEqual({ inDoubt: 0, resent: 1, givenUp: 0 });
  expect(await send(number)).toMatchObject({ taken: 1, unknown: 1 });
  expect(await settleNow()).toEqual({ inDoubt: 0, resent: 0, givenUp: 1 });
  expect(await inTenant(db, tenantId, (tx) => tx.message.findFirstOrThrow())).toMatchObject({
    status: 'UNKNOWN',
    attempt: 2,
    resends: 1,
    openUntil: null,
  });
});

test('an answer that comes after its attempt was given up for another one changes nothing', async ({
  db,
  shop,
  simulators,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 1 });
  const taken = await inTenant(db, tenantId, (tx) =>
    take(tx, tenantId, number.id, { isSingle: false, wanted: 1, leaseMs: settleMs, rateMax: 1_000 }),
  );
  if (taken.kind !== 'taken') throw new Error(`Nothing was taken: ${taken.kind}`);
  await inTenant(
    db,
    tenantId,
    (tx) =>
      tx.$executeRaw`update messages set status = 'QUEUED', open_until = null, due_at = now() + interval '1 hour', attempt = attempt + 1`,
  );
  const before = await inTenant(db, tenantId, (tx) => tx.message.findFirstOrThrow());

  const late = taken.messages.map((message) => ({
    message,
    sent: { outcome: 'accepted' as const, wamid: 'wamid.late', waId: null, userId: null },
  }));
  await inTenant(db, tenantId, (tx) => recordOutcomes(tx, tenantId, number.id, taken.gate, late, settleMs));
  expect(await inTenant(db, tenantId, (tx) => tx.message.findFirstOrThrow())).toEqual(before);
});

test('an answer settles a message that was in doubt already', async ({ db, shop, simulators }) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 1 });
  const taken = await inTenant(db, tenantId, (tx) =>
    take(tx, tenantId, number.id, { isSingle: false, wanted: 1, leaseMs: 0, rateMax: 1_000 }),
  );
  if (taken.kind !== 'taken') throw new Error(`Nothing was taken: ${taken.kind}`);
  await vi.waitFor(async () =>
    expect(await inTenant(db, tenantId, (tx) => settle(tx, tenantId, settleMs, 10))).toMatchObject({ inDoubt: 1 }),
  );

  const late = taken.messages.map((message) => ({
    message,
    sent: { outcome: 'accepted' as const, wamid: 'wamid.late', waId: null, userId: null },
  }));
  await inTenant(db, tenantId, (tx) => recordOutcomes(tx, tenantId, number.id, taken.gate, late, settleMs));
  expect(await inTenant(db, tenantId, (tx) => tx.message.findFirstOrThrow())).toMatchObject({
    status: 'ACCEPTED',
    wamid: 'wamid.late',
    openUntil: null,
  });
});

test('a doubt that comes after its message was queued once more leaves it in the queue', async ({
  db,
  shop,
  simulators,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 1 });
  const options = { isSingle: false, wanted: 1, leaseMs: settleMs, rateMax: 1_000 };
  const taken = await inTenant(db, tenantId, (tx) => take(tx, tenantId, number.id, options));
  if (taken.kind !== 'taken') throw new Error(`Nothing was taken: ${taken.kind}`);
  await inTenant(
    db,
    tenantId,
    (tx) => tx.$executeRaw`update messages set status = 'QUEUED', open_until = null, due_at = now()`,
  );

  const late = taken.messages.map((message) => ({ message, sent: { outcome: 'unknown' as const, reason: 'LATE' } }));
  await inTenant(db, tenantId, (tx) => recordOutcomes(tx, tenantId, number.id, taken.gate, late, settleMs));
  expect(await statuses(db, tenantId)).toEqual({ QUEUED: 1 });
});
