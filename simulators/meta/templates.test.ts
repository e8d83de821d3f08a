import { describe, expect, test } from 'vitest';
import { type Json, setStage, type Stage } from '../stage.ts';

const body = (text: string, ...examples: string[]) => ({
  type: 'BODY',
  text,
  ...(examples.length > 0 ? { example: { body_text: [examples] } } : {}),
});
const template = (change: Json = {}) => ({
  name: 'order_update',
  language: 'pt_BR',
  category: 'UTILITY',
  components: [body('Hi {{1}}, order {{2}} shipped.', 'Ana', '42')],
  ...change,
});

const create = (stage: Stage, change: Json = {}) =>
  stage.graph('POST', `${stage.number.wabaId}/message_templates`, template(change));

async function reviewed(stage: Stage, change: Json = {}): Promise<Json> {
  const { id } = (await create(stage, change)).body;
  await stage.meta.settled();
  await expect.poll(() => stage.meta.template(id)?.['status']).not.toBe('PENDING');
  return stage.meta.template(id) ?? {};
}

test('a template is pending, then approved, and the webhook says so with its id as a number', async () => {
  await using stage = await setStage('quiet', { templates: { reviewMs: [60_000, 60_000] } });
  const { body: created } = await create(stage);
  expect(created).toEqual({ id: expect.stringMatching(/^9\d{16}$/), status: 'PENDING', category: 'UTILITY' });
  expect(stage.changes('message_template_status_update')).toEqual([]);
  stage.simulators.advance(60_000);
  await expect.poll(() => stage.changes('message_template_status_update').length).toBe(1);
  expect(stage.changes('message_template_status_update')[0]).toMatchObject({
    event: 'APPROVED',
    message_template_name: 'order_update',
    message_template_language: 'pt_BR',
    reason: 'NONE',
    message_template_category: 'UTILITY',
  });
  expect(stage.received[0]?.bytes.toString()).toContain(`"message_template_id":${created['id']},`);
  expect(stage.received[0]?.json.entry[0]).toMatchObject({ id: stage.number.wabaId, time: expect.any(Number) });
  const one = await stage.graph('GET', `${created['id']}?fields=status,category,components`);
  expect(one.body).toMatchObject({ id: created['id'], status: 'APPROVED', components: template().components });
});

test('a review rejects with a reason, or makes a promotion of a utility', async () => {
  await using stage = await setStage();
  expect(await reviewed(stage, { name: 'reject_me' })).toMatchObject({
    status: 'REJECTED',
    rejected_reason: 'INVALID_FORMAT',
  });
  expect(await reviewed(stage, { name: 'sale', components: [body('Our promo ends today.')] })).toMatchObject({
    status: 'APPROVED',
    category: 'MARKETING',
    previous_category: 'UTILITY',
  });
  await stage.meta.settled();
  const told = stage.changes('message_template_status_update');
  expect(told).toMatchObject([
    { event: 'REJECTED', reason: 'INVALID_FORMAT', rejection_info: { reason: 'INVALID_FORMAT' } },
    { event: 'APPROVED', message_template_category: 'MARKETING' },
  ]);
});

test('a double of an approved template is rejected when the settings say so', async () => {
  await using stage = await setStage('quiet', { templates: { refuseDuplicates: true } });
  expect(await reviewed(stage)).toMatchObject({ status: 'APPROVED' });
  expect(await reviewed(stage, { name: 'again' })).toMatchObject({ status: 'REJECTED' });
});

const header = (text: string, ...examples: string[]) => ({
  type: 'HEADER',
  format: 'text',
  text,
  example: { header_text: examples },
});
const footer = (text: string) => ({ type: 'FOOTER', text });
const buttons = (...list: Json[]) => ({ type: 'BUTTONS', buttons: list });
const reply = (text: string) => ({ type: 'quick_reply', text });
const url = (more: Json = {}) => ({ type: 'URL', text: 'Open', url: 'https://s.example/', ...more });
const fine = body('Plain words.');

describe('what a template may hold', () => {
  test.for<[name: string, change: Json, subcode: number | 'fine' | undefined]>([
    ['the example of the reference', {}, 'fine'],
    ['a name with capitals', { name: 'Order' }, undefined],
    ['a language that does not exist', { language: 'pt' }, undefined],
    ['a category that does not exist', { category: 'SPAM' }, undefined],
    ['no body', { components: [footer('x')] }, 2_388_043],
    ['two bodies', { components: [fine, fine] }, undefined],
    ['a body of 1,024 characters', { components: [body('x'.repeat(1_024))] }, 'fine'],
    ['a longer body', { components: [body('x'.repeat(1_025))] }, 2_388_040],
    ['variables with a gap', { components: [body('Hi {{1}}, order {{3}} shipped.', 'a', 'b')] }, 2_388_072],
    ['a name among numbers', { components: [body('Hi {{1}}, order {{id}} shipped.', 'a', 'b')] }, 2_388_072],
    ['a bracket that is not closed', { components: [body('Hi {{1}, how are you?')] }, 2_388_072],
    ['a variable at the start', { components: [body('{{1}}, your order shipped.', 'Ana')] }, 2_388_299],
    ['a variable at the end', { components: [body('Your order shipped, {{1}}', 'Ana')] }, 2_388_299],
    ['more variables than words', { components: [body('Hi {{1}} {{2}} x.', 'a', 'b')] }, 2_388_293],
    ['no examples', { components: [body('Hi {{1}}, how are you?')] }, 2_388_043],
    ['a header with a variable', { components: [header('Order {{1}}', '42'), fine] }, 'fine'],
    ['a header with two', { components: [header('Order {{1}} {{2}}', '4', '2'), fine] }, 2_388_047],
    ['a header in bold', { components: [header('*Order*'), fine] }, 2_388_047],
    ['a header of 61 characters', { components: [header('x'.repeat(61)), fine] }, 2_388_040],
    ['an image without a sample', { components: [{ type: 'HEADER', format: 'IMAGE' }, fine] }, 2_388_043],
    [
      'an image that was never uploaded',
      { components: [{ type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::x'] } }, fine] },
      2_494_102,
    ],
    ['a location', { components: [{ type: 'HEADER', format: 'LOCATION' }, fine] }, 'fine'],
    ['a footer with a variable', { components: [fine, footer('Hi {{1}}')] }, 2_388_073],
    ['a footer of 61 characters', { components: [fine, footer('x'.repeat(61))] }, 2_388_040],
    ['ten replies', { components: [fine, buttons(...'0123456789'.split('').map(reply))] }, 'fine'],
    ['eleven', { components: [fine, buttons(...'0123456789a'.split('').map(reply))] }, undefined],
    ['a label of 26 characters', { components: [fine, buttons(reply('x'.repeat(26)))] }, 2_388_040],
    ['a link between replies', { components: [fine, buttons(reply('a'), url(), reply('b'))] }, undefined],
    ['three links', { components: [fine, buttons(url(), url(), url())] }, undefined],
    [
      'a link with an end',
      { components: [fine, buttons(url({ url: 'https://s.example/{{1}}', example: ['https://s.example/4'] }))] },
      'fine',
    ],
    [
      'a link with a variable inside',
      { components: [fine, buttons(url({ url: 'https://s.example/{{1}}/x', example: ['4'] }))] },
      undefined,
    ],
    ['a link without an example', { components: [fine, buttons(url({ url: 'https://s.example/{{1}}' }))] }, 2_388_043],
    [
      'a phone',
      { components: [fine, buttons({ type: 'PHONE_NUMBER', text: 'Call', phone_number: '+551140000000' })] },
      'fine',
    ],
    [
      'a coupon',
      { category: 'MARKETING', components: [fine, buttons({ type: 'COPY_CODE', example: 'SAVE20' })] },
      'fine',
    ],
    ['a button that does not exist', { components: [fine, buttons({ type: 'LEVER', text: 'x' })] }, undefined],
    [
      'names',
      {
        parameter_format: 'NAMED',
        components: [
          {
            type: 'BODY',
            text: 'Hi {{first_name}}, how are you?',
            example: { body_text_named_params: [{ param_name: 'first_name', example: 'Ana' }] },
          },
        ],
      },
      'fine',
    ],
    [
      'a one-time code',
      { category: 'AUTHENTICATION', components: [{ type: 'BODY' }, buttons({ type: 'OTP', otp_type: 'COPY_CODE' })] },
      'fine',
    ],
    [
      'a one-time code with words of its own',
      { category: 'AUTHENTICATION', components: [fine, buttons({ type: 'OTP', otp_type: 'COPY_CODE' })] },
      undefined,
    ],
    ['a utility that lives for a minute', { message_send_ttl_seconds: 60 }, 'fine'],
    ['a utility that lives for a day', { message_send_ttl_seconds: 86_400 }, undefined],
  ])('%s', async ([name, change, subcode]) => {
    await using stage = await setStage();
    const { status, body: answer } = await create(stage, change);
    const { code, error_subcode: found, error_user_msg: forPeople } = answer['error'] ?? {};
    expect(status === 200 ? 'fine' : found).toBe(subcode);
    expect(code).toBe(subcode === 'fine' ? undefined : 100);
    // Whatever has a subcode says in words for people what is wrong; a missing body is a mistake of the caller.
    expect(typeof forPeople).toBe(typeof subcode === 'number' && name !== 'no body' ? 'string' : 'undefined');
  });
});

test('a name and language exist once, and a deleted name is blocked for 30 days', async () => {
  await using stage = await setStage();
  await reviewed(stage);
  expect((await create(stage)).body['error'].error_subcode).toBe(2_388_024);
  expect((await create(stage, { language: 'en' })).status).toBe(200);
  const path = `${stage.number.wabaId}/message_templates?name=order_update`;
  expect((await stage.graph('DELETE', path)).body).toEqual({ success: true });
  expect((await create(stage)).body['error'].error_subcode).toBe(2_388_023);
  stage.simulators.advance(30 * 86_400_000);
  expect((await create(stage)).status).toBe(200);
});

test('an account holds 250 templates until its business is verified, and creates 100 an hour', async () => {
  await using stage = await setStage();
  const small = stage.addNumber({ isBusinessVerified: false });
  const createSmall = async (nth: number) => {
    const path = `${small.wabaId}/message_templates`;
    const answer = await stage.graph('POST', path, template({ name: `new_${nth}` }), small.accessToken);
    return answer.status === 200 ? 'created' : (answer.body['error'].error_subcode ?? answer.body['error'].code);
  };
  for (let nth = 0; nth < 99; nth += 1) await createSmall(nth);
  expect([await createSmall(99), await createSmall(100)]).toEqual(['created', 80007]);
  for (let nth = 0; nth < 149; nth += 1) stage.meta.createTemplate(small.wabaId, template({ name: `t${nth}` }));
  stage.simulators.advance(3_600_001);
  expect(await createSmall(101)).toBe(2_388_019);
  stage.addNumber({ wabaId: small.wabaId, isBusinessVerified: true });
  expect(await createSmall(102)).toBe('created');
});

test('a list comes in pages whose cursors survive what is added, and a broken cursor is refused', async () => {
  await using stage = await setStage();
  for (let nth = 0; nth < 60; nth += 1) stage.meta.createTemplate(stage.number.wabaId, template({ name: `t${nth}` }));
  const names: string[] = [];
  let next: string | undefined =
    `${stage.simulators.url}/meta/v25.0/${stage.number.wabaId}/message_templates?fields=name`;
  let pages = 0;
  while (next) {
    const answer = await fetch(next, { headers: { authorization: `Bearer ${stage.number.accessToken}` } });
    const page = (await answer.json()) as { data: { name: string }[]; paging: { next?: string } };
    names.push(...page.data.map(({ name }) => name));
    stage.meta.createTemplate(stage.number.wabaId, template({ name: `later_${pages}` }));
    next = page.paging.next;
    pages += 1;
  }
  expect(pages).toBe(3);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['hello', 't0', 't59']));
  const broken = await stage.graph('GET', `${stage.number.wabaId}/message_templates?after=nonsense`);
  expect(broken.body['error'].code).toBe(131059);
  const some = await stage.graph('GET', `${stage.number.wabaId}/message_templates?limit=5&status=APPROVED&name=t5`);
  expect(some.body['data']).toHaveLength(5);
});

test('an edit is reviewed again, once a day while approved, and not while pending', async () => {
  await using stage = await setStage();
  const { id } = await reviewed(stage);
  const edit = async (change: Json) => {
    const answer = await stage.graph('POST', String(id), change);
    return answer.status === 200 ? 'done' : answer.body['error'].error_subcode;
  };
  expect(await edit({ category: 'MARKETING' })).toBe(2_388_039);
  stage.meta.set({ templates: { reviewMs: [1_000, 1_000] } });
  expect(await edit({ components: [body('Other words.')] })).toBe('done');
  expect(await edit({ components: [body('More words.')] })).toBe(2_388_039);
  stage.simulators.advance(1_000);
  await expect.poll(() => stage.meta.template(id)?.['status']).toBe('APPROVED');
  expect(stage.meta.template(id)?.['components']).toEqual([body('Other words.')]);
  expect(await edit({ components: [body('More words.')] })).toBe(2_388_039);
  stage.simulators.advance(86_400_000);
  expect(await edit({ components: [body('More words.')] })).toBe('done');
});

test('a review that was overtaken says nothing', async () => {
  await using stage = await setStage('quiet', { templates: { reviewMs: [1_000, 1_000] } });
  await create(stage);
  await stage.graph('DELETE', `${stage.number.wabaId}/message_templates?name=order_update`);
  const code = {
    name: 'code',
    category: 'AUTHENTICATION',
    languages: ['en'],
    components: [{ type: 'BODY' }, buttons({ type: 'OTP', otp_type: 'COPY_CODE' })],
  };
  const upsert = () => stage.graph('POST', `${stage.number.wabaId}/upsert_message_templates`, code);
  const { id } = (await upsert()).body['data'][0];
  stage.simulators.advance(600);
  expect((await upsert()).body['data']).toEqual([{ id, status: 'PENDING', language: 'en' }]);
  stage.simulators.advance(600);
  await stage.graph('GET', id);
  expect(stage.meta.template(id)?.['status']).toBe('PENDING');
  stage.simulators.advance(600);
  await expect.poll(() => stage.meta.template(id)?.['status']).toBe('APPROVED');
  await stage.meta.settled();
  const events = stage
    .changes('message_template_status_update')
    .map(({ event, message_template_name: name }) => [name, event]);
  expect(events).toEqual([
    ['order_update', 'PENDING_DELETION'],
    ['code', 'APPROVED'],
  ]);
});

test('bad quality pauses a template for three hours, for six, and then disables it', async () => {
  await using stage = await setStage();
  const { id } = stage.meta.createTemplate(stage.number.wabaId, template());
  const status = () => stage.meta.template(id)?.['status'];
  for (const hours of [3, 6]) {
    stage.meta.changeTemplate(id, { quality: 'RED' });
    expect(status()).toBe('PAUSED');
    stage.simulators.advance(hours * 3_600_000 - 1_000);
    await stage.meta.settled();
    expect(status()).toBe('PAUSED');
    stage.simulators.advance(1_000);
    await expect.poll(status).toBe('APPROVED');
  }
  stage.meta.changeTemplate(id, { quality: 'RED' });
  expect(status()).toBe('DISABLED');
  await stage.meta.settled();
  const titles = stage
    .changes('message_template_status_update')
    .map((value) => (value['other_info'] as { title: string }).title);
  expect(titles).toEqual(['FIRST_PAUSE', 'UNPAUSE', 'SECOND_PAUSE', 'UNPAUSE', 'DISABLED']);
  expect(stage.changes('message_template_quality_update')).toHaveLength(3);
  expect((await stage.graph('DELETE', `${stage.number.wabaId}/message_templates?name=order_update`)).status).toBe(400);
});

test('a template moves to another category and tells from which', async () => {
  await using stage = await setStage();
  const { id } = stage.meta.createTemplate(stage.number.wabaId, template());
  stage.meta.changeTemplate(id, { category: 'MARKETING' });
  await stage.meta.settled();
  expect(stage.changes('template_category_update')).toMatchObject([
    { previous_category: 'UTILITY', new_category: 'MARKETING', message_template_name: 'order_update' },
  ]);
});

test('beyond a volume new marketing is held, and then sent or dropped with its template paused', async () => {
  const pacing = { enabled: true, after: 2, releaseMs: [60_000, 60_000] as [number, number], dropRate: 0 };
  await using stage = await setStage('quiet', { templates: { pacing } });
  const { id } = stage.meta.createTemplate(
    stage.number.wabaId,
    template({ category: 'MARKETING', components: [fine] }),
  );
  const send = async (nth: number) => {
    const answer = await stage.sendHello(`+551198820000${nth}`, {
      template: { name: 'order_update', language: { code: 'pt_BR' } },
    });
    return answer.body['messages'][0].message_status;
  };
  expect([await send(1), await send(2), await send(3)]).toEqual([
    'accepted',
    'accepted',
    'held_for_quality_assessment',
  ]);
  await expect.poll(() => stage.meta.books().statuses.read).toBe(2);
  stage.simulators.advance(60_000);
  await stage.meta.settled();
  expect(stage.meta.books().statuses.read).toBe(3);

  stage.meta.set({ templates: { pacing: { dropRate: 1 } } });
  await send(4);
  stage.simulators.advance(60_000);
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 132015: 1 });
  await expect.poll(() => stage.meta.template(id)?.['status']).toBe('PAUSED');
  expect((await stage.graph('POST', `${id}/unpause`)).body).toEqual({ success: true });
});

test("a one-time code reads back with Meta's words and a URL for a button", async () => {
  await using stage = await setStage();
  const { id } = await reviewed(stage, {
    category: 'AUTHENTICATION',
    components: [
      { type: 'body', add_security_recommendation: true },
      { type: 'footer', code_expiration_minutes: 5 },
      buttons({ type: 'otp', otp_type: 'copy_code', text: 'Copy' }),
    ],
  });
  const { body: told } = await stage.graph('GET', String(id));
  expect(told['components']).toMatchObject([
    { type: 'BODY', text: '*{{1}}* is your verification code. For your security, do not share this code.' },
    { type: 'FOOTER', text: 'This code expires in 5 minutes.' },
    { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Copy' }] },
  ]);
});
