import { describe, expect, test } from 'vitest';
import {
  checkAddressPart,
  checkCountry,
  checkEmail,
  checkExternalId,
  checkIdentity,
  checkLanguage,
  checkName,
  checkPhone,
  checkTagName,
} from './contact-fields.ts';
import { checkCustomText, checkCustomValue } from './custom-values.ts';
import { checkBirthDate, checkDate } from './dates.ts';
import { checkLongText, foldText } from './text.ts';

const code = (checked: { problem?: { code: string } | undefined }) => checked.problem?.code;
const everyText = { checkName, checkEmail, checkExternalId, checkAddressPart, checkLanguage, checkCountry };

describe.each(Object.entries(everyText))('%s', (_name, check) => {
  test('an empty or blank text is no value', () => {
    expect(check('')).toEqual({ value: null });
    expect(check(' \t ')).toEqual({ value: null });
  });
  test('what cannot be stored is refused', () => {
    expect(check('a\0b').problem).toBeDefined();
    expect(check('ab\ud800').problem).toBeDefined();
  });
  test('a flood is refused', () => expect(check('x'.repeat(5_000_000)).problem).toBeDefined());
  test('no problem repeats the value', () => {
    const secret = 'Ana Silva\0+5511987654321';
    expect(JSON.stringify(check(secret).problem)).not.toContain('Silva');
  });
});

describe('names', () => {
  test('are one line, composed, without control and direction marks', () => {
    expect(checkName('  Ana\n\tMaria\u00a0 Silva \u0007')).toEqual({ value: 'Ana Maria Silva' });
    expect(checkName('Jose\u0301')).toEqual({ value: 'José' });
    expect(checkName('\u202ecod.exe\u202c')).toEqual({ value: 'cod.exe' });
  });
  test('keep emoji and every script', () => {
    for (const name of ['👩‍👩‍👧 Family', 'İpek Öztürk', '张伟', 'محمد', "D'Ávila-O’Neil"])
      expect(checkName(name)).toEqual({ value: name });
  });
  test('have at most 200 characters, and never more than the name index holds', () => {
    expect(checkName('ç'.repeat(200)).problem).toBeUndefined();
    expect(code(checkName('ç'.repeat(201)))).toBe('TOO_LONG');
    expect(code(checkName('\ufdfa'.repeat(200)))).toBe('TOO_LONG'); // each unfolds into eighteen letters
  });
});

describe('e-mail addresses', () => {
  test.each([
    [' Ana.Silva+Shop@Example.COM ', 'ana.silva+shop@example.com'],
    ['a@b.co', 'a@b.co'],
    ['josé@correio.com.br', 'josé@correio.com.br'],
    ['x_y-z@sub.domain.example.travel', 'x_y-z@sub.domain.example.travel'],
  ])('%s', (raw, value) => expect(checkEmail(raw)).toEqual({ value }));

  test.each([
    'ana',
    'ana@',
    '@example.com',
    'ana@example',
    'ana@@example.com',
    'ana silva@example.com',
    'ana@exa mple.com',
    '.ana@example.com',
    'ana.@example.com',
    'a..b@example.com',
    'ana@example..com',
    'ana@-example.com',
    'ana@example.c',
    'ana@example.123',
    'ana@example.com,bob@example.com',
    '<ana@example.com>',
    `${'a'.repeat(65)}@example.com`,
  ])('%s is none', (raw) => expect(code(checkEmail(raw))).toBe('INVALID_EMAIL'));
  test('a hostile one costs no time', () =>
    expect(code(checkEmail(`${'a.'.repeat(60)}@${'a-'.repeat(60)}`))).toBe('INVALID_EMAIL'));
});

test('external ids are kept to the letter', () => {
  expect(checkExternalId(' Kunde  0042 ')).toEqual({ value: 'Kunde  0042' });
  expect(code(checkExternalId('x'.repeat(201)))).toBe('TOO_LONG');
  expect(code(checkExternalId('a\nb'))).toBe('INVALID_CHARACTER');
});

describe('dates', () => {
  test.each([
    ['1990-05-17', '1990-05-17'],
    ['1990/05/17', '1990-05-17'],
    ['19900517', '1990-05-17'],
    ['1990-05-17 00:00:00', '1990-05-17'],
    ['1990-05-17T00:00:00.000Z', '1990-05-17'],
    ['17/05/1990', '1990-05-17'],
    ['17.5.1990', '1990-05-17'],
    ['05-17-1990', '1990-05-17'],
    ['5/5/1990', '1990-05-05'],
    ['2000-02-29', '2000-02-29'],
  ])('%s is a date whatever the order', (raw, value) => expect(checkDate(raw)).toEqual({ value }));

  test('day and month are told apart by the order, or not at all', () => {
    expect(code(checkDate('03/04/1990'))).toBe('AMBIGUOUS_DATE');
    expect(checkDate('03/04/1990', { dayFirst: true })).toEqual({ value: '1990-04-03' });
    expect(checkDate('03/04/1990', { dayFirst: false })).toEqual({ value: '1990-03-04' });
  });

  test.each([
    '1990-02-30',
    '1900-02-29',
    '31/04/1990',
    '32/01/1990',
    '1990-13-01',
    '0000-01-01',
    '17/05/90',
    '1990-05',
    '1990-05/17',
    'yesterday',
    '1990-05-17 10:30',
    '33010',
    '17/05/1990; 1',
  ])('%s is no date', (raw) => expect(code(checkDate(raw))).toBe('INVALID_DATE'));

  test('nobody is born before 1900 or after today', () => {
    const rules = { latest: '2026-11-22' };
    expect(code(checkBirthDate('1899-12-31', rules))).toBe('INVALID_DATE');
    expect(code(checkBirthDate('2026-11-23', rules))).toBe('INVALID_DATE');
    expect(checkBirthDate('22/11/2026', rules)).toEqual({ value: '2026-11-22' });
  });
});

test('language tags become canonical, words are none', () => {
  expect(['PT-br', 'pt_BR', 'tr', 'zh-hant-tw'].map((raw) => checkLanguage(raw).value)).toEqual([
    'pt-BR',
    'pt-BR',
    'tr',
    'zh-Hant-TW',
  ]);
  for (const raw of ['english', 'p', 'pt-', 'pt-BR-', 'Português', '1'])
    expect(code(checkLanguage(raw))).toBe('INVALID_LANGUAGE');
});

test('countries are ISO alpha-2', () => {
  expect(checkCountry(' br ')).toEqual({ value: 'BR' });
  for (const raw of ['BRA', 'Brazil', 'XX', '55', 'B']) expect(code(checkCountry(raw))).toBe('INVALID_COUNTRY');
});

describe('identities', () => {
  test('a phone is E.164 and has a match key', () => {
    expect(checkIdentity('PHONE', '(11) 98765-4321', 'BR')).toEqual({
      value: { kind: 'PHONE', value: '+5511987654321', matchKey: '+551187654321' },
    });
    expect(code(checkPhone('12', 'BR'))).toBe('INVALID_PHONE');
    expect(checkPhone('5.51199E+12', 'BR').problem?.message).toMatch(/spreadsheet/);
  });
  test('usernames match whatever their case and with or without @', () => {
    expect(checkIdentity('USERNAME', '@Ana.S', 'BR')).toEqual({
      value: { kind: 'USERNAME', value: 'Ana.S', matchKey: 'ana.s' },
    });
  });
  test('ids of partners are kept to the letter', () => {
    expect(checkIdentity('WHATSAPP_USER_ID', 'BR.9xAb', 'BR')).toEqual({
      value: { kind: 'WHATSAPP_USER_ID', value: 'BR.9xAb', matchKey: 'BR.9xAb' },
    });
    expect(code(checkIdentity('SHOPEE_BUYER', 'a b', 'BR'))).toBe('INVALID_IDENTITY');
  });
  test('an empty one is refused', () => {
    for (const kind of ['PHONE', 'USERNAME', 'SHOPEE_BUYER'] as const)
      expect(code(checkIdentity(kind, ' ', 'BR'))).toBe('REQUIRED');
    expect(code(checkIdentity('USERNAME', '@', 'BR'))).toBe('INVALID_IDENTITY');
  });
});

test('two tags that differ in case are one', () => {
  expect(checkTagName(' VIP  São Paulo ')).toEqual({ value: { name: 'VIP São Paulo', nameKey: 'vip são paulo' } });
  expect(code(checkTagName(' '))).toBe('REQUIRED');
  expect(code(checkTagName('x'.repeat(101)))).toBe('TOO_LONG');
});

test('a note keeps its lines and loses its control characters', () => {
  expect(checkLongText(' one\r\n\ttwo\u0007\n ', 100)).toEqual({ value: 'one\n\ttwo' });
  expect(code(checkLongText('x'.repeat(101), 100))).toBe('TOO_LONG');
});

test('folding is what people expect when they search', () => {
  expect(['Ágata', 'İPEK', 'ışık', 'Ça\u0323', 'ﬁ'].map(foldText)).toEqual(['agata', 'ipek', 'isik', 'ca', 'fi']);
});

const field = (type: 'TEXT' | 'NUMBER' | 'BOOLEAN' | 'DATE' | 'SELECT', options: string[] = []) => ({ type, options });

describe('custom fields from cells', () => {
  test.each([
    ['1234.5', 1234.5],
    ['-12', -12],
    ['12,5', 12.5],
    ['1.234,56', 1234.56],
    ['1,234.56', 1234.56],
    ['0,125', 0.125],
    ['-0', 0],
  ])('%s is a number', (raw, value) => expect(checkCustomText(field('NUMBER'), raw)).toEqual({ value }));
  test('thousands that may be decimals are refused', () => {
    expect(code(checkCustomText(field('NUMBER'), '1,234'))).toBe('AMBIGUOUS_NUMBER');
    expect(code(checkCustomText(field('NUMBER'), '1.234.567'))).toBe('AMBIGUOUS_NUMBER');
  });
  test.each(['abc', '1e5', '0x10', 'NaN', 'Infinity', '--1', '1.', '.5', '12345678901234567890', '0.1234567890123456'])(
    '%s is none',
    (raw) => expect(code(checkCustomText(field('NUMBER'), raw))).toBe('INVALID_NUMBER'),
  );
  test('yes and no in the languages of our markets', () => {
    for (const yes of ['true', 'Yes', '1', 'SIM', 'sí', 'Evet', 'ya'])
      expect(checkCustomText(field('BOOLEAN'), yes)).toEqual({ value: true });
    for (const no of ['False', 'no', '0', 'não', 'Hayır', 'tidak'])
      expect(checkCustomText(field('BOOLEAN'), no)).toEqual({ value: false });
    expect(code(checkCustomText(field('BOOLEAN'), 'maybe'))).toBe('INVALID_BOOLEAN');
  });
  test('an option is found whatever its case and accents, and stored as it is defined', () => {
    expect(checkCustomText(field('SELECT', ['Médio', 'Grande']), 'medio')).toEqual({ value: 'Médio' });
    expect(checkCustomText(field('SELECT', ['Médio', 'Grande']), 'tiny').problem).toMatchObject({
      code: 'INVALID_OPTION',
      expected: 'one of: Médio, Grande',
    });
  });
  test('dates follow the order of the file', () => {
    expect(checkCustomText(field('DATE'), '03/04/2030', { dayFirst: true })).toEqual({ value: '2030-04-03' });
  });
  test('an empty cell is no value', () => {
    for (const type of ['TEXT', 'NUMBER', 'BOOLEAN', 'DATE', 'SELECT'] as const)
      expect(checkCustomText(field(type), ' ')).toEqual({ value: null });
  });
});

describe('custom fields from JSON', () => {
  test('have the type of the field, and nothing is guessed', () => {
    expect(checkCustomValue(field('NUMBER'), 1.5)).toEqual({ value: 1.5 });
    expect(checkCustomValue(field('BOOLEAN'), false)).toEqual({ value: false });
    expect(checkCustomValue(field('DATE'), '2030-04-03')).toEqual({ value: '2030-04-03' });
    expect(checkCustomValue(field('TEXT'), null)).toEqual({ value: null });
    for (const [type, given] of [
      ['NUMBER', '1.5'],
      ['NUMBER', Number.NaN],
      ['BOOLEAN', 'true'],
      ['BOOLEAN', 0],
      ['DATE', '03/04/2030'],
      ['DATE', 5],
      ['TEXT', 5],
      ['TEXT', {}],
      ['SELECT', ['a']],
    ] as const) {
      expect(code(checkCustomValue(field(type, ['a']), given))).toBe('INVALID_TYPE');
    }
  });
  test('what cannot be stored is refused', () => {
    expect(code(checkCustomValue(field('TEXT'), 'a\0'))).toBe('INVALID_CHARACTER');
    expect(code(checkCustomValue(field('TEXT'), '\udc00'))).toBe('INVALID_CHARACTER');
    expect(code(checkCustomValue(field('NUMBER'), 1e300))).toBe('INVALID_NUMBER');
  });
});
