import { bySystem } from '../audit/record-audit.ts';
import { campaignOf, makeCampaign, makePerson, makeSender, messagesOf, settings } from '../../test/campaigns.ts';
import { expect, test } from '../../test/fixtures.ts';
import { makeTenant } from '../../test/make.ts';
import { type Db, inTenant, type Prisma } from '../../prisma/client.ts';
import { deleteContact } from '../contacts/delete-contact.ts';
import { mergeContacts } from '../contacts/merge-contacts.ts';
import { unmergeContact } from '../contacts/unmerge-contact.ts';
import { runLaunch } from './launch.ts';
import { countTotals } from './totals.ts';

/** A running campaign to two people, who turn out to be one. */
async function twoRecipients(db: Db) {
  const tenantId = await makeTenant(db);
  const sender = await makeSender(db, tenantId);
  const [sourceId, targetId] = [await makePerson(db, tenantId), await makePerson(db, tenantId)];
  const campaignId = await makeCampaign(db, tenantId, sender, {
    status: 'LAUNCHING',
    audience: { contactIds: [sourceId, targetId] },
  });
  await runLaunch(db, { tenantId, campaignId }, settings, new AbortController().signal);
  const set = (contactId: string, data: Prisma.MessageUncheckedUpdateManyInput) =>
    inTenant(db, tenantId, (tx) => tx.message.updateMany({ where: { tenantId, contactId }, data }));
  const merge = () => inTenant(db, tenantId, (tx) => mergeContacts(tx, bySystem(tenantId), { sourceId, targetId }));
  const fates = async () =>
    Object.fromEntries((await messagesOf(db, tenantId, campaignId)).map((m) => [m.contactId, m.reason ?? m.status]));
  return { tenantId, campaignId, sourceId, targetId, set, merge, fates };
}

const left = { dueAt: null, dispatchedAt: new Date() };

test('of two recipients who are merged while both wait, the target gets the message', async ({ db }) => {
  const { sourceId, targetId, merge, fates } = await twoRecipients(db);
  await merge();
  expect(await fates()).toEqual({ [sourceId]: 'DUPLICATE', [targetId]: 'QUEUED' });
});

test('a person who has the message already, under whichever contact, gets no second one after a merge', async ({
  db,
}) => {
  for (const data of [
    { status: 'DISPATCHING', openUntil: new Date(Date.now() + 60_000), ...left },
    { status: 'READ', ...left },
    { status: 'UNKNOWN', ...left },
  ]) {
    const one = await twoRecipients(db);
    await one.set(one.sourceId, data);
    await one.merge();
    expect(await one.fates()).toEqual({ [one.sourceId]: data.status, [one.targetId]: 'DUPLICATE' });
    const other = await twoRecipients(db);
    await other.set(other.targetId, data);
    await other.merge();
    expect(await other.fates()).toEqual({ [other.sourceId]: 'DUPLICATE', [other.targetId]: data.status });
  }
});

test('a message that leaves at the very moment of the merge is the only one', async ({ db }) => {
  const { tenantId, sourceId, targetId, merge, fates, set } = await twoRecipients(db);
  const sent = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const sending = inTenant(db, tenantId, async (tx) => {
    await tx.message.updateMany({
      where: { tenantId, contactId: sourceId },
      data: { status: 'DISPATCHING', openUntil: new Date(Date.now() + 60_000), ...left },
    });
    sent.resolve();
    await gate.promise;
  });
  await sent.promise;
  const merging = merge();
  const waits = () =>
    inTenant(db, tenantId, async (tx) => {
      const rows = await tx.$queryRaw<
        { waits: boolean }[]
      >`select exists (select from pg_locks where not granted) as waits`;
      return rows[0]?.waits;
    });
  for (const deadline = Date.now() + 20_000; !(await waits());)
    if (Date.now() > deadline) throw new Error('Nothing waits.');
  gate.resolve();
  await Promise.all([sending, merging]);
  expect(await fates()).toEqual({ [sourceId]: 'DISPATCHING', [targetId]: 'DUPLICATE' });
  await set(sourceId, { status: 'SENT', openUntil: null });
});

test('where the target was skipped, the source’s message is sent; taking the merge back sends no second one', async ({
  db,
}) => {
  const { tenantId, sourceId, targetId, merge, fates, set } = await twoRecipients(db);
  await set(targetId, { status: 'SKIPPED', reason: 'NO_CONSENT', dueAt: null });
  await merge();
  expect(await fates()).toEqual({ [sourceId]: 'QUEUED', [targetId]: 'NO_CONSENT' });
  await inTenant(db, tenantId, (tx) => unmergeContact(tx, bySystem(tenantId), sourceId));
  expect(await fates()).toEqual({ [sourceId]: 'QUEUED', [targetId]: 'NO_CONSENT' });
});

test('who is deleted leaves messages without a person, those of merged contacts too, and the totals stay', async ({
  db,
}) => {
  const { tenantId, campaignId, sourceId, targetId, merge, set } = await twoRecipients(db);
  await set(sourceId, {
    status: 'READ',
    wamid: 'wamid.A',
    readAt: new Date(),
    parameters: ['Ana'],
    content: { text: 'x' },
    ...left,
  });
  await set(targetId, { status: 'SKIPPED', reason: 'NO_CONSENT', dueAt: null });
  await merge();
  await set(targetId, { status: 'QUEUED', reason: null, dueAt: new Date() });
  await inTenant(db, tenantId, (tx) => deleteContact(tx, bySystem(tenantId), targetId));
  const nobody = { contactId: null, address: null, parameters: [], content: null, wamid: null, dueAt: null };
  expect(await messagesOf(db, tenantId, campaignId)).toMatchObject([
    { status: 'READ', reason: null, ...nobody },
    { status: 'SKIPPED', reason: 'CONTACT_DELETED', ...nobody },
  ]);
  const totals = await inTenant(db, tenantId, (tx) => countTotals(tx, tenantId, [campaignId]));
  expect(totals.get(campaignId)).toMatchObject({ audience: 2, read: 1, skipped: 1, queued: 0 });
  expect(await campaignOf(db, tenantId, campaignId)).toMatchObject({ status: 'RUNNING' });
});
