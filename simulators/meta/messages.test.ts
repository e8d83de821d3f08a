import { describe, expect, test } from 'vitest';
import { hello, type Json, setStage, type Stage } from '../stage.ts';

/** Sends into an open window, so that only the content decides. */
async function refusalOf(stage: Stage, message: Json): Promise<unknown> {
  const { status, body } = await stage.send({ to: '+5511988887777', ...message });
  return status === 200 ? 'accepted' : body['error'].code;
}

test('an accepted message is answered with its recipient and a new id each time', async () => {
  await using stage = await setStage();
  const first = await stage.sendHello('+55 (11) 98888-7777');
  const second = await stage.sendHello('+55 (11) 98888-7777');
  expect(first.status).toBe(200);
  expect(first.body).toEqual({
    messaging_product: 'whatsapp',
    contacts: [{ input: '+55 (11) 98888-7777', wa_id: '5511988887777' }],
    messages: [{ id: expect.stringMatching(/^wamid\.[\w+/]{32}$/), message_status: 'accepted' }],
  });
  expect(second.body['messages'][0].id).not.toBe(first.body['messages'][0].id);
});

test('a message to a business-scoped id reaches its person, and the answer tells no number', async () => {
  await using stage = await setStage();
  const recipient = stage.meta.bsuid(stage.number.phoneNumberId, '+5511988887777');
  const { body } = await stage.send({ recipient, type: 'template', template: hello });
  expect(body['contacts']).toEqual([{ input: recipient, user_id: recipient }]);
  expect([...stage.meta.messages()][0]?.recipient).toBe('5511988887777');
  const foreign = stage.meta.bsuid(stage.addNumber().phoneNumberId, '+5511988887777');
  expect(await refusalOf(stage, { to: undefined, recipient: foreign, type: 'template', template: hello })).toBe(131009);
});

test('a free-form message outside the window is accepted and then fails; inside it arrives for free', async () => {
  await using stage = await setStage();
  const text = { to: '+5511988887777', type: 'text', text: { body: 'Olá' } };
  await stage.send(text);
  stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  await stage.send(text);
  stage.simulators.advance(25 * 3_600_000);
  await stage.send(text);
  await stage.meta.settled();
  expect([...stage.meta.messages()].map(({ status, errorCode }) => [status, errorCode])).toEqual([
    ['failed', 131047],
    ['read', undefined],
    ['failed', 131047],
  ]);
  expect(stage.statuses().find(({ status }) => status === 'sent')?.['pricing']).toEqual({
    billable: false,
    pricing_model: 'PMP',
    type: 'free_customer_service',
    category: 'service',
  });
});

const text = (body: unknown) => ({ type: 'text', text: { body } });
const buttons = (...titles: string[]) => ({
  type: 'interactive',
  interactive: {
    type: 'button',
    body: { text: 'Choose' },
    action: { buttons: titles.map((title) => ({ type: 'reply', reply: { id: title, title } })) },
  },
});

describe('what a free-form message may say', () => {
  test.for<[name: string, message: Json, code: number | 'accepted']>([
    ['a text', text('Olá'), 'accepted'],
    ['a text of 4,096 characters', text('x'.repeat(4_096)), 'accepted'],
    ['a longer text', text('x'.repeat(4_097)), 100],
    ['a text without a body', { type: 'text', text: {} }, 131008],
    ['a text that is a number', text(5), 100],
    ['no content', { type: 'image' }, 131008],
    ['a type that does not exist', { type: 'hologram', hologram: {} }, 131051],
    ['an image by link', { type: 'image', image: { link: 'https://shop.example/a.png' } }, 'accepted'],
    ['an image by id and link', { type: 'image', image: { link: 'https://shop.example/a.png', id: '1' } }, 131009],
    ['an image by neither', { type: 'image', image: {} }, 131008],
    ['an image that was never uploaded', { type: 'image', image: { id: '1' } }, 100],
    ['a caption on a voice note', { type: 'audio', audio: { link: 'https://a.example/a.ogg', caption: 'x' } }, 100],
    ['a location', { type: 'location', location: { latitude: '-23.5', longitude: -46.6 } }, 'accepted'],
    ['a location beyond the pole', { type: 'location', location: { latitude: 91, longitude: 0 } }, 131009],
    ['a card with one name only', { type: 'contacts', contacts: [{ name: { formatted_name: 'Ana' } }] }, 131009],
    ['a reaction without an emoji', { type: 'reaction', reaction: { message_id: 'wamid.x' } }, 131008],
    ['three buttons', buttons('a', 'b', 'c'), 'accepted'],
    ['four buttons', buttons('a', 'b', 'c', 'd'), 131009],
    ['two buttons with one title', buttons('a', 'a'), 131009],
    ['a button of 21 characters', buttons('x'.repeat(21)), 131009],
    ['opaque data of 512 characters', { ...text('x'), biz_opaque_callback_data: 'x'.repeat(512) }, 'accepted'],
    ['opaque data of 513 characters', { ...text('x'), biz_opaque_callback_data: 'x'.repeat(513) }, 100],
    ['no product', { ...text('x'), messaging_product: undefined }, 100],
    ['the sender itself', { ...text('x'), to: '+551140000099' }, 131021],
    ['no recipient', { ...text('x'), to: undefined }, 100],
    ['a recipient that is no number', { ...text('x'), to: 'Ana' }, 100],
    ['a group', { ...text('x'), recipient_type: 'group' }, 100],
  ])('%s', async ([, message, code]) => {
    await using stage = await setStage();
    const from = stage.addNumber({ displayNumber: '+55 11 4000-0099' });
    stage.meta.inbound(from.phoneNumberId, { phone: '+5511988887777' });
    const { status, body } = await stage.send({ to: '+5511988887777', ...message }, from);
    expect(status === 200 ? 'accepted' : body['error'].code).toBe(code);
    expect(stage.meta.books().accepted).toBe(code === 'accepted' ? 1 : 0);
  });
});

const order = {
  name: 'order',
  language: 'pt_BR',
  category: 'UTILITY',
  components: [
    { type: 'HEADER', format: 'TEXT', text: 'Pedido {{1}}', example: { header_text: ['42'] } },
    { type: 'BODY', text: 'Olá {{1}}, o pedido {{2}} saiu.', example: { body_text: [['Ana', '42']] } },
    {
      type: 'BUTTONS',
      buttons: [
        { type: 'URL', text: 'Ver', url: 'https://s.example/t/{{1}}', example: ['https://s.example/t/42'] },
        { type: 'QUICK_REPLY', text: 'Parar' },
      ],
    },
  ],
};
const texts = (type: string, ...values: string[]) => ({
  type,
  parameters: values.map((value) => ({ type: 'text', text: value })),
});
const link = { type: 'button', sub_type: 'url', index: '0', parameters: [{ type: 'text', text: '42' }] };
const full = [texts('header', '42'), texts('body', 'Ana', '42'), link];

describe('what a template must be given', () => {
  test.for<[name: string, components: unknown[], code: number | 'accepted']>([
    ['all of it', full, 'accepted'],
    [
      'a reply with its payload',
      [
        ...full,
        { type: 'button', sub_type: 'quick_reply', index: 1, parameters: [{ type: 'payload', payload: 'STOP' }] },
      ],
      'accepted',
    ],
    ['nothing', [], 132000],
    ['a body too short', [full[0], texts('body', 'Ana'), link], 132000],
    ['a body too long', [full[0], texts('body', 'Ana', '42', '43'), link], 132000],
    ['no header', [full[1], link], 132000],
    [
      'an image for a text',
      [
        full[0],
        {
          type: 'body',
          parameters: [
            { type: 'text', text: 'Ana' },
            { type: 'image', image: { link: 'https://a.example/a.png' } },
          ],
        },
        link,
      ],
      132012,
    ],
    ['an empty text', [full[0], texts('body', 'Ana', ''), link], 131008],
    ['a line break', [full[0], texts('body', 'Ana', '4\n2'), link], 132018],
    ['five spaces', [full[0], texts('body', 'Ana', '4     2'), link], 132018],
    ['a rendered body of more than 1,024 characters', [full[0], texts('body', 'x'.repeat(1_020), '42'), link], 132005],
    ['a rendered header of more than 60 characters', [texts('header', 'x'.repeat(54)), full[1], link], 132005],
    ['no end for the URL', [full[0], full[1]], 131008],
    ['a button that is not there', [...full, { ...link, index: '7' }], 132018],
    ['a button of another kind', [...full, { ...link, index: '1' }], 132018],
  ])('%s', async ([, components, code]) => {
    await using stage = await setStage();
    stage.meta.createTemplate(stage.number.wabaId, order);
    const template = { name: 'order', language: { code: 'pt_BR' }, components };
    expect(await refusalOf(stage, { type: 'template', template })).toBe(code);
    const rendered = [...stage.meta.messages()].map(({ text }) => text);
    expect(rendered).toEqual(code === 'accepted' ? ['Olá Ana, o pedido 42 saiu.'] : []);
  });
});

test('named parameters go by their names, in any order', async () => {
  await using stage = await setStage();
  stage.meta.createTemplate(stage.number.wabaId, {
    name: 'named',
    language: 'en',
    category: 'UTILITY',
    parameter_format: 'NAMED',
    components: [
      {
        type: 'BODY',
        text: 'Hi {{first_name}}, order {{order_id}} shipped.',
        example: {
          body_text_named_params: [
            { param_name: 'first_name', example: 'Ana' },
            { param_name: 'order_id', example: '42' },
          ],
        },
      },
    ],
  });
  const sendNamed = (...given: [string | undefined, string][]) =>
    refusalOf(stage, {
      type: 'template',
      template: {
        name: 'named',
        language: { code: 'en' },
        components: [
          {
            type: 'body',
            parameters: given.map(([name, value]) => ({ type: 'text', parameter_name: name, text: value })),
          },
        ],
      },
    });
  expect(await sendNamed(['order_id', '42'], ['first_name', 'Ana'])).toBe('accepted');
  expect([...stage.meta.messages()][0]?.text).toBe('Hi Ana, order 42 shipped.');
  expect(await sendNamed(['order_id', '42'], ['name', 'Ana'])).toBe(132018);
  expect(await sendNamed(['order_id', '42'], [undefined, 'Ana'])).toBe(132012);
});

test('a template is sent only while it is approved', async () => {
  await using stage = await setStage();
  const { id } = stage.meta.createTemplate(stage.number.wabaId, order);
  const template = { name: 'order', language: { code: 'pt_BR' }, components: full };
  const states = { PENDING: 132001, REJECTED: 132001, PAUSED: 132015, DISABLED: 132016, APPROVED: 'accepted' } as const;
  for (const [status, code] of Object.entries(states)) {
    stage.meta.changeTemplate(id, { status: status as keyof typeof states });
    expect(await refusalOf(stage, { type: 'template', template }), status).toBe(code);
  }
  expect(await refusalOf(stage, { type: 'template', template: { ...template, language: { code: 'en' } } })).toBe(
    132001,
  );
  expect(await refusalOf(stage, { type: 'template', template: { ...template, name: 'none' } })).toBe(132001);
});

test('an image header needs an image, and a dead link fails later', async () => {
  await using stage = await setStage();
  const { appId } = stage.meta.credentials;
  const { body: upload } = await stage.graph(
    'POST',
    `${appId}/uploads?file_name=a.png&file_length=4&file_type=image/png`,
  );
  const done = await fetch(`${stage.simulators.url}/meta/v25.0/${upload['id']}`, {
    method: 'POST',
    headers: { authorization: `OAuth ${stage.number.accessToken}`, file_offset: '0' },
    body: 'abcd',
  });
  const { h } = (await done.json()) as { h: string };
  stage.meta.createTemplate(stage.number.wabaId, {
    name: 'picture',
    language: 'en',
    category: 'MARKETING',
    components: [
      { type: 'HEADER', format: 'IMAGE', example: { header_handle: [h] } },
      { type: 'BODY', text: 'Look at this.' },
    ],
  });
  const withHeader = (parameter?: Json) =>
    refusalOf(stage, {
      type: 'template',
      template: {
        name: 'picture',
        language: { code: 'en' },
        ...(parameter ? { components: [{ type: 'header', parameters: [parameter] }] } : {}),
      },
    });
  expect(await withHeader()).toBe(132012);
  expect(await withHeader({ type: 'video', video: { link: 'https://a.example/v.mp4' } })).toBe(132012);
  expect(await withHeader({ type: 'image', image: { link: 'https://a.example/p.png' } })).toBe('accepted');
  expect(await withHeader({ type: 'image', image: { link: 'https://dead.invalid/p.png' } })).toBe('accepted');
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 131053: 1 });
});

test('one-time codes need their button, and a phone number', async () => {
  await using stage = await setStage();
  stage.meta.createTemplate(stage.number.wabaId, {
    name: 'code',
    language: 'en',
    category: 'AUTHENTICATION',
    components: [
      { type: 'BODY', add_security_recommendation: true },
      { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE' }] },
    ],
  });
  const template = {
    name: 'code',
    language: { code: 'en' },
    components: [texts('body', '1234'), { ...link, parameters: [{ type: 'text', text: '1234' }] }],
  };
  expect(await refusalOf(stage, { type: 'template', template })).toBe('accepted');
  expect(
    await refusalOf(stage, { type: 'template', template: { ...template, components: [template.components[0]] } }),
  ).toBe(131008);
  const recipient = stage.meta.bsuid(stage.number.phoneNumberId, '+5511988887777');
  expect(await refusalOf(stage, { to: undefined, recipient, type: 'template', template })).toBe(131062);
});

describe('what of a number or its account forbids every send', () => {
  test.for<[name: string, code: number, change: (stage: Stage) => void]>([
    ['not registered', 133010, ({ meta, number }) => meta.changeNumber(number.phoneNumberId, { isRegistered: false })],
    [
      'in maintenance',
      131057,
      ({ meta, number }) => meta.changeNumber(number.phoneNumberId, { maintenanceUntil: Infinity }),
    ],
    ['banned', 131031, ({ meta, number }) => meta.changeNumber(number.phoneNumberId, { status: 'BANNED' })],
    ['restricted', 368, ({ meta, number }) => meta.changeNumber(number.phoneNumberId, { status: 'RESTRICTED' })],
    ['disconnected', 131045, ({ meta, number }) => meta.changeNumber(number.phoneNumberId, { status: 'DISCONNECTED' })],
    ['locked', 131031, ({ meta, number }) => meta.changeAccount(number.wabaId, { isLocked: true })],
    ['an expired token', 190, ({ meta, number }) => meta.changeToken(number.accessToken, 'expired')],
    ['a revoked token', 190, ({ meta, number }) => meta.changeToken(number.accessToken, 'revoked')],
    [
      'taken back by the business',
      10,
      ({ meta, number }) =>
        meta.event({ field: 'account_update', value: { event: 'PARTNER_REMOVED' }, wabaId: number.wabaId }),
    ],
    [
      'restricted to answers',
      368,
      ({ meta, number }) =>
        meta.event({ field: 'account_update', value: { event: 'ACCOUNT_RESTRICTION' }, wabaId: number.wabaId }),
    ],
    [
      'disabled',
      131031,
      ({ meta, number }) =>
        meta.event({
          field: 'account_update',
          value: { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE' } },
          wabaId: number.wabaId,
        }),
    ],
  ])('%s: %i', async ([, code, change]) => {
    await using stage = await setStage();
    change(stage);
    expect((await stage.sendHello('+5511988887777')).body['error'].code).toBe(code);
    expect(stage.meta.books()).toMatchObject({ accepted: 0, refused: { [code]: 1 } });
  });
});

test('who asks without a token, with a foreign one or without the right is refused', async () => {
  await using stage = await setStage();
  const other = stage.addNumber();
  const path = `${stage.number.phoneNumberId}/messages`;
  const code = async (token: string) => {
    const { status, body } = await stage.graph('POST', path, { messaging_product: 'whatsapp' }, token);
    return [status, body['error'].code, body['error'].error_subcode];
  };
  expect(await code('')).toEqual([403, 200, undefined]);
  expect(await code('nonsense')).toEqual([401, 190, undefined]);
  expect(await code(other.accessToken)).toEqual([400, 100, 33]);
  const narrow = stage.meta.createToken({ wabaIds: [stage.number.wabaId], scopes: ['whatsapp_business_management'] });
  expect(await code(narrow)).toEqual([403, 200, undefined]);
  const short = stage.meta.createToken({ wabaIds: [stage.number.wabaId], expiresAt: new Date(Date.now() - 1_000) });
  expect(await code(short)).toEqual([401, 190, 463]);
  expect((await stage.graph('POST', '123/messages', {})).body['error']).toMatchObject({ code: 100, error_subcode: 33 });
});

test('a number for tests writes to its list only, and a payment that is missing shows later', async () => {
  await using stage = await setStage();
  const trial = stage.addNumber({ allowedRecipients: ['+5511988887777'] });
  expect((await stage.sendHello('+5511988887778', {}, trial)).body['error'].code).toBe(131030);
  expect((await stage.sendHello('+5511988887777', {}, trial)).status).toBe(200);
  stage.meta.changeAccount(trial.wabaId, { hasPayment: false });
  await stage.sendHello('+5511988887777', {}, trial);
  await stage.meta.settled();
  expect(stage.meta.books().failures).toEqual({ 131042: 1 });
});

test('marking as read works for a message that came in, and for no other', async () => {
  await using stage = await setStage();
  const { wamid } = stage.meta.inbound(stage.number.phoneNumberId, { phone: '+5511988887777' });
  expect((await stage.send({ status: 'read', message_id: wamid, typing_indicator: { type: 'text' } })).body).toEqual({
    success: true,
  });
  const sent = await stage.sendHello('+5511988887777');
  expect((await stage.send({ status: 'read', message_id: sent.body['messages'][0].id })).body['error'].code).toBe(
    131009,
  );
  expect(stage.meta.books().accepted).toBe(1);
});

test('the marketing API takes marketing templates only', async () => {
  await using stage = await setStage();
  const { body } = await stage.graph('POST', `${stage.number.phoneNumberId}/marketing_messages`, {
    messaging_product: 'whatsapp',
    to: '+5511988887777',
    type: 'template',
    template: hello,
  });
  expect(body['error'].code).toBe(134100);
});
