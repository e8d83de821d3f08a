import { expect, test } from 'vitest';
import { InvalidInputError } from '../errors.ts';
import { checkDraft } from './check-draft.ts';
import type { ButtonDraft, ComponentDraft, TemplateDraft } from './draft.ts';

const body: ComponentDraft = { type: 'BODY', text: 'Hello there, dear friend of ours.' };
const draft = (otherwise: Partial<TemplateDraft> = {}): TemplateDraft => ({
  name: 'hello',
  language: 'pt_BR',
  category: 'MARKETING',
  components: [body],
  ...otherwise,
});

function pathsOf(otherwise: Partial<TemplateDraft>): string[] {
  try {
    checkDraft(draft(otherwise));
    return [];
  } catch (error) {
    if (error instanceof InvalidInputError) return error.fields.map(({ path }) => path);
    throw error;
  }
}

const withBody = (text: string, otherwise: Partial<ComponentDraft> = {}) => ({
  components: [{ ...body, text, ...otherwise }],
});
const withHeader = (header: Partial<ComponentDraft>) => ({
  components: [{ type: 'HEADER' as const, ...header }, body],
});
const withButtons = (...buttons: ButtonDraft[]) => ({ components: [body, { type: 'BUTTONS' as const, buttons }] });
const reply = (text = 'Yes'): ButtonDraft => ({ type: 'QUICK_REPLY', text });
const url: ButtonDraft = { type: 'URL', text: 'Shop', url: 'https://s.example' };

test('a template becomes what Meta is sent', () => {
  const components: ComponentDraft[] = [
    { type: 'HEADER', text: 'Order {{1}}', examples: ['42'] },
    { type: 'BODY', text: 'Hi {{1}}, order {{2}} left for your home today.', examples: ['Ana', '42'] },
    { type: 'FOOTER', text: 'Shop' },
    {
      type: 'BUTTONS',
      buttons: [
        reply('Stop'),
        { type: 'URL', text: 'Track', url: 'https://s.example/t/{{1}}', example: 'https://s.example/t/42' },
        { type: 'PHONE_NUMBER', text: 'Call', phoneNumber: '+5511987654321' },
        { type: 'COPY_CODE', example: 'SAVE20' },
      ],
    },
  ];
  expect(checkDraft(draft({ category: 'UTILITY', components, ttlSeconds: 3_600 }))).toEqual({
    name: 'hello',
    language: 'pt_BR',
    category: 'UTILITY',
    parameterFormat: 'POSITIONAL',
    ttlSeconds: 3_600,
    components: [
      { type: 'HEADER', format: 'TEXT', text: 'Order {{1}}', example: { header_text: ['42'] } },
      {
        type: 'BODY',
        text: 'Hi {{1}}, order {{2}} left for your home today.',
        example: { body_text: [['Ana', '42']] },
      },
      { type: 'FOOTER', text: 'Shop' },
      {
        type: 'BUTTONS',
        buttons: [
          { type: 'QUICK_REPLY', text: 'Stop' },
          { type: 'URL', text: 'Track', url: 'https://s.example/t/{{1}}', example: ['https://s.example/t/42'] },
          { type: 'PHONE_NUMBER', text: 'Call', phone_number: '+5511987654321' },
          { type: 'COPY_CODE', example: 'SAVE20' },
        ],
      },
    ],
  });
});

test('names instead of numbers, with an example for each', () => {
  const named = { parameterFormat: 'NAMED' as const };
  const text = 'Hi {{first_name}}, welcome to our little shop.';
  const examples = [{ name: 'first_name', example: 'Ana' }];
  expect(checkDraft(draft({ ...named, ...withBody(text, { namedExamples: examples }) })).components).toEqual([
    { type: 'BODY', text, example: { body_text_named_params: [{ param_name: 'first_name', example: 'Ana' }] } },
  ]);
  expect(pathsOf({ ...named, ...withBody(text) })).toEqual(['components[0].namedExamples']);
  expect(
    pathsOf({
      ...named,
      ...withBody('Hi {{First}}, welcome to our little shop.', { namedExamples: [{ name: 'First', example: 'A' }] }),
    }),
  ).toEqual(['components[0].text']);
  const stray = [...examples, { name: 'other', example: 'x' }];
  expect(pathsOf({ ...named, ...withBody(text, { namedExamples: stray }) })).toEqual([
    'components[0].namedExamples[1].name',
  ]);
});

test('an authentication template has a code and no words of its own', () => {
  const auth = (...components: ComponentDraft[]) => ({ category: 'AUTHENTICATION' as const, components });
  const otp: ComponentDraft = { type: 'BUTTONS', buttons: [{ type: 'OTP' }] };
  const good = auth(
    { type: 'BODY', addSecurityRecommendation: true },
    { type: 'FOOTER', codeExpirationMinutes: 10 },
    otp,
  );
  expect(checkDraft(draft({ ...good, ttlSeconds: 60 })).components).toEqual([
    { type: 'BODY', add_security_recommendation: true },
    { type: 'FOOTER', code_expiration_minutes: 10 },
    { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE' }] },
  ]);
  expect(pathsOf(auth({ type: 'BODY', text: 'Our own words' }, otp))).toEqual(['components[0].text']);
  expect(pathsOf(auth({ type: 'BODY' }))).toEqual(['components']);
  expect(pathsOf(auth({ type: 'BODY' }, { type: 'FOOTER', codeExpirationMinutes: 91 }, otp))).toEqual([
    'components[1].codeExpirationMinutes',
  ]);
  expect(pathsOf(auth({ type: 'HEADER', text: 'Hi' }, { type: 'BODY' }, otp))).toContain('components[0].type');
  expect(pathsOf(auth({ type: 'BODY' }, { type: 'BUTTONS', buttons: [reply()] }))).toEqual(['components[1].buttons']);
  const oneTap: ButtonDraft = { type: 'OTP', otpType: 'ONE_TAP' };
  expect(pathsOf(auth({ type: 'BODY' }, { type: 'BUTTONS', buttons: [oneTap] }))).toEqual([
    'components[1].buttons[0].supportedApps',
  ]);
  expect(pathsOf(withButtons({ type: 'OTP' }))).toEqual(['components[1].buttons[0].type']);
});

const refused: [rule: string, draft: Partial<TemplateDraft>, paths: string[]][] = [
  ['a name of other characters', { name: 'Hello World' }, ['name']],
  ['a name of 513 characters', { name: 'a'.repeat(513) }, ['name']],
  ['a language that Meta has not', { language: 'pt-BR' }, ['language']],
  ['no body', { components: [] }, ['components']],
  ['two bodies', { components: [body, body] }, ['components[1].type']],
  ['a body of 1,025 characters', withBody('a'.repeat(1_025)), ['components[0].text']],
  ['an empty body', withBody('  '), ['components[0].text']],
  [
    'a variable at the beginning',
    withBody('{{1}} is the name of our friend', { examples: ['Ana'] }),
    ['components[0].text'],
  ],
  ['a variable at the end', withBody('The name of our friend is {{1}}', { examples: ['Ana'] }), ['components[0].text']],
  [
    'two variables side by side',
    withBody('Hi there dear {{1}}{{2}}, welcome to us.', { examples: ['A', 'B'] }),
    ['components[0].text'],
  ],
  [
    'a gap in the numbers',
    withBody('Hi {{1}}, order {{3}} left us today at last.', { examples: ['A', 'B'] }),
    ['components[0].text'],
  ],
  [
    'names among numbers',
    withBody('Hi {{1}}, order {{nr}} left us today at last.', { examples: ['A', 'B'] }),
    ['components[0].text'],
  ],
  ['too many variables for the words', withBody('a {{1}} b {{2}} c', { examples: ['A', 'B'] }), ['components[0].text']],
  ['a variable without an example', withBody('Hi {{1}}, welcome to our shop.'), ['components[0].examples']],
  ['brackets left open', withBody('Hi {{1, welcome to our little shop.'), ['components[0].text']],
  ['three line breaks in a row', withBody('Hi\n\n\nthere, dear friends.'), ['components[0].text']],
  ['a header of 61 characters', withHeader({ text: 'a'.repeat(61) }), ['components[0].text']],
  ['two variables in a header', withHeader({ text: 'A {{1}} {{2}}', examples: ['a', 'b'] }), ['components[0].text']],
  ['formatting in a header', withHeader({ text: '*Sale*' }), ['components[0].text']],
  ['a media header without a sample', withHeader({ format: 'IMAGE' }), ['components[0].headerHandle']],
  ['a footer with a variable', { components: [body, { type: 'FOOTER', text: 'By {{1}}' }] }, ['components[1].text']],
  [
    'a footer of 61 characters',
    { components: [body, { type: 'FOOTER', text: 'a'.repeat(61) }] },
    ['components[1].text'],
  ],
  [
    'eleven buttons',
    withButtons(...Array.from({ length: 11 }, (_, at) => reply(`Yes ${at}`))),
    ['components[1].buttons'],
  ],
  ['three links', withButtons(url, url, url), ['components[1].buttons[2]']],
  ['quick replies apart', withButtons(reply(), url, reply('No')), ['components[1].buttons']],
  ['a label of 26 characters', withButtons(reply('a'.repeat(26))), ['components[1].buttons[0].text']],
  ['no link', withButtons({ ...url, url: 'shop' }), ['components[1].buttons[0].url']],
  [
    'a variable in the midst of a link',
    withButtons({ ...url, url: 'https://s.example/{{1}}/x', example: 'https://s.example/1/x' }),
    ['components[1].buttons[0].url'],
  ],
  [
    'a link’s variable without an example',
    withButtons({ ...url, url: 'https://s.example/{{1}}' }),
    ['components[1].buttons[0].example'],
  ],
  [
    'a phone number that is none',
    withButtons({ type: 'PHONE_NUMBER', text: 'Call', phoneNumber: 'ours' }),
    ['components[1].buttons[0].phoneNumber'],
  ],
  [
    'a code of 16 characters',
    withButtons({ type: 'COPY_CODE', example: 'A'.repeat(16) }),
    ['components[1].buttons[0].example'],
  ],
  ['a marketing template that lives an hour', { ttlSeconds: 3_600 }, ['ttlSeconds']],
  ['a utility template that lives a day', { category: 'UTILITY', ttlSeconds: 86_400 }, ['ttlSeconds']],
];

test.for(refused)('refused: %s', ([, otherwise, paths]) => {
  expect(pathsOf(otherwise)).toEqual(paths);
});

test('what stands at a limit is taken', () => {
  const fine: Partial<TemplateDraft>[] = [
    { name: 'a'.repeat(512) },
    withBody('a'.repeat(1_024)),
    withHeader({ text: 'a'.repeat(60) }),
    withHeader({ format: 'LOCATION' }),
    withHeader({ format: 'VIDEO', headerHandle: '4::abc' }),
    { components: [body, { type: 'FOOTER', text: 'a'.repeat(60) }] },
    withButtons(reply('a'.repeat(25)), reply('No'), url, { ...url, text: 'Other' }),
    withButtons(url, reply()),
    { ttlSeconds: 43_200 },
    { category: 'UTILITY', ttlSeconds: -1 },
  ];
  for (const otherwise of fine) expect(pathsOf(otherwise), JSON.stringify(otherwise).slice(0, 80)).toEqual([]);
});

test('everything that is wrong is said at once', () => {
  expect(pathsOf({ name: 'X', language: 'xx', ttlSeconds: 1, ...withBody('') })).toEqual([
    'name',
    'language',
    'ttlSeconds',
    'components[0].text',
  ]);
});
