import { inTenant, type Tx } from '../../prisma/client.ts';
import { expect, vi } from '../../test/fixtures.ts';
import { approveTemplate, connectNumber, runCampaign, statuses, test } from '../../test/sending.ts';

test('a campaign reaches everybody once, and is finished when nobody is left', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  const campaign = await runCampaign(db, number, template, { people: 700 });

  expect(await send(number)).toMatchObject({ taken: 700, accepted: 700, why: 'nothing is due' });
  expect(await statuses(db, shop.tenantId)).toEqual({ ACCEPTED: 700 });
  expect(simulators.meta.books()).toMatchObject({ accepted: 700, distinctRecipients: 700, duplicates: 0, refused: {} });
  const { status, finishedAt } = await read(db, shop.tenantId, (tx) =>
    tx.campaign.findFirstOrThrow({ where: { id: campaign.id } }),
  );
  expect(status).toBe('FINISHED');
  expect(finishedAt).not.toBeNull();
});

test('two runs over one number share its messages and its pace', async ({ db, shop, simulators, send }) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 900 });

  const [one, other] = await Promise.all([send(number), send(number)]);
  expect((one?.accepted ?? 0) + (other?.accepted ?? 0)).toBe(900);
  expect(simulators.meta.books()).toMatchObject({ accepted: 900, distinctRecipients: 900, duplicates: 0, refused: {} });
});

test('a number at its limit is used to the full and never past it', async ({ db, shop, simulators, send }) => {
  simulators.meta.set({ limits: { throughput: true } });
  const number = await connectNumber(db, simulators, shop.tenantId, { throughput: 80 });
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 400 });

  const began = performance.now();
  expect(await send(number)).toMatchObject({ accepted: 400 });
  const seconds = (performance.now() - began) / 1_000;
  expect(simulators.meta.books().refused).toEqual({});
  expect(400 / seconds).toBeLessThan(90); // a quarter of a second's tokens may be kept at the start
});

test('an answer that never comes leaves the message in doubt: it is not sent again, and its campaign stays open', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  const campaign = await runCampaign(db, number, template, { people: 3, endings: ['000408', '000409'] });

  expect(await send(number)).toMatchObject({ accepted: 1, unknown: 2 });
  expect(await send(number)).toMatchObject({ taken: 0 });
  expect(await statuses(db, shop.tenantId)).toEqual({ ACCEPTED: 1, UNKNOWN: 2 });
  expect(simulators.meta.books()).toMatchObject({ accepted: 2, duplicates: 0 });
  expect(
    await read(db, shop.tenantId, (tx) => tx.campaign.findFirstOrThrow({ where: { id: campaign.id } })),
  ).toMatchObject({ status: 'RUNNING' });
});

test('a refusal of one person fails that message, and the others go on', async ({ db, shop, simulators, send }) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 50 });
  simulators.meta.refuseNext(132005);

  expect(await send(number)).toMatchObject({ accepted: 49, failed: 1 });
  expect(
    await read(db, shop.tenantId, (tx) => tx.message.findFirstOrThrow({ where: { status: 'FAILED' } })),
  ).toMatchObject({ failureCode: 132005, dueAt: null });
});

test('a number that sends too fast by Meta’s count slows down, and nothing is lost', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 60 });
  simulators.meta.refuseNext(130429, { times: 5 });

  await vi.waitFor(
    async () => {
      await send(number);
      expect(await statuses(db, shop.tenantId)).toEqual({ ACCEPTED: 60 });
    },
    { timeout: 20_000, interval: 200 },
  );
  expect(simulators.meta.books()).toMatchObject({ accepted: 60, duplicates: 0, refused: { 130429: 5 } });
  const pace = await read(db, shop.tenantId, (tx) => tx.numberPace.findFirstOrThrow());
  expect(pace.factor).toBeLessThan(1);
});

test('while Meta is down the breaker keeps all but a few messages out of doubt, and sending goes on by itself', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId, { throughput: 80 });
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 300 });
  simulators.meta.set({ faults: { serverErrorRate: 1 } });
  await send(number, { sliceMs: 3_000 }); // at 80 a second, three seconds without a breaker are 240 messages in doubt
  simulators.meta.set({ faults: { serverErrorRate: 0 } });

  await vi.waitFor(
    async () => {
      await send(number);
      expect((await statuses(db, shop.tenantId))['QUEUED'] ?? 0).toBe(0);
    },
    { timeout: 60_000, interval: 100 },
  );
  const { ACCEPTED = 0, UNKNOWN = 0 } = await statuses(db, shop.tenantId);
  expect(ACCEPTED + UNKNOWN).toBe(300);
  expect(UNKNOWN).toBeGreaterThan(0);
  expect(UNKNOWN).toBeLessThan(80);
});

test('a partner that cannot be reached costs nothing: what could not leave waits', async ({
  db,
  shop,
  simulators,
  send,
  way,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 40 });
  await simulators[Symbol.asyncDispose]();

  const { accepted, unknown } = await send(number, { sliceMs: 1_500 });
  expect({ accepted, unknown }).toEqual({ accepted: 0, unknown: 0 });
  expect(await statuses(db, shop.tenantId)).toEqual({ QUEUED: 40 });
  expect(way.timeoutMs).toBeGreaterThan(0);
});

test.for([
  { code: 190, what: 'an expired token breaks the connection', why: 'CONNECTION_BROKEN' },
  { code: 131031, what: 'a locked account stops all of its numbers', why: 'ACCOUNT_BLOCKED' },
  { code: 80007, what: 'a limit on calls holds the number until it is over', why: 'NUMBER_BLOCKED' },
  { code: 133010, what: 'a number that is not registered stops', why: 'NUMBER_BLOCKED' },
])('$what, and nothing is lost', async ({ code, why }, { db, shop, simulators, send }) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 20 });
  simulators.meta.refuseNext(code, { times: 20 });

  expect(await send(number)).toMatchObject({ accepted: 0, failed: 0, queuedAgain: 20 });
  expect(await send(number)).toMatchObject({ taken: 0, why });
  expect(await statuses(db, shop.tenantId)).toEqual({ QUEUED: 20 });
});

test('a template that Meta pauses stops its campaign, which goes on when it is approved again', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 20 });
  simulators.meta.changeTemplate(template.metaId, { status: 'PAUSED' });

  expect(await send(number)).toMatchObject({ accepted: 0, failed: 0, queuedAgain: 20 });
  expect(await read(db, shop.tenantId, (tx) => tx.template.findFirstOrThrow())).toMatchObject({ status: 'PAUSED' });
  expect(await send(number)).toMatchObject({ taken: 0 });

  simulators.meta.changeTemplate(template.metaId, { status: 'APPROVED' });
  await write(db, shop.tenantId, (tx) =>
    tx.template.updateMany({ where: { tenantId: shop.tenantId }, data: { status: 'APPROVED' } }),
  );
  await vi.waitFor(
    async () => {
      await send(number);
      expect(await statuses(db, shop.tenantId)).toEqual({ ACCEPTED: 20 });
    },
    { timeout: 20_000, interval: 200 },
  );
});

test('a template whose values do not fit pauses its campaign instead of failing everybody', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  const campaign = await runCampaign(db, number, template, { people: 20 });
  await write(db, shop.tenantId, (tx) => tx.$executeRaw`update messages set parameters = '{}'`);

  expect(await send(number)).toMatchObject({ failed: 0, queuedAgain: 20 });
  expect(
    await read(db, shop.tenantId, (tx) => tx.campaign.findFirstOrThrow({ where: { id: campaign.id } })),
  ).toMatchObject({ status: 'PAUSED', blockedReason: 'META_132000' });
  expect(simulators.meta.books().requests).toBe(0);
});

test('consent, blocks, validity and deletions count at the moment of sending', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number, 'MARKETING');
  await runCampaign(db, number, template, { people: 10 });
  await write(db, tenantId, async (tx) => {
    const [optedOut, unasked, blocked, late, gone] = await tx.message.findMany({
      where: { tenantId },
      orderBy: { id: 'asc' },
    });
    const of = (message: { contactId: string | null } | undefined) => ({
      tenantId,
      contactId: message?.contactId ?? '',
    });
    await tx.contactConsent.updateMany({ where: of(optedOut), data: { granted: false } });
    await tx.contactConsent.deleteMany({ where: of(unasked) });
    await tx.contact.updateMany({ where: { tenantId, id: blocked?.contactId ?? '' }, data: { blockedAt: new Date() } });
    await tx.message.updateMany({
      where: { tenantId, id: late?.id ?? '' },
      data: { validUntil: new Date(Date.now() - 1_000) },
    });
    await tx.message.updateMany({ where: { tenantId, id: gone?.id ?? '' }, data: { contactId: null, address: null } });
  });

  expect(await send(number)).toMatchObject({ accepted: 5 });
  const rows = await read(db, tenantId, (tx) =>
    tx.message.findMany({ where: { tenantId }, orderBy: { id: 'asc' }, select: { status: true, reason: true } }),
  );
  expect(rows.slice(0, 5)).toEqual([
    { status: 'SKIPPED', reason: 'OPTED_OUT' },
    { status: 'SKIPPED', reason: 'NO_CONSENT' },
    { status: 'SKIPPED', reason: 'BLOCKED' },
    { status: 'EXPIRED', reason: null },
    { status: 'SKIPPED', reason: 'CONTACT_DELETED' },
  ]);
  expect(rows.slice(5).every(({ status }) => status === 'ACCEPTED')).toBe(true);
});

test('a template that turned MARKETING goes only to those who agreed to marketing', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number, 'UTILITY');
  await runCampaign(db, number, template, { people: 6, consented: false });
  await runCampaign(db, number, template, { people: 4, from: 100 });
  await write(db, tenantId, (tx) => tx.template.updateMany({ where: { tenantId }, data: { category: 'MARKETING' } }));

  expect(await send(number)).toMatchObject({ accepted: 4 });
  expect(await statuses(db, tenantId)).toEqual({ ACCEPTED: 4, SKIPPED: 6 });
  expect(simulators.meta.books().accepted).toBe(4);
});

test('two people who turned out to be one get one message', async ({ db, shop, simulators, send }) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 2 });
  await write(db, tenantId, async (tx) => {
    const [target, source] = await tx.contact.findMany({ where: { tenantId }, orderBy: { id: 'asc' } });
    await tx.contact.updateMany({
      where: { tenantId, id: source?.id ?? '' },
      data: { mergedIntoId: target?.id ?? '' },
    });
  });

  expect(await send(number)).toMatchObject({ accepted: 1 });
  expect(await statuses(db, tenantId)).toEqual({ ACCEPTED: 1, SKIPPED: 1 });
});

test('a portfolio at its limit is used to the last place and not past it; the rest waits', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  simulators.meta.set({ limits: { portfolio: 'sync' } });
  const number = await connectNumber(db, simulators, shop.tenantId, { messagingLimit: 250 });
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 300 });

  expect(await send(number)).toMatchObject({ accepted: 250 });
  expect(await statuses(db, shop.tenantId)).toEqual({ ACCEPTED: 250, QUEUED: 50 });
  expect(simulators.meta.books()).toMatchObject({ accepted: 250, refused: {} });
  const reasons = await read(db, shop.tenantId, (tx) => tx.message.groupBy({ by: ['reason'], _count: true }));
  expect(reasons).toEqual([{ reason: null, _count: 300 }]); // why they wait, the campaign says
  const rows = () => read(db, shop.tenantId, (tx) => tx.$queryRaw`select id, xmin::text from messages order by id`);
  const before = await rows();
  expect(await send(number)).toMatchObject({ taken: 0, why: 'PORTFOLIO_LIMIT' });
  expect(await rows()).toEqual(before); // what waits is not written again and again
});

test('whoever slept through the lease sends nothing more', async ({ db, shop, simulators, send, way }) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 10 });

  const { accepted, queuedAgain } = await send(number, { leaseMs: way.timeoutMs + 1_000, sliceMs: 300 }); // not a moment is left of it
  expect(accepted).toBe(0);
  expect(queuedAgain).toBeGreaterThanOrEqual(10);
  expect(simulators.meta.books().requests).toBe(0);
  expect(await statuses(db, shop.tenantId)).toEqual({ QUEUED: 10 });
});

test('a token that does not open leaves everything in the queue: nothing ends in doubt that never left', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 10 });
  await write(db, shop.tenantId, (tx) => tx.connection.updateMany({ data: { token: 'v1.gone.AAAA.AAAA.AAAA' } }));

  await expect(send(number)).rejects.toThrow();
  expect(await statuses(db, shop.tenantId)).toEqual({ QUEUED: 10 });
  expect(simulators.meta.books().requests).toBe(0);
});

test('a stop leaves nothing half said: what was under way is finished or in doubt', async ({
  db,
  shop,
  simulators,
  send,
}) => {
  simulators.meta.set({ latency: { medianMs: 300, p95Ms: 500, maxMs: 5_000 } });
  const number = await connectNumber(db, simulators, shop.tenantId);
  const template = await approveTemplate(db, simulators, number);
  await runCampaign(db, number, template, { people: 2_000 });

  const stop = new AbortController();
  const running = send(number, { signal: stop.signal });
  await vi.waitFor(() => expect(simulators.meta.books().accepted).toBeGreaterThan(100), { timeout: 20_000 });
  stop.abort();
  await running;
  const { DISPATCHING = 0, ACCEPTED = 0, UNKNOWN = 0 } = await statuses(db, shop.tenantId);
  expect(DISPATCHING).toBe(0);
  expect(ACCEPTED + UNKNOWN).toBeGreaterThanOrEqual(simulators.meta.books().accepted);
});

const read = <T>(db: Parameters<typeof inTenant>[0], tenantId: string, fn: (tx: Tx) => Promise<T>) =>
  inTenant(db, tenantId, fn, { readOnly: true });
const write = <T>(db: Parameters<typeof inTenant>[0], tenantId: string, fn: (tx: Tx) => Promise<T>) =>
  inTenant(db, tenantId, fn);
