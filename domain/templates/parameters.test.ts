import { expect, test } from 'vitest';
import { templateMessage } from '../../connectors/whatsapp/template-message.ts';
import { parametersOf, unsendablePart } from './parameters.ts';

const order = [
  { type: 'HEADER', format: 'TEXT', text: 'Order {{1}}', example: { header_text: ['42'] } },
  { type: 'BODY', text: 'Hi {{2}}, order {{1}} of {{2}} left.', example: { body_text: [['42', 'Ana']] } },
  { type: 'FOOTER', text: 'Shop' },
  {
    type: 'BUTTONS',
    buttons: [
      { type: 'QUICK_REPLY', text: 'Stop' },
      { type: 'URL', text: 'Track', url: 'https://s.example/t/{{1}}', example: ['https://s.example/t/42'] },
      { type: 'COPY_CODE', text: 'Copy', example: 'SAVE20' },
      { type: 'URL', text: 'Shop', url: 'https://s.example' },
    ],
  },
];

test('parameters stand in the order header, body, buttons, numbers in their own, each once', () => {
  expect(parametersOf('POSITIONAL', order)).toEqual([
    { key: 'header.1', component: 'HEADER', index: 0, name: null, kind: 'TEXT', example: '42' },
    { key: 'body.1', component: 'BODY', index: 0, name: null, kind: 'TEXT', example: '42' },
    { key: 'body.2', component: 'BODY', index: 1, name: null, kind: 'TEXT', example: 'Ana' },
    { key: 'button.1', component: 'BUTTON', index: 1, name: null, kind: 'URL_SUFFIX', example: '42' },
    { key: 'button.2', component: 'BUTTON', index: 2, name: null, kind: 'COPY_CODE', example: 'SAVE20' },
  ]);
});

test('a message carries its values where the template has its variables', () => {
  const template = { name: 'order', language: 'pt_BR', parameters: parametersOf('POSITIONAL', order) };
  expect(templateMessage({ ...template, values: ['42', '43', 'Ana', 't-1', 'SAVE20'] })).toEqual({
    name: 'order',
    language: { code: 'pt_BR' },
    components: [
      { type: 'header', parameters: [{ type: 'text', text: '42' }] },
      {
        type: 'body',
        parameters: [
          { type: 'text', text: '43' },
          { type: 'text', text: 'Ana' },
        ],
      },
      { type: 'button', sub_type: 'url', index: '1', parameters: [{ type: 'text', text: 't-1' }] },
      {
        type: 'button',
        sub_type: 'copy_code',
        index: '2',
        parameters: [{ type: 'coupon_code', coupon_code: 'SAVE20' }],
      },
    ],
  });
  expect(templateMessage({ ...template, values: ['42'] })).toBeUndefined();
});

test('named parameters are found by name and sent by name', () => {
  const components = [
    {
      type: 'body',
      text: 'Hi {{first_name}}, {{shop}} says hi to {{first_name}}.',
      example: { body_text_named_params: [{ param_name: 'shop', example: 'Loja' }] },
    },
  ];
  const parameters = parametersOf('NAMED', components);
  expect(parameters.map(({ key, name, example }) => [key, name, example])).toEqual([
    ['body.first_name', 'first_name', null],
    ['body.shop', 'shop', 'Loja'],
  ]);
  expect(templateMessage({ name: 'hi', language: 'en', parameters, values: ['Ana', 'Loja'] })?.components).toEqual([
    {
      type: 'body',
      parameters: [
        { type: 'text', parameter_name: 'first_name', text: 'Ana' },
        { type: 'text', parameter_name: 'shop', text: 'Loja' },
      ],
    },
  ]);
});

test('a template without variables is sent without components', () => {
  const parameters = parametersOf('POSITIONAL', [{ type: 'BODY', text: 'Hello.' }]);
  expect(templateMessage({ name: 'hi', language: 'en', parameters, values: [] })).toEqual({
    name: 'hi',
    language: { code: 'en' },
  });
});

test('the code of an authentication template fills its body and its button, as sent and as Meta gives it back', () => {
  const created = [
    { type: 'BODY', add_security_recommendation: true },
    { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE', text: 'Copy' }] },
  ];
  const readBack = [
    { type: 'BODY', text: '*{{1}}* is your verification code.', example: { body_text: [['123456']] } },
    {
      type: 'BUTTONS',
      buttons: [
        { type: 'URL', text: 'Copy', url: 'https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}' },
      ],
    },
  ];
  const parameters = parametersOf('POSITIONAL', created);
  expect(parameters).toEqual(parametersOf('POSITIONAL', readBack));
  expect(parameters).toMatchObject([{ key: 'body.1', kind: 'OTP' }]);
  const code = [{ type: 'text', text: '998877' }];
  expect(templateMessage({ name: 'code', language: 'en', parameters, values: ['998877'] })?.components).toEqual([
    { type: 'body', parameters: code },
    { type: 'button', sub_type: 'url', index: '0', parameters: code },
  ]);
});

test('media goes by id or by link, a location by its fields', () => {
  const header = (format: string) => parametersOf('POSITIONAL', [{ type: 'HEADER', format }]);
  const sent = (format: string, value: string) =>
    templateMessage({ name: 'n', language: 'en', parameters: header(format), values: [value] })?.components?.[0]
      ?.parameters;
  expect(header('VIDEO')).toMatchObject([{ key: 'header.video', kind: 'VIDEO' }]);
  expect(sent('IMAGE', 'id:77')).toEqual([{ type: 'image', image: { id: '77' } }]);
  expect(sent('DOCUMENT', 'https://s.example/a.pdf')).toEqual([
    { type: 'document', document: { link: 'https://s.example/a.pdf' } },
  ]);
  const place = { latitude: '1', longitude: '2', name: 'Shop', address: 'Street' };
  expect(sent('LOCATION', JSON.stringify(place))).toEqual([{ type: 'location', location: place }]);
  expect(sent('LOCATION', 'Av. Paulista')).toBeUndefined();
});

test('a contact’s line breaks, tabs and rows of spaces become what Meta takes', () => {
  const parameters = parametersOf('POSITIONAL', [{ type: 'BODY', text: 'Hi {{1}}!' }]);
  const sent = (value: string) =>
    templateMessage({ name: 'n', language: 'en', parameters, values: [value] })?.components?.[0]?.parameters[0]?.[
      'text'
    ];
  expect(sent('Ana \r\n Souza\tLima')).toBe('Ana Souza Lima');
  expect(sent('a       b    c')).toBe('a    b    c');
});

test('what nobody understands is left out, and what cannot be sent is named', () => {
  expect(parametersOf('POSITIONAL', [{ type: 'HOLOGRAM', depth: 3 }, 7, null])).toEqual([]);
  expect(parametersOf('POSITIONAL', { not: 'a list' })).toEqual([]);
  expect(unsendablePart(order)).toBeNull();
  expect(unsendablePart([{ type: 'CAROUSEL', cards: [] }])).toBe('CAROUSEL');
  expect(unsendablePart([{ type: 'BUTTONS', buttons: [{ type: 'MPM', text: 'Shop' }] }])).toBe('BUTTON MPM');
});
