import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { createDb, type Db, inTenant } from '../../prisma/client.ts';
import { createLog } from '../../runtime/log.ts';
import { expect, startTestApi, type TestDatabase } from '../../test/fixtures.ts';
import { makeTenant } from '../../test/make.ts';
import { connect } from '../../test/sql.ts';
import {
  applyAll,
  appSecret,
  asMetaWrites,
  delivery,
  envelope,
  makeNumber,
  makeSentMessage,
  newWamid,
  olderSecret,
  post,
  seconds,
  sign,
  test,
  valueOf,
  verifyToken,
} from '../../test/webhooks.ts';
import { createIntake } from './intake.ts';
import { createWebhookMetrics } from './metrics.ts';

const now = () => seconds(Date.now());

async function counts(database: TestDatabase): Promise<{ events: number; unrouted: number; jobs: number }> {
  await using owner = await connect(database.superuserUrl);
  const [row] = await owner.sql<{ events: number; unrouted: number; jobs: number }>`
    select (select count(*)::int from webhook_events) as events, (select count(*)::int from unrouted_events) as unrouted,
      (select count(*)::int from graphile_worker._private_jobs where key like 'webhooks/apply:%') as jobs`;
  return row ?? { events: -1, unrouted: -1, jobs: -1 };
}

const eventsOf = (db: Db, tenantId: string) =>
  inTenant(db, tenantId, (tx) => tx.webhookEvent.findMany({ where: { tenantId }, orderBy: { key: 'asc' } }));

test('Meta’s question whether the address is ours is answered only to the right token', async ({ api }) => {
  const ask = (query: Record<string, string>) =>
    fetch(`${api.url}/webhooks/meta?${new URLSearchParams(query).toString()}`);
  const right = { 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': verifyToken };
  const answer = await ask(right);
  expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([
    200,
    '1158201444',
    'text/plain; charset=utf-8',
  ]);
  for (const wrong of [
    { ...right, 'hub.verify_token': `${verifyToken}x` },
    { ...right, 'hub.mode': 'x' },
    { ...right, 'hub.challenge': '<script>' },
  ]) {
    expect((await ask(wrong)).status).toBe(403);
  }
});

test('a body that Meta did not sign is refused, and nothing of it is stored', async ({ api, db, database }) => {
  const number = await makeNumber(db, await makeTenant(db));
  const body = asMetaWrites(delivery(number, { statuses: [{ id: newWamid(), status: 'sent', timestamp: now() }] }));
  for (const signature of [
    '',
    'sha256=',
    sign(body, 'another secret'),
    sign(`${body} `),
    sign(body).slice(0, -2),
    `sha1=${'0'.repeat(40)}`,
  ]) {
    expect((await post(api, body, signature)).status).toBe(401);
  }
  expect(await counts(database)).toEqual({ events: 0, unrouted: 0, jobs: 0 });
  expect((await post(api, body, sign(body, olderSecret))).status).toBe(200); // while one secret replaces the other
  expect((await post(api, body, sign(body, appSecret))).status).toBe(200);
  expect(await counts(database)).toEqual({ events: 1, unrouted: 0, jobs: 1 });
});

test('a delivery is applied once, however often it comes, and in whatever order', async ({ api, db }) => {
  const number = await makeNumber(db, await makeTenant(db));
  const id = await makeSentMessage(db, number);
  const wamid = newWamid();
  const said = (status: string, at: number) =>
    delivery(number, {
      statuses: [
        {
          id: wamid,
          status,
          timestamp: String(at),
          recipient_id: '5511988887777',
          biz_opaque_callback_data: `${id}.1`,
        },
      ],
    });
  for (const body of [
    said('read', 300),
    said('read', 300),
    said('sent', 100),
    said('delivered', 200),
    said('sent', 100),
  ]) {
    expect((await post(api, body)).status).toBe(200);
    await applyAll(db, number.tenantId);
  }
  const row = await inTenant(db, number.tenantId, (tx) =>
    tx.message.findFirstOrThrow({ where: { tenantId: number.tenantId, id } }),
  );
  expect(row).toMatchObject({ status: 'READ', wamid, openUntil: null });
  expect([row.sentAt, row.deliveredAt, row.readAt].map((at) => at?.getTime())).toEqual([100_000, 200_000, 300_000]);
  const events = await eventsOf(db, number.tenantId);
  expect(events.map(({ dueAt, problem }) => [dueAt, problem])).toEqual([
    [null, null],
    [null, null],
    [null, null],
  ]);
});

test('a body of 3 MB with 1,000 updates is taken and applied; a larger one is refused before it is read', async ({
  api,
  db,
  database,
}) => {
  const number = await makeNumber(db, await makeTenant(db));
  const ids = await inTenant(db, number.tenantId, (tx) =>
    tx.message.createManyAndReturn({
      data: Array.from({ length: 1_000 }, () => ({
        tenantId: number.tenantId,
        numberId: number.numberId,
        direction: 'OUTBOUND',
        type: 'TEMPLATE',
        status: 'DISPATCHING',
        attempt: 1,
        openUntil: new Date(Date.now() + 60_000),
      })),
      select: { id: true },
    }),
  );
  const padding = 'x'.repeat(2_600);
  const statuses = ids.map(({ id }) => ({
    id: newWamid(),
    status: 'delivered',
    timestamp: now(),
    biz_opaque_callback_data: `${id}.1`,
    conversation: { id: padding },
  }));
  const body = asMetaWrites(delivery(number, { statuses }));
  expect(body.length).toBeGreaterThan(2_700_000);
  expect((await post(api, body)).status).toBe(200);
  expect((await applyAll(db, number.tenantId)).applied).toBe(1_000);
  const delivered = await inTenant(db, number.tenantId, (tx) =>
    tx.message.count({ where: { tenantId: number.tenantId, status: 'DELIVERED' } }),
  );
  expect(delivered).toBe(1_000);

  const tooLarge = await post(api, 'x'.repeat(3_500_001));
  expect(tooLarge.status).toBe(413);
  expect((await counts(database)).unrouted).toBe(0);
});

test('what is not understood is kept: unknown fields for the tenant, unknown numbers and unreadable bodies for nobody', async ({
  api,
  db,
  database,
}) => {
  const number = await makeNumber(db, await makeTenant(db));
  expect(
    (await post(api, envelope(number.wabaId, { field: 'a_field_of_2031', value: { news: ['ç', '💐'] } }))).status,
  ).toBe(200);
  expect(
    (
      await post(
        api,
        delivery({ ...number, phoneNumberId: '999000111' }, { messages: [{ id: newWamid(), type: 'text' }] }),
      )
    ).status,
  ).toBe(200);
  expect((await post(api, '{"entry":[')).status).toBe(200);
  expect((await post(api, Buffer.from([0x7b, 0x00, 0xff, 0x7d]))).status).toBe(200);
  expect(await counts(database)).toMatchObject({ events: 1, unrouted: 3 });
  const [event] = await eventsOf(db, number.tenantId);
  expect(event?.kind).toBe('OTHER');
  expect(JSON.parse(event?.payload ?? '')).toMatchObject({ field: 'a_field_of_2031', value: { news: ['ç', '💐'] } });
  expect(await applyAll(db, number.tenantId)).toMatchObject({ taken: 1, failed: 0 });
});

test('an event goes to the tenant of its number, whatever else the body says', async ({ api, db }) => {
  const [ours, theirs] = [await makeNumber(db, await makeTenant(db)), await makeNumber(db, await makeTenant(db))];
  const theirMessage = await makeSentMessage(db, theirs);
  const status = { id: newWamid(), status: 'read', timestamp: now(), biz_opaque_callback_data: `${theirMessage}.1` };
  // Our number in the account of theirs, with the data of their message.
  const body = envelope(theirs.wabaId, {
    field: 'messages',
    value: valueOf(ours, { statuses: [status], tenant_id: theirs.tenantId }),
  });
  expect((await post(api, body)).status).toBe(200);
  await applyAll(db, ours.tenantId);
  expect((await eventsOf(db, ours.tenantId)).map(({ kind, problem }) => `${kind} ${problem}`).toSorted()).toEqual([
    'OTHER null',
    'STATUS NOT_FOUND',
  ]);
  expect(await eventsOf(db, theirs.tenantId)).toEqual([]);
  const message = await inTenant(db, theirs.tenantId, (tx) =>
    tx.message.findFirstOrThrow({ where: { tenantId: theirs.tenantId } }),
  );
  expect(message.status).toBe('DISPATCHING');
});

test('a number that is connected or given up leads elsewhere within seconds', async ({ api, db, database }) => {
  const [before, after] = [await makeNumber(db, await makeTenant(db)), await makeNumber(db, await makeTenant(db))];
  const send = () => post(api, delivery(before, { statuses: [{ id: newWamid(), status: 'sent', timestamp: now() }] }));
  expect((await send()).status).toBe(200);
  await inTenant(
    db,
    before.tenantId,
    (tx) => tx.$queryRaw`select 1 from release_partner_route('META_NUMBER', ${before.phoneNumberId})`,
  );
  await inTenant(
    db,
    after.tenantId,
    (tx) => tx.$queryRaw`select claim_partner_route('META_NUMBER', ${before.phoneNumberId})`,
  );
  await expect
    .poll(async () => ((await send()).status === 200 ? (await eventsOf(db, after.tenantId)).length : -1), {
      timeout: 20_000,
      interval: 200,
    })
    .toBeGreaterThan(0);
  expect((await counts(database)).unrouted).toBe(0);
});

test('while the database is away everything is answered 503, and what Meta delivers again is applied once', async ({
  api,
  db,
  database,
  keys,
  storage,
  clock,
  meta,
}) => {
  const number = await makeNumber(db, await makeTenant(db));
  const id = await makeSentMessage(db, number);
  const status = { id: newWamid(), status: 'delivered', timestamp: now(), biz_opaque_callback_data: `${id}.1` };
  const body = delivery(number, { statuses: [status] });
  const away = new URL(database.urls.app);
  away.port = '1';
  await using lost = createDb(away.href);
  const metrics = createWebhookMetrics(new Registry());
  const intake = createIntake({ db: lost, log: createLog('silent'), metrics });
  const webhooks = { intake, metrics, bodyBytesMax: 3_500_000, heldBytesMax: 50_000_000 };
  await using cutOff = await startTestApi({ db, keys, storage, clock, meta }, { webhooks });
  const answers = await Promise.all([post(cutOff, body), post(cutOff, body), post(cutOff, '{"entry":[')]);
  expect(answers.map((answer) => [answer.status, answer.headers.get('retry-after')])).toEqual([
    [503, '5'],
    [503, '5'],
    [503, '5'],
  ]);
  expect((await counts(database)).events).toBe(0);

  expect((await Promise.all([post(api, body), post(api, body)])).map(({ status }) => status)).toEqual([200, 200]);
  expect(await applyAll(db, number.tenantId)).toMatchObject({ taken: 1, applied: 1 });
});

test('when more is in hand than fits, Meta is asked to come again, and the rest goes through', async ({
  db,
  keys,
  storage,
  clock,
  meta,
}) => {
  const metrics = createWebhookMetrics(new Registry());
  const intake = createIntake({ db, log: createLog('silent'), metrics });
  const webhooks = { intake, metrics, bodyBytesMax: 3_500_000, heldBytesMax: 1_000 };
  await using api = await startTestApi({ db, keys, storage, clock, meta }, { webhooks });
  const number = await makeNumber(db, await makeTenant(db));
  const body = (length: number) =>
    delivery(number, { statuses: [{ id: newWamid(), status: 'sent', timestamp: now(), x: 'x'.repeat(length) }] });
  expect((await post(api, body(2_000))).status).toBe(503);
  expect((await post(api, body(1))).status).toBe(200);
  await intake[Symbol.asyncDispose]();
});

test('many deliveries at once are written together, each answered when its own events are stored, and woken for without a wake-up each', async ({
  api,
  db,
  database,
}) => {
  const numbers = await Promise.all(Array.from({ length: 3 }, async () => makeNumber(db, await makeTenant(db))));
  const one = () => ({ id: newWamid(), status: 'sent', timestamp: now() });
  const answers = await Promise.all(
    Array.from({ length: 150 }, (_, index) => {
      const [a, b] = [numbers[index % 3], numbers[(index + 1) % 3]];
      if (!a || !b) throw new Error('There are three.');
      const changes = [a, b].map((number) => ({
        field: 'messages',
        value: valueOf(number, { statuses: [one(), one()] }),
      }));
      return post(api, envelope(a.wabaId, ...changes));
    }),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(await counts(database)).toMatchObject({ events: 600, jobs: 3 });
});

test('of a tenant that keeps metadata only no text is written down, but a wish to stop is heard', async ({
  api,
  db,
  database,
}) => {
  const tenantId = await makeTenant(db);
  await inTenant(db, tenantId, (tx) => tx.tenant.update({ where: { id: tenantId }, data: { messageTextDays: 0 } }));
  const number = await makeNumber(db, tenantId);
  const from = '5511988887777';
  const secret = `secret-${randomUUID()}`;
  const messages = [
    { id: newWamid(), from, timestamp: now(), type: 'text', text: { body: secret } },
    {
      id: newWamid(),
      from,
      timestamp: now(),
      type: 'image',
      image: { id: '1', mime_type: 'image/png', caption: secret },
    },
    {
      id: newWamid(),
      from,
      timestamp: now(),
      type: 'a_type_of_2031',
      a_type_of_2031: { deep: [{ body: secret }] },
      referral: { body: secret },
    },
    { id: newWamid(), from, timestamp: now(), type: 'text', text: { body: ' Parar! ' } },
  ];
  const contacts = [{ wa_id: from, profile: { name: 'Ana' } }];
  expect((await post(api, delivery(number, { contacts, messages, something_new: secret }))).status).toBe(200);
  expect(
    (
      await post(
        api,
        envelope(number.wabaId, {
          field: 'smb_message_echoes',
          value: valueOf(number, { message_echoes: [{ text: secret }] }),
        }),
      )
    ).status,
  ).toBe(200);
  await applyAll(db, tenantId);
  await using owner = await connect(database.superuserUrl);
  const [found] = await owner.sql<{ count: number }>`
    select (select count(*) from webhook_events where payload like ${`%${secret}%`}) + (select count(*) from messages where content is not null)::int as count`;
  expect(Number(found?.count)).toBe(0);
  const rows = await inTenant(db, tenantId, (tx) =>
    tx.message.findMany({ where: { tenantId }, include: { contact: { include: { consents: true } } } }),
  );
  expect(rows.map(({ type }) => type).sort()).toEqual(['A_TYPE_OF_2031', 'IMAGE', 'TEXT', 'TEXT']);
  expect(rows[0]?.contact?.consents).toMatchObject([
    { purpose: 'MARKETING', channel: 'WHATSAPP', granted: false, source: 'PERSON' },
  ]);
});

test('what Meta says of templates, accounts and numbers reaches them', async ({ api, db }) => {
  const number = await makeNumber(db, await makeTenant(db));
  const { tenantId, wabaId } = number;
  const metaId = '123456789012345678901'; // comes as a JSON number that no JavaScript number holds
  await inTenant(db, tenantId, async (tx) => {
    const { id: accountId } = await tx.whatsAppAccount.findFirstOrThrow({ where: { tenantId } });
    const template = {
      tenantId,
      accountId,
      metaId,
      name: 'x',
      language: 'en',
      category: 'UTILITY',
      status: 'APPROVED',
    };
    await tx.template.create({ data: template });
  });
  const paused = {
    event: 'PAUSED',
    message_template_id: 'META_ID',
    message_template_name: 'x',
    message_template_language: 'en',
    reason: 'NONE',
  };
  const locked = { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE', waba_ban_date: '2026-11-22' } };
  const body = asMetaWrites(
    envelope(
      wabaId,
      { field: 'message_template_status_update', value: paused },
      { field: 'account_update', value: locked },
    ),
  ).replace('"META_ID"', metaId);
  expect((await post(api, body)).status).toBe(200);
  expect(await applyAll(db, tenantId)).toMatchObject({ taken: 2, failed: 0 });
  const [template, account] = await inTenant(db, tenantId, async (tx) => [
    await tx.template.findFirstOrThrow({ where: { tenantId } }),
    await tx.whatsAppAccount.findFirstOrThrow({ where: { tenantId } }),
  ]);
  expect(template.status).toBe('PAUSED');
  expect(account.blockedReason).not.toBeNull();
});
