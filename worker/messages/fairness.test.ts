import type pg from 'pg';
import { enqueue } from '../../domain/jobs.ts';
import { sendBulk } from '../../domain/messages/jobs.ts';
import type { Meta } from '../../connectors/whatsapp/meta.ts';
import { type Db, inTenant } from '../../prisma/client.ts';
import { type Simulators, startSimulators } from '../../simulators/start.ts';
import { mutate } from '../../test/ask.ts';
import { makePeople, makePerson, makeSegment } from '../../test/campaigns.ts';
import { expect, globalId, type Person, rawId, vi } from '../../test/fixtures.ts';
import { count, getsOn } from '../../test/fleet/campaigns.ts';
import { type FleetWorker, productionSettings, test as base } from '../../test/fleet/fleet.ts';
import { approveTemplate, connectNumber, metaTo, runCampaign, type TestNumber } from '../../test/sending.ts';

const test = base.extend<{ simulators: Simulators; meta: Meta | null; startWorker: () => Promise<FleetWorker> }>({
  simulators: async ({}, use) => {
    const settings = { magicRecipients: false, statuses: { enabled: false } };
    await using simulators = await startSimulators({ profile: 'quiet', meta: { settings } });
    await use(simulators);
  },
  meta: async ({ simulators }, use) => {
    await using meta = metaTo(simulators);
    await use(meta);
  },
  /** The one worker that there is, with production's settings and four jobs of a lane at a time. */
  startWorker: async ({ fleet, simulators }, use) => {
    const { graphUrl, appId, appSecret, verifyToken } = simulators.meta.credentials;
    const env = {
      ...productionSettings,
      WORKER_CONCURRENCY: '4',
      META_GRAPH_URL: graphUrl,
      META_APP_ID: appId,
      META_APP_SECRET: appSecret,
      META_VERIFY_TOKEN: verifyToken,
    };
    await use(async () => {
      const worker = fleet.start({ main: true, env });
      await worker.up();
      return worker;
    });
  },
});

type Given = { db: Db; simulators: Simulators };

/** A number of 80 messages a second, with a campaign that takes it for a long time. */
async function makeBusy({ db, simulators }: Given, { tenantId }: Person, people: number, from = 0) {
  const number = await connectNumber(db, simulators, tenantId, { throughput: 80 });
  const template = await approveTemplate(db, simulators, number);
  const campaign = await runCampaign(db, number, template, { people, from });
  return { number, template, campaign };
}

const wake = (db: Db, { tenantId, id: numberId }: TestNumber) =>
  inTenant(db, tenantId, (tx) => enqueue(tx, sendBulk, { tenantId, numberId }));

/** Sends one message through the API; gives the milliseconds from the answer until the partner had it. */
async function timeToLeave({ db, simulators }: Given, shop: Person, number: TestNumber, templateId: string) {
  const contactId = await makePerson(db, shop.tenantId);
  const input = {
    numberId: globalId('WhatsAppNumber', number.id),
    contactId: globalId('Contact', contactId),
    template: {
      templateId: globalId('Template', templateId),
      variables: [{ parameter: 'body.1', value: 'Ana' }],
    },
  };
  const { id } = await mutate(shop, 'messageSend', input, '... on Message { id }');
  const answeredAt = Date.now();
  const left = await vi.waitFor(
    () => {
      const found = simulators.meta.messages().find(({ opaque }) => opaque === `${rawId(String(id))}.1`);
      if (!found) throw new Error('It has not left.');
      return found;
    },
    { timeout: 30_000, interval: 50 },
  );
  return Date.parse(left.acceptedAt) - answeredAt;
}

/** Cancels a campaign; gives when that was answered. */
async function cancel(shop: Person, id: string): Promise<number> {
  const input = { campaignId: globalId('Campaign', id) };
  const campaign = await mutate(shop, 'campaignCancel', input, '... on Campaign { status }');
  expect(campaign).toEqual({ __typename: 'Campaign', status: 'CANCELLED' });
  return performance.now();
}

/** No message is so any more, so long after a moment. */
async function expectNone(scratch: pg.Pool, condition: string, since: number, withinMs: number): Promise<void> {
  await expect.poll(() => count(scratch, condition), { timeout: 60_000, interval: 50 }).toBe(0);
  expect(performance.now() - since).toBeLessThan(withinMs);
}

test('while 100,000 messages wait on a number, a single one leaves within two seconds: another tenant’s, and one of the same number', async ({
  db,
  simulators,
  signUp,
  startWorker,
}) => {
  const given = { db, simulators };
  const [big, small] = [await signUp(), await signUp()];
  const { number, template } = await makeBusy(given, big, 100_000);
  const other = await connectNumber(db, simulators, small.tenantId, { throughput: 80 });
  const theirs = await approveTemplate(db, simulators, other);
  await startWorker();
  await wake(db, number);
  await getsOn(simulators, 200);

  for (let time = 0; time < 5; time += 1) {
    expect(await timeToLeave(given, small, other, theirs.id)).toBeLessThan(2_000);
    expect(await timeToLeave(given, big, number, template.id)).toBeLessThan(2_000);
    await getsOn(simulators, 100); // the number is busy all the while
  }
  expect(simulators.meta.books()).toMatchObject({ refused: {}, duplicates: 0 });
}, 180_000);

test('while a tenant’s numbers keep every sender of the fleet busy, another tenant’s ten people are reached within seconds, and what is cancelled is over in five', async ({
  db,
  simulators,
  signUp,
  scratch,
  startWorker,
}) => {
  const given = { db, simulators };
  const [big, small] = [await signUp(), await signUp()];
  const busy: Awaited<ReturnType<typeof makeBusy>>[] = [];
  for (let index = 0; index < 7; index += 1) busy.push(await makeBusy(given, big, 6_000, index * 6_000));
  const number = await connectNumber(db, simulators, small.tenantId, { throughput: 80 });
  const template = await approveTemplate(db, simulators, number);
  await makePeople(db, small.tenantId, 10);
  const draft = {
    name: 'Ten people',
    templateId: globalId('Template', template.id),
    numberId: globalId('WhatsAppNumber', number.id),
    audience: { segmentIds: [globalId('Segment', await makeSegment(db, small.tenantId))] },
    variables: [{ key: 'body.1', field: 'NAME' }],
  };
  const { id: campaignId, ...made } = await mutate(small, 'campaignCreate', draft, '... on Campaign { id }');
  expect(made).toEqual({ __typename: 'Campaign' });
  await startWorker();
  for (const { number: one } of busy) await wake(db, one);
  await getsOn(simulators, 1_500);

  const launched = await mutate(small, 'campaignLaunch', { campaignId }, '... on Campaign { status }');
  expect(launched).toMatchObject({ __typename: 'Campaign' });
  const began = performance.now();
  await expect
    .poll(() => count(scratch, `campaign_id = '${rawId(campaignId)}' and status = 'ACCEPTED'`), {
      timeout: 60_000,
      interval: 100,
    })
    .toBe(10);
  expect(performance.now() - began).toBeLessThan(30_000); // two jobs, each behind two slices of 5 s at worst

  const cancelled = busy[0]?.campaign.id ?? '';
  const endedAt = await cancel(big, cancelled);
  await expectNone(scratch, `campaign_id = '${cancelled}' and due_at is not null`, endedAt, 5_000);
  expect(simulators.meta.books()).toMatchObject({ refused: {}, duplicates: 0 });
}, 180_000);

test('a cancelled campaign of 100,000 sends no more than what was on its way, and that is over in five seconds', async ({
  db,
  shop,
  simulators,
  scratch,
  startWorker,
}) => {
  simulators.meta.set({ latency: { medianMs: 150, p95Ms: 300, maxMs: 1_000 } }); // there is always something on its way
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  const { id } = await runCampaign(db, number, template, { people: 100_000 });
  await startWorker();
  await wake(db, number);
  await getsOn(simulators, 500);

  const endedAt = await cancel(shop, id);
  const onItsWay = await count(scratch, `status = 'DISPATCHING'`);
  const { accepted } = simulators.meta.books();
  expect(onItsWay).toBeGreaterThan(0);
  await expectNone(scratch, `status = 'DISPATCHING'`, endedAt, 5_000);
  await expectNone(scratch, 'due_at is not null', endedAt, 15_000); // none of them will be sent; it is 3 s where nothing else runs
  expect(simulators.meta.books().accepted).toBeLessThanOrEqual(accepted + onItsWay);
  expect(await count(scratch, `status = 'CANCELLED'`)).toBe(100_000 - simulators.meta.books().accepted);
}, 180_000);
