import { expect, test } from 'vitest';
import { setStage, signatureOf, until } from '../stage.ts';

test('a webhook is signed over the exact bytes, which escape slashes and everything beyond ASCII in lowercase', async () => {
  await using stage = await setStage();
  const text = 'é/ï 👩‍🚀 مرحبا \u0000\u0001\u001f \u007f "quoted" \\ end';
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' }, { text });
  await stage.meta.settled();
  const [post] = stage.received;
  expect(post?.headers['x-hub-signature-256']).toBe(
    signatureOf(stage.meta.credentials.appSecret, post?.bytes ?? Buffer.alloc(0)),
  );
  const raw = post?.bytes.toString('latin1') ?? '';
  expect(raw).toContain(String.raw`\u00e9\/\u00ef \ud83d\udc69\u200d\ud83d\ude80`);
  expect(raw).toContain(String.raw`\u0000\u0001\u001f \u007f`);
  expect(raw).not.toMatch(/[^\x20-\x7E]/);
  expect(raw.replaceAll(String.raw`\/`, '')).not.toContain('/');
  expect(stage.changes()[0]?.messages?.[0]?.['text']).toEqual({ body: text });
  expect(signatureOf(stage.meta.credentials.appSecret, Buffer.from(JSON.stringify(post?.json)))).not.toBe(
    post?.headers['x-hub-signature-256'],
  );
});

test('a bad signature is sent when asked for', async () => {
  await using stage = await setStage();
  stage.meta.set({ webhooks: { badSignature: true } });
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  await stage.meta.settled();
  const [post] = stage.received;
  expect(post?.headers['x-hub-signature-256']).toMatch(/^sha256=[\da-f]{64}$/);
  expect(post?.headers['x-hub-signature-256']).not.toBe(
    signatureOf(stage.meta.credentials.appSecret, post?.bytes ?? Buffer.alloc(0)),
  );
});

test('what is not answered 200 comes again, with the same bytes and signature, until it is', async () => {
  await using stage = await setStage();
  stage.answerWith((nth) => [500, 301, 204, 404][nth - 1] ?? 200);
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  await stage.meta.settled();
  expect(stage.received).toHaveLength(5);
  expect(new Set(stage.received.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1);
  expect(new Set(stage.received.map(({ headers }) => headers['x-hub-signature-256'])).size).toBe(1);
  expect(stage.meta.books().webhooks).toMatchObject({ delivered: 1, failed: 4, pending: 0, posts: 5 });
});

test('retries follow the clock of the simulator and end after seven days', async () => {
  await using stage = await setStage('quiet', { webhooks: { retryMs: [0, 60_000, 86_400_000] } });
  stage.answerWith(() => 500);
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  await until(() => stage.meta.books().webhooks.failed === 2);
  stage.simulators.advance(60_000);
  await until(() => stage.meta.books().webhooks.failed === 3);
  for (let day = 1; day <= 6; day += 1) {
    stage.simulators.advance(86_400_000);
    await until(() => stage.meta.books().webhooks.failed === 3 + day);
  }
  stage.simulators.advance(86_400_000);
  await until(() => stage.meta.books().webhooks.abandoned === 1);
  expect(stage.meta.books().webhooks.pending).toBe(0);
});

test('a receiver that is down gets everything once it is back', async () => {
  await using stage = await setStage();
  stage.meta.set({ webhooks: { url: 'http://127.0.0.1:9/nobody' } });
  await stage.sendHello('+5511988880001');
  await until(() => stage.meta.books().webhooks.failed > 0);
  expect(stage.meta.books().webhooks).toMatchObject({ delivered: 0, pending: 3 });
  stage.meta.set({ webhooks: { url: stage.webhookUrl } });
  await stage.sendHello('+5511988880002');
  await until(() => stage.meta.books().webhooks.delivered === 3);
  expect(stage.meta.books().webhooks.pending).toBe(3); // what was meant for the old URL is still tried there
});

test('an account that was not subscribed gets no webhooks, and its neighbour does', async () => {
  await using stage = await setStage();
  const silent = stage.addNumber({ isSubscribed: false });
  stage.meta.inbound(silent.phoneNumberId, { phone: '+5511988887777' });
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  await stage.meta.settled();
  expect(stage.received.flatMap(({ json }) => json.entry.map(({ id }) => id))).toEqual([stage.number.wabaId]);
  expect(stage.meta.books().webhooks.dropped).toBe(1);
});

test('one POST carries up to 1,000 updates of several accounts, and no more', async () => {
  await using stage = await setStage('quiet', { webhooks: { paused: true } });
  const other = stage.addNumber();
  for (let nth = 0; nth < 1_200; nth += 1)
    stage.meta.inbound((nth % 2 ? other : stage.number).phoneNumberId, { phone: `+55119${nth}00001` });
  stage.meta.set({ webhooks: { paused: false } });
  await stage.meta.settled();
  const sizes = stage.received.map(({ json }) => json.entry.flatMap(({ changes }) => changes).length);
  expect(sizes).toEqual([1_000, 200]);
  expect(stage.received[0]?.json.entry.map(({ id }) => id).toSorted()).toEqual(
    [stage.number.wabaId, other.wabaId].toSorted(),
  );
});

test('a POST stays below its most bytes', async () => {
  await using stage = await setStage('quiet', { webhooks: { paused: true, bytesMax: 20_000 } });
  for (let nth = 0; nth < 100; nth += 1)
    stage.meta.inbound(stage.number.phoneNumberId, { phone: `+5511900${nth}001` }, { text: 'ü'.repeat(100) });
  stage.meta.set({ webhooks: { paused: false } });
  await stage.meta.settled();
  expect(stage.received.length).toBeGreaterThan(3);
  expect(Math.max(...stage.received.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(20_000);
  expect(stage.changes()).toHaveLength(100);
});

test('statuses come twice and out of order when asked for, and tell the true times', async () => {
  await using stage = await setStage('quiet', {
    webhooks: { swapRate: 1, duplicateRate: 1 },
    statuses: { sentMs: [1, 1], delivered: { medianMs: 30, p95Ms: 30, maxMs: 30 }, readRate: 0 },
  });
  await stage.sendHello('+5511988887777');
  await stage.meta.settled();
  const told = stage.statuses().map(({ status }) => status);
  expect(told[0]).toBe('delivered');
  expect(told.toSorted()).toEqual(['delivered', 'delivered', 'sent', 'sent']);
  const at = (wanted: string) => Number(stage.statuses().find(({ status }) => status === wanted)?.timestamp);
  expect(at('sent')).toBeLessThanOrEqual(at('delivered'));
  expect(stage.meta.books().statuses).toEqual({ sent: 1, delivered: 1, read: 0, failed: 0 });
});

test('a status is taken before the send is answered, when asked for', async () => {
  await using stage = await setStage('quiet', { webhooks: { beforeAnswerRate: 1 } });
  const { body } = await stage.sendHello('+5511988887777');
  expect(stage.statuses()[0]).toMatchObject({ id: body['messages'][0].id, status: 'sent' });
});

test('a callback is verified by the handshake, and then gets the fields that were asked for', async () => {
  await using stage = await setStage();
  const { appId, appSecret } = stage.meta.credentials;
  stage.meta.set({ webhooks: { url: '' } });
  const subscribe = (verifyToken: string) =>
    stage.graph(
      'POST',
      `${appId}/subscriptions`,
      {
        object: 'whatsapp_business_account',
        callback_url: stage.webhookUrl,
        verify_token: verifyToken,
        fields: 'messages',
      },
      `${appId}|${appSecret}`,
    );
  expect((await subscribe('wrong')).body['error'].code).toBe(2200);
  expect((await subscribe('right')).body).toEqual({ success: true });
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  stage.meta.preference(stage.number.phoneNumberId, { phone: '+5511988887777' }, 'stop');
  await stage.meta.settled();
  expect(stage.changes('messages')).toHaveLength(1);
  expect(stage.changes('user_preferences')).toEqual([]);
});

test('an override of the account goes before the callback of the app, for messages only', async () => {
  await using stage = await setStage();
  stage.meta.set({ webhooks: { url: 'http://127.0.0.1:9/nobody' } });
  const path = `${stage.number.wabaId}/subscribed_apps`;
  const override = { override_callback_uri: stage.webhookUrl, verify_token: 'right' };
  expect((await stage.graph('POST', path, { ...override, verify_token: 'wrong' })).body['error'].code).toBe(2200);
  await stage.graph('POST', path, override);
  stage.meta.event({ field: 'account_review_update', value: { decision: 'APPROVED' }, wabaId: stage.number.wabaId });
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  await until(() => stage.changes().length === 1);
  expect(stage.changes('account_review_update')).toEqual([]);
});

test('who has only a username is told of without a number, and everybody with a business-scoped id', async () => {
  await using stage = await setStage();
  await stage.sendHello('+5511988000777');
  await stage.sendHello('+5511988887777');
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988000777' });
  await stage.meta.settled();
  expect(JSON.stringify(stage.received.map(({ json }) => json))).not.toContain('5511988000777');
  const bsuid = stage.meta.bsuid(stage.number.phoneNumberId, '+5511988000777');
  const own = stage.statuses().filter((status) => status['recipient_user_id'] === bsuid);
  expect(own.map((status) => [status.status, status['recipient_id']])).toEqual([
    ['sent', undefined],
    ['delivered', undefined],
    ['read', undefined],
  ]);
  const seen = stage.statuses().find((status) => status['recipient_id'] === '5511988887777');
  expect(seen?.['recipient_user_id']).toMatch(/^BR\.\d+$/);
  const inbound = stage.changes().find(({ messages }) => messages);
  expect(inbound?.contacts?.[0]).toMatchObject({ user_id: bsuid, profile: { username: expect.any(String) } });
  expect(inbound?.messages?.[0]).toMatchObject({ from_user_id: bsuid });
});

test('who wants no more says so in a message and as a preference, and marketing to them fails', async () => {
  await using stage = await setStage();
  stage.meta.createTemplate(stage.number.wabaId, {
    name: 'sale',
    language: 'en',
    category: 'MARKETING',
    components: [{ type: 'BODY', text: 'All shoes are cheaper today.' }],
  });
  const sale = { template: { name: 'sale', language: { code: 'en' } } };
  await stage.sendHello('+5511988000555', sale);
  await until(() => stage.changes('user_preferences').length === 1);
  expect(stage.changes('user_preferences')[0]?.['user_preferences']).toMatchObject([
    { wa_id: '5511988000555', category: 'marketing_messages', value: 'stop' },
  ]);
  expect(stage.changes().find(({ messages }) => messages)?.messages?.[0]).toMatchObject({ text: { body: 'STOP' } });
  await stage.sendHello('+5511988000555', sale);
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 131050: 1 });
});
