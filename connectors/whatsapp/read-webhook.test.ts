import { expect, test } from 'vitest';
import { readWebhook, type WebhookElement } from './read-webhook.ts';
import { isSigned, isToken } from './signature.ts';

type Json = Record<string, unknown>;
const metadata = { display_phone_number: '551140000000', phone_number_id: '1055' };
const read = (body: Json) => readWebhook(JSON.stringify(body));
const change = (field: string | undefined, value: Json, entry: Json = {}) =>
  read({
    object: 'whatsapp_business_account',
    entry: [{ id: '77', time: 1_790_000_000, ...entry, changes: [{ field, value }] }],
  });
const only = (elements: WebhookElement[]): WebhookElement => {
  expect(elements).toHaveLength(1);
  return elements[0] as WebhookElement;
};

test('a delivery of several accounts and changes is split into its elements, each with its own key and route', () => {
  const value = (id: string, parts: Json) => ({ metadata: { phone_number_id: id }, ...parts });
  const elements = read({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '77',
        changes: [
          {
            field: 'messages',
            value: value('1', {
              statuses: [
                { id: 'a', status: 'sent' },
                { id: 'a', status: 'read' },
              ],
            }),
          },
          { field: 'messages', value: value('2', { messages: [{ id: 'b', from: '5511', type: 'text' }] }) },
        ],
      },
      { id: '88', time: 5, changes: [{ field: 'account_review_update', value: { decision: 'APPROVED' } }] },
    ],
  });
  expect(elements.map(({ kind, route }) => [kind, route?.source, route?.externalId])).toEqual([
    ['STATUS', 'META_NUMBER', '1'],
    ['STATUS', 'META_NUMBER', '1'],
    ['MESSAGE', 'META_NUMBER', '2'],
    ['ACCOUNT_REVIEW', 'META_WABA', '88'],
  ]);
  expect(new Set(elements.map(({ key }) => key)).size).toBe(4);
});

test('the same event has the same key in every delivery, and two events never have', () => {
  const keyOf = (status: Json) => only(change('messages', { metadata, statuses: [status] })).key;
  const base = { id: 'wamid.A', status: 'failed', timestamp: '1', errors: [{ code: 131026 }] };
  expect(keyOf({ ...base })).toBe(keyOf({ ...base, timestamp: '2', conversation: { id: 'x' } }));
  const others = [
    { ...base, id: 'wamid.a' },
    { ...base, status: 'sent' },
    { ...base, errors: [{ code: 131049 }] },
    { ...base, recipient_participant_id: '5511' },
  ];
  expect(new Set([base, ...others].map(keyOf)).size).toBe(5);
  expect(keyOf({ ...base, participant_recipient_id: '5511' })).toBe(
    keyOf({ ...base, recipient_participant_id: '5511' }),
  );
  expect(keyOf(base)).toHaveLength(22);
});

test('ids beyond 2^53 lose no digit, and a timestamp may be a text or a number', () => {
  const body = `{"object":"whatsapp_business_account","entry":[{"id":"77","time":1790000000,"changes":[{"field":"message_template_status_update",
    "value":{"event":"APPROVED","message_template_id":123456789012345678901,"message_template_name":"x"}}]}]}`;
  expect(only(readWebhook(body)).payload).toMatchObject({ value: { message_template_id: '123456789012345678901' } });
  const other = body.replace('678901,', '678902,');
  expect(only(readWebhook(other)).key).not.toBe(only(readWebhook(body)).key);
});

test('what nobody knows is kept whole: fields, parts of a value, elements that are none, other envelopes', () => {
  expect(only(change('a_field_of_2031', { some: ['thing'] }))).toMatchObject({
    kind: 'OTHER',
    payload: { field: 'a_field_of_2031', value: { some: ['thing'] } },
  });
  const mixed = change('messages', { metadata, statuses: [7, { id: 'a', status: 'sent' }], user_actions: [{ x: 1 }] });
  expect(mixed.map(({ kind }) => kind)).toEqual(['OTHER', 'STATUS', 'OTHER']);
  expect(JSON.stringify(mixed[0]?.payload)).toContain('"statuses":[7]');
  expect(JSON.stringify(mixed[2]?.payload)).toContain('"user_actions":[{"x":1}]');
  for (const body of [
    {},
    { entry: 'x' },
    { entry: [null] },
    { entry: [{ id: '77' }] },
    { entry: [{ id: '77', changes: [3] }] },
  ]) {
    expect(only(read(body)).kind).toBe('OTHER');
  }
  for (const text of ['null', '3', '"x"', '[]']) expect(only(readWebhook(text)).kind).toBe('OTHER');
  expect(() => readWebhook('{"entry":[')).toThrow(SyntaxError);
});

test('a field that is missing or misplaced is found by the shape of the value', () => {
  const template = { message_template_id: 1, message_template_name: 'x', message_template_language: 'en' };
  expect(only(change(undefined, { ...template, event: 'PAUSED' })).kind).toBe('TEMPLATE_STATUS');
  expect(only(change('message_template_status_update', { ...template, new_quality_score: 'RED' })).kind).toBe(
    'TEMPLATE_QUALITY',
  );
  expect(only(change(undefined, { field: 'account_alerts', alert_info: {} })).kind).toBe('ACCOUNT_ALERT');
  expect(only(change(undefined, { metadata, statuses: [{ id: 'a', status: 'sent' }] })).kind).toBe('STATUS');
  expect(only(change(undefined, { display_phone_number: '1', event: 'FLAGGED' })).kind).toBe('NUMBER_QUALITY');
  const inEntry = read({ entry: [{ id: '77', field: 'messages', value: { metadata, messages: [{ id: 'm' }] } }] });
  expect(only(inEntry)).toMatchObject({ kind: 'MESSAGE', route: { externalId: '1055' } });
});

test('a partner event leads to the customer’s account, not to the partner’s own id', () => {
  const value = { event: 'PARTNER_REMOVED', waba_info: { waba_id: '99', owner_business_id: '5' } };
  expect(only(change('account_update', value)).route).toEqual({ source: 'META_WABA', externalId: '99' });
});

test('history, copies for another owner and call statuses are never taken for live messages', () => {
  const messages = [{ id: 'm', from: '5511', type: 'text', text: { body: 'stop' } }];
  for (const field of ['history', 'standby', 'smb_message_echoes']) {
    expect(only(change(field, { metadata, messages })).kind).toBe('OTHER');
  }
  expect(only(change('calls', { metadata, statuses: [{ type: 'call', id: 'wacid', status: 'RINGING' }] })).kind).toBe(
    'OTHER',
  );
});

test('an element is given its own contact, and never somebody else’s', () => {
  const contacts = [
    { wa_id: '5511', user_id: 'BR.1' },
    { wa_id: '5522', user_id: 'BR.2' },
  ];
  const [a, b, c] = change('messages', {
    metadata,
    contacts,
    messages: [
      { id: 'a', from: '5522' },
      { id: 'b', from_user_id: 'BR.1' },
      { id: 'c', from: '5533' },
    ],
  });
  expect([a, b, c].map((element) => element?.payload['contact'])).toEqual([contacts[1], contacts[0], undefined]);
  const stranger = change('messages', { metadata, contacts: [contacts[0]], messages: [{ id: 'a', from: '5533' }] });
  expect(only(stranger).payload['contact']).toBeUndefined();
  const unnamed = change('messages', { metadata, contacts: [contacts[0]], messages: [{ id: 'a' }] });
  expect(only(unnamed).payload['contact']).toEqual(contacts[0]);
});

test('a body counts as signed under either secret, over its very bytes, and in no other way', () => {
  const body = Buffer.from('{"a":"\\u00e9"}');
  // By openssl dgst -sha256 -hmac, not by the code under test.
  const hex = '1a1432211e3beb0f88468edcf46628473602a0649c248c4bd518993bfafdb712';
  expect(isSigned(body, `sha256=${hex}`, ['new', 'old'])).toBe(true);
  expect(isSigned(body, `sha256=${hex}`, ['new'])).toBe(false);
  expect(isSigned(Buffer.from('{"a":"é"}'), `sha256=${hex}`, ['old'])).toBe(false);
  for (const bad of [undefined, '', hex, `sha1=${hex}`, `sha256=${hex.slice(2)}`, `sha256=${hex}00`, 'sha256=zz']) {
    expect(isSigned(body, bad, ['old'])).toBe(false);
  }
  expect(isToken('abc', 'abc')).toBe(true);
  expect(isToken('abcd', 'abc')).toBe(false);
});
