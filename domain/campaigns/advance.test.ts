import { bySystem } from '../audit/record-audit.ts';
import {
  campaignOf,
  makeCampaign,
  makePeople,
  makePerson,
  makeSegment,
  makeSender,
  messagesOf,
  settings,
} from '../../test/campaigns.ts';
import { expect, test } from '../../test/fixtures.ts';
import { makeTenant } from '../../test/make.ts';
import { connect } from '../../test/sql.ts';
import { type Db, inScope, inTenant, type Prisma } from '../../prisma/client.ts';
import { advanceCampaign, closeAll } from './advance.ts';
import { finishCampaigns } from './finish.ts';
import { pauseIfFailing } from './health.ts';
import { findOpenCampaigns } from './jobs.ts';
import { runLaunch } from './launch.ts';
import { pauseCampaign } from './transitions.ts';

const never = new AbortController().signal;

/** A running campaign to so many people. */
async function running(db: Db, tenantId: string, people: number, given: { validUntil?: Date } = {}) {
  const sender = await makeSender(db, tenantId);
  await makePeople(db, tenantId, people);
  const audience = { segmentIds: [await makeSegment(db, tenantId)] };
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'LAUNCHING', audience, ...given });
  await runLaunch(db, { tenantId, campaignId }, settings, never);
  return { sender, campaignId };
}

const advance = (db: Db, tenantId: string, campaignId: string, own = {}) =>
  advanceCampaign(db, { tenantId, campaignId }, { ...settings, ...own }, never);

const change = (db: Db, tenantId: string, id: string, data: Prisma.CampaignUncheckedUpdateInput) =>
  inTenant(db, tenantId, (tx) => tx.campaign.update({ where: { tenantId_id: { tenantId, id } }, data }));

/** All that still waits has left, this long ago, and this became of it. */
const leave = (db: Db, tenantId: string, campaignId: string, data: Prisma.MessageUncheckedUpdateManyInput) =>
  inTenant(db, tenantId, (tx) =>
    tx.message.updateMany({ where: { tenantId, campaignId, status: 'QUEUED' }, data: { dueAt: null, ...data } }),
  );

const open = async (db: Db) =>
  (await inScope(db, {}, (tx) => findOpenCampaigns(tx, 100))).map(({ campaignId }) => campaignId);

test('a scheduled campaign starts when its time has come, and not before; late is fine', async ({ db, database }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const audience = { contactIds: [await makePerson(db, tenantId)] };
  const scheduledAt = new Date(Date.now() + 3_600_000);
  const campaignId = await makeCampaign(db, tenantId, sender, { status: 'SCHEDULED', audience, scheduledAt });
  expect(await open(db)).toEqual([]);
  await advance(db, tenantId, campaignId);
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'SCHEDULED' });
  await change(db, tenantId, campaignId, { scheduledAt: new Date(Date.now() - 7_200_000) });
  expect(await open(db)).toEqual([campaignId]);
  await advance(db, tenantId, campaignId);
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'LAUNCHING' });
  expect(await jobs(database.superuserUrl)).toContain(`campaigns/launch:${tenantId}:${campaignId}`);
});

async function jobs(url: string): Promise<string[]> {
  await using superuser = await connect(url);
  return (await superuser.sql<{ key: string }>`select key from graphile_worker._private_jobs`).map(({ key }) => key);
}

test('a launch that was left behind is taken up again', async ({ db, database }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const leaseUntil = new Date(Date.now() - 1_000);
  const campaignId = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    leaseUntil,
    leaseToken: crypto.randomUUID(),
  });
  const held = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    leaseUntil: new Date(Date.now() + 60_000),
    leaseToken: crypto.randomUUID(),
  });
  expect(await open(db)).toEqual([campaignId]);
  await advance(db, tenantId, campaignId);
  await advance(db, tenantId, held);
  const launches = (await jobs(database.superuserUrl)).filter((key) => key.startsWith('campaigns/launch'));
  expect(launches).toEqual([`campaigns/launch:${tenantId}:${campaignId}`]);
});

test('a campaign is finished when nothing of it is open, and never before', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const { campaignId } = await running(db, tenantId, 3);
  const finish = () => inTenant(db, tenantId, (tx) => finishCampaigns(tx, tenantId, [campaignId]));
  expect(await finish()).toEqual([]);
  const [one] = await messagesOf(db, tenantId, campaignId);
  await leave(db, tenantId, campaignId, { status: 'DELIVERED', deliveredAt: new Date() });
  const set = (data: Prisma.MessageUncheckedUpdateInput) =>
    inTenant(db, tenantId, (tx) =>
      tx.message.update({ where: { tenantId_id: { tenantId, id: one?.id ?? '' } }, data }),
    );
  for (const data of [
    { status: 'DISPATCHING', openUntil: new Date(Date.now() + 1_000) },
    { status: 'UNKNOWN', openUntil: new Date(Date.now() + 1_000) },
    { status: 'QUEUED', openUntil: null, dueAt: new Date(Date.now() + 3_600_000) },
  ]) {
    await set(data);
    expect(await finish()).toEqual([]);
    expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'RUNNING', finishedAt: null });
  }
  await set({ status: 'UNKNOWN', dueAt: null });
  expect(await finish()).toEqual([campaignId]);
  const finished = await campaignOf(db, tenantId, campaignId);
  expect(finished).toMatchObject({ status: 'FINISHED' });
  expect(finished.finishedAt).not.toBeNull();
  expect(await finish()).toEqual([]);
});

test('another tenant finishes and pauses nothing', async ({ db }) => {
  const [ours, theirs] = [await makeTenant(db), await makeTenant(db)];
  const { campaignId } = await running(db, ours, 1);
  await leave(db, ours, campaignId, { status: 'READ', readAt: new Date() });
  expect(await inTenant(db, theirs, (tx) => finishCampaigns(tx, theirs, [campaignId]))).toEqual([]);
  await advance(db, theirs, campaignId);
  expect(await campaignOf(db, ours, campaignId)).toMatchObject({ status: 'RUNNING', checkedAt: null });
});

test('what is past its validity expires while the campaign is paused, and then it is finished', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const { campaignId } = await running(db, tenantId, 20, { validUntil: new Date(Date.now() + 3_600_000) });
  await inTenant(db, tenantId, (tx) => pauseCampaign(tx, bySystem(tenantId), campaignId));
  await advance(db, tenantId, campaignId);
  expect(await open(db)).toEqual([]); // a paused one needs nobody
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'PAUSED' });
  await change(db, tenantId, campaignId, { validUntil: new Date(Date.now() - 1_000) });
  expect(await open(db)).toEqual([campaignId]);
  await advance(db, tenantId, campaignId);
  expect((await messagesOf(db, tenantId, campaignId)).map(({ status, reason }) => [status, reason])).toEqual(
    Array.from({ length: 20 }, () => ['EXPIRED', null]),
  );
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'FINISHED' });
});

test('what waits of a cancelled campaign is cancelled, and what is on its way is waited for', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const { campaignId } = await running(db, tenantId, 12_000);
  const [one] = await messagesOf(db, tenantId, campaignId);
  const set = (data: Prisma.MessageUncheckedUpdateInput) =>
    inTenant(db, tenantId, (tx) =>
      tx.message.update({ where: { tenantId_id: { tenantId, id: one?.id ?? '' } }, data }),
    );
  await set({ status: 'DISPATCHING', dueAt: null, openUntil: new Date(Date.now() + 60_000) });
  await change(db, tenantId, campaignId, { status: 'CANCELLED' });
  await closeAll(db, tenantId, campaignId, 'CANCELLED', never);
  const statuses = (await messagesOf(db, tenantId, campaignId)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 'CANCELLED')).toHaveLength(11_999);
  await advance(db, tenantId, campaignId);
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'CANCELLED', finishedAt: null });
  await set({ status: 'QUEUED', openUntil: null, dueAt: new Date() }); // refused for the moment: it waits again
  await closeAll(db, tenantId, campaignId, 'CANCELLED', never);
  await advance(db, tenantId, campaignId);
  expect((await campaignOf(db, tenantId, campaignId)).finishedAt).not.toBeNull();
  expect((await messagesOf(db, tenantId, campaignId)).every(({ status }) => status === 'CANCELLED')).toBe(true);
});

test('a campaign says what stands in its way, the gravest first, and that it stands still', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const { campaignId, sender } = await running(db, tenantId, 2);
  const reasonNow = async (own = {}) => {
    await advance(db, tenantId, campaignId, own);
    const { status, blockedReason, stalledSince } = await campaignOf(db, tenantId, campaignId);
    return [status, blockedReason, stalledSince !== null];
  };
  expect(await reasonNow()).toEqual(['RUNNING', null, false]);
  const sql = (run: (tx: Parameters<Parameters<typeof inTenant>[2]>[0]) => Promise<unknown>) =>
    inTenant(db, tenantId, run);
  const id = (key: string) => ({ tenantId_id: { tenantId, id: key } });

  await sql((tx) => tx.template.update({ where: id(sender.templateId), data: { status: 'PENDING' } }));
  expect(await reasonNow()).toEqual(['RUNNING', 'TEMPLATE_PENDING', false]);
  await sql((tx) => tx.template.update({ where: id(sender.templateId), data: { status: 'PAUSED' } }));
  expect(await reasonNow({ campaignStalledAfterMs: 0 })).toEqual(['RUNNING', 'TEMPLATE_PAUSED', true]);
  await sql((tx) =>
    tx.numberPace.updateMany({ where: { tenantId }, data: { openUntil: new Date(Date.now() + 60_000) } }),
  );
  expect(await reasonNow()).toEqual(['RUNNING', 'PARTNER_DOWN', false]);
  await sql((tx) => tx.whatsAppNumber.update({ where: id(sender.numberId), data: { messagingLimit: 0 } }));
  await sql((tx) => tx.numberPace.updateMany({ where: { tenantId }, data: { openUntil: null } }));
  expect(await reasonNow()).toEqual(['RUNNING', 'PORTFOLIO_LIMIT', false]);
  await sql((tx) => tx.whatsAppNumber.update({ where: id(sender.numberId), data: { status: 'DISCONNECTED' } }));
  expect(await reasonNow()).toEqual(['RUNNING', 'NUMBER_NOT_CONNECTED', false]);
  await sql((tx) => tx.whatsAppNumber.update({ where: id(sender.numberId), data: { blockedReason: 'META_131048' } }));
  expect(await reasonNow()).toEqual(['RUNNING', 'NUMBER_BLOCKED', false]);
  await sql((tx) => tx.whatsAppAccount.update({ where: id(sender.accountId), data: { blockedReason: 'META_131031' } }));
  expect(await reasonNow()).toEqual(['RUNNING', 'ACCOUNT_BLOCKED', false]);
  await sql((tx) =>
    tx.whatsAppAccount.update({ where: id(sender.accountId), data: { blockedUntil: new Date(Date.now() - 1_000) } }),
  );
  expect(await reasonNow()).toEqual(['RUNNING', 'NUMBER_BLOCKED', false]);
  await sql((tx) => tx.connection.update({ where: id(sender.connectionId), data: { status: 'BROKEN' } }));
  expect(await reasonNow()).toEqual(['RUNNING', 'CONNECTION_BROKEN', false]);
});

test('what does not pass by itself pauses the campaign', async ({ db }) => {
  for (const [status, reason] of [
    ['REJECTED', 'TEMPLATE_REJECTED'],
    ['DISABLED', 'TEMPLATE_DISABLED'],
    ['DELETED', 'TEMPLATE_DELETED'],
  ] as const) {
    const tenantId = await makeTenant(db);
    const { campaignId, sender } = await running(db, tenantId, 1);
    await inTenant(db, tenantId, (tx) =>
      tx.template.update({ where: { tenantId_id: { tenantId, id: sender.templateId } }, data: { status } }),
    );
    await advance(db, tenantId, campaignId);
    expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'PAUSED', blockedReason: reason });
  }
});

const longAgo = () => new Date(Date.now() - 120_000);

test('a campaign of which more than one in twenty fails is paused; what says nothing about it does not count', async ({
  db,
}) => {
  for (const [failureCode, failed, reason] of [
    [132_000, 11, 'TOO_MANY_FAILURES'],
    [132_000, 10, null],
    [131_049, 150, null],
    [131_026, 61, 'BAD_LIST'],
    [131_026, 60, null],
  ] as const) {
    const tenantId = await makeTenant(db);
    const { campaignId } = await running(db, tenantId, 260);
    await change(db, tenantId, campaignId, { launchedAt: new Date(Date.now() - 300_000) });
    const messages = await messagesOf(db, tenantId, campaignId);
    const ids = messages.map(({ id }) => id);
    const set = (which: string[], data: Prisma.MessageUncheckedUpdateManyInput) =>
      inTenant(db, tenantId, (tx) =>
        tx.message.updateMany({ where: { tenantId, id: { in: which } }, data: { dueAt: null, ...data } }),
      );
    await set(ids.slice(0, 50), {
      status: 'FAILED',
      failureCode: 132_000,
      failedAt: longAgo(),
      dispatchedAt: longAgo(),
    }); // before the last 200
    await set(ids.slice(50, 250 - failed), { status: 'SENT', sentAt: longAgo(), dispatchedAt: longAgo() });
    await set(ids.slice(250 - failed, 250), {
      status: 'FAILED',
      failureCode,
      failedAt: longAgo(),
      dispatchedAt: longAgo(),
    });
    await set(ids.slice(250), {
      status: 'FAILED',
      failureCode: 132_000,
      failedAt: new Date(),
      dispatchedAt: new Date(),
    }); // too new to judge
    const paused = await inTenant(db, tenantId, (tx) => pauseIfFailing(tx, tenantId, [campaignId]));
    expect([failureCode, failed, paused]).toEqual([failureCode, failed, reason === null ? [] : [campaignId]]);
    const status = reason === null ? 'RUNNING' : 'PAUSED';
    expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status, blockedReason: reason });
  }
});

test('what failed before somebody resumed the campaign does not pause it again', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const { campaignId } = await running(db, tenantId, 250);
  await change(db, tenantId, campaignId, {
    launchedAt: new Date(Date.now() - 300_000),
    resumedAt: new Date(Date.now() - 60_000),
  });
  await leave(db, tenantId, campaignId, {
    status: 'FAILED',
    failureCode: 132_000,
    failedAt: longAgo(),
    dispatchedAt: longAgo(),
  });
  const judge = () => inTenant(db, tenantId, (tx) => pauseIfFailing(tx, tenantId, [campaignId]));
  expect(await judge()).toEqual([]);
  await change(db, tenantId, campaignId, { resumedAt: null });
  expect(await judge()).toEqual([]); // judged a moment ago
  await change(db, tenantId, campaignId, { judgedAt: longAgo() });
  expect(await judge()).toEqual([campaignId]);
});

test('of many open campaigns those come first that nobody has looked after for longest', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const ids: string[] = [];
  for (let index = 0; index < 3; index += 1) ids.push(await makeCampaign(db, tenantId, sender, { status: 'RUNNING' }));
  const ages = [1_000, 3_000, 2_000];
  for (const [index, id] of ids.entries())
    await change(db, tenantId, id, { checkedAt: new Date(Date.now() - (ages[index] ?? 0)) });
  expect(await open(db)).toEqual([ids[1], ids[2], ids[0]]);
});
