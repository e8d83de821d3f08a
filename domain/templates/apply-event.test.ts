import { type Db, inTenant } from '../../prisma/client.ts';
import type { Simulators } from '../../simulators/start.ts';
import { expect, type Person, rawId } from '../../test/fixtures.ts';
import { test } from '../../test/partners.ts';
import { connect } from '../../test/sql.ts';
import { connectShop, syncTemplates } from '../../test/templates.ts';
import { applyTemplateEvent } from './apply-event.ts';

type Deps = { shop: Person; simulators: Simulators; db: Db };

/** An approved template, and a campaign in each status that is pinned to it. */
async function prepare({ shop, simulators, db }: Deps) {
  const { accountId, numberId, wabaId } = await connectShop(shop, simulators);
  const components = [{ type: 'BODY', text: 'Hello there, dear friend of ours.' }];
  const { id: metaId } = simulators.meta.createTemplate(wabaId, {
    name: 'hello',
    language: 'en_US',
    category: 'UTILITY',
    components,
  });
  await syncTemplates(shop, accountId);
  const { tenantId } = shop;
  await inTenant(db, tenantId, async (tx) => {
    const template = await tx.template.findFirstOrThrow({ where: { tenantId } });
    for (const status of ['DRAFT', 'SCHEDULED', 'LAUNCHING', 'RUNNING', 'PAUSED', 'FINISHED'])
      await tx.campaign.create({
        data: {
          tenantId,
          name: status,
          status,
          numberId: rawId(numberId),
          templateVersionId: template.versionId ?? '',
          audience: {},
        },
      });
  });
  const named = { message_template_id: metaId, message_template_name: 'hello', message_template_language: 'en-US' };
  const tell = (field: string, value: object, at?: Date) =>
    inTenant(db, tenantId, (tx) => applyTemplateEvent(tx, tenantId, field, { ...named, ...value }, at ?? null, wabaId));
  return {
    accountId,
    wabaId,
    metaId,
    tell,
    status: (event: string, more: object = {}, at?: Date) =>
      tell('message_template_status_update', { event, ...more }, at),
    template: () => inTenant(db, tenantId, (tx) => tx.template.findFirstOrThrow({ where: { tenantId } })),
    campaigns: async () => {
      const rows = await inTenant(db, tenantId, (tx) =>
        tx.campaign.findMany({ where: { tenantId }, orderBy: { id: 'asc' } }),
      );
      return rows.map(
        ({ name, status, blockedReason }) => `${name}: ${status}${blockedReason ? ` ${blockedReason}` : ''}`,
      );
    },
  };
}

const untouched = [
  'DRAFT: DRAFT',
  'SCHEDULED: SCHEDULED',
  'LAUNCHING: LAUNCHING',
  'RUNNING: RUNNING',
  'PAUSED: PAUSED',
  'FINISHED: FINISHED',
];
const paused = (reason: string) =>
  untouched.map((line) => (/SCH|LAU|RUN/.test(line) ? `${line.split(':')[0]}: PAUSED ${reason}` : line));

test.for([
  ['REJECTED', 'TEMPLATE_REJECTED'],
  ['DISABLED', 'TEMPLATE_DISABLED'],
  ['PENDING_DELETION', 'TEMPLATE_DELETED'],
])(
  'a template that is %s pauses the campaigns under way with it, and says why',
  async ([event = '', reason = ''], { shop, simulators, db }) => {
    const { status, template, campaigns } = await prepare({ shop, simulators, db });
    const value = { reason: 'NONE', rejection_info: { reason: 'INVALID_FORMAT' } };
    expect(await status(event, value)).toBe(true);
    expect(await template()).toMatchObject({ status: event, rejectedReason: 'INVALID_FORMAT' });
    expect(await campaigns()).toEqual(paused(reason));
  },
);

test('a template that Meta pauses stops no campaign, and says until when', async ({ shop, simulators, db }) => {
  const { status, template, campaigns } = await prepare({ shop, simulators, db });
  const at = new Date('2026-11-22T12:00:00Z');
  await inTenant(db, shop.tenantId, (tx) => tx.template.updateMany({ data: { statusAt: null } }));
  await status('PAUSED', { other_info: { title: 'SECOND_PAUSE' } }, at);
  expect(await template()).toMatchObject({ status: 'PAUSED', pausedUntil: new Date('2026-11-22T18:00:00Z') });
  expect(await campaigns()).toEqual(untouched);
  await status('REINSTATED', {}, new Date('2026-11-22T18:00:00Z'));
  expect(await template()).toMatchObject({ status: 'APPROVED', pausedUntil: null, rejectedReason: null });
});

test('news in the wrong order, or twice, comes to the same', async ({ shop, simulators, db }) => {
  const { tell, status, template } = await prepare({ shop, simulators, db });
  const [later, earlier] = [new Date(Date.now() + 60_000), new Date(Date.now() + 30_000)];
  const news = [
    () => status('PAUSED', {}, later),
    () => status('APPROVED', {}, earlier),
    () => tell('message_template_quality_update', { new_quality_score: 'RED' }, later),
    () => tell('message_template_quality_update', { new_quality_score: 'GREEN' }, earlier),
    () => tell('template_category_update', { previous_category: 'UTILITY', new_category: 'MARKETING' }, later),
    () => tell('template_category_update', { previous_category: 'MARKETING', new_category: 'UTILITY' }, earlier),
  ];
  for (const one of [...news.toReversed(), ...news, ...news]) await one(); // the older ones come last
  expect(await template()).toMatchObject({ status: 'PAUSED', quality: 'RED', category: 'MARKETING' });
});

test('a category is announced first, and then in force', async ({ shop, simulators, db }) => {
  const { tell, template, campaigns } = await prepare({ shop, simulators, db });
  const announced = {
    new_category: 'UTILITY',
    correct_category: 'MARKETING',
    category_update_timestamp: 1_790_000_000,
  };
  await tell('template_category_update', announced);
  expect(await template()).toMatchObject({
    category: 'UTILITY',
    nextCategory: 'MARKETING',
    nextCategoryAt: new Date(1_790_000_000_000),
  });
  await tell('template_category_update', { previous_category: 'UTILITY', new_category: 'MARKETING' });
  expect(await template()).toMatchObject({ category: 'MARKETING', nextCategory: null, nextCategoryAt: null });
  expect(await campaigns()).toEqual(untouched); // each message asks for consent when it leaves
});

test('words that change at Meta become a new version, and pause what pinned the old one', async ({
  shop,
  simulators,
  db,
  database,
}) => {
  const { tell, metaId, accountId, template, campaigns, wabaId } = await prepare({ shop, simulators, db });
  const before = await template();
  const { graphUrl } = simulators.meta.credentials;
  const token = simulators.meta.createToken({ wabaIds: [wabaId] });
  simulators.meta.set({ templates: { reviewMs: [0, 0] } });
  const components = [{ type: 'BODY', text: 'Other words for you, dear friend of ours.' }];
  await fetch(`${graphUrl}/v25.0/${metaId}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ components }),
  });
  await tell('message_template_components_update', { message_template_element: 'Other words' });
  await using queue = await connect(database.urls.queue);
  const { rows } = await queue.query(`select key from graphile_worker._private_jobs where key like 'templates/sync:%'`);
  expect(rows).toHaveLength(1);
  expect(await campaigns()).toEqual(untouched);
  await syncTemplates(shop, accountId);
  expect((await template()).versionId).not.toBe(before.versionId);
  expect(await campaigns()).toEqual(paused('TEMPLATE_CHANGED'));
});

test('what is not known here never fails, and changes nothing', async ({ shop, simulators, db }) => {
  const { status, tell, template } = await prepare({ shop, simulators, db });
  const before = await template();
  expect(await tell('message_template_status_update', { event: 7 })).toBe(false);
  expect(await tell('some_new_field', { anything: true })).toBe(false);
  expect(await status('APPROVED', { message_template_id: '1', message_template_name: 'other' })).toBe(false);
  await status('FLAGGED');
  expect(await template()).toEqual(before);
  await status('LEVITATING');
  expect(await template()).toMatchObject({ status: 'UNKNOWN' });
});
