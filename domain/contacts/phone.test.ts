import { describe, expect, test } from 'vitest';
import { matchKeyOf, parsePhone } from './phone.ts';

const e164 = (text: string, country = 'BR') => parsePhone(text, country)?.e164;
const key = (text: string, country = 'BR') => parsePhone(text, country)?.matchKey;

describe('one person is one key', () => {
  test.each([
    [
      'Brazil, with and without the ninth digit',
      [
        '+55 11 98765-4321',
        '+551187654321',
        '11 8765-4321',
        '(011) 98765-4321',
        '5511987654321',
        '005511987654321',
        '+55 (0)11 98765-4321',
      ],
    ],
    [
      'Mexico, with and without the 1',
      ['+52 55 1234 5678', '+521 55 1234 5678', '+52 1 55 1234 5678', '00521 5512345678'],
    ],
    [
      'Argentina, with and without the 9, with the 15 of old',
      ['+54 11 2345 6789', '+54 9 11 2345-6789', '+54 11 15 2345-6789'],
    ],
  ])('%s', (_country, ways) => {
    expect(ways.map((way) => key(way))).not.toContain(undefined);
    expect(new Set(ways.map((way) => key(way))).size).toBe(1);
  });

  test('what WhatsApp reports has the key of what was stored', () => {
    expect(matchKeyOf('+5511987654321')).toBe(matchKeyOf('+551187654321'));
    expect(matchKeyOf('+5215512345678')).toBe(matchKeyOf('+525512345678'));
    expect(matchKeyOf('+5491123456789')).toBe(matchKeyOf('+541123456789'));
  });
});

describe('two people are two keys', () => {
  test('a Brazilian mobile and the landline that its last eight digits are', () => {
    expect(key('+55 11 93456-7890')).not.toBe(key('+55 11 3456-7890'));
  });

  test('numbers of other countries are compared in full', () => {
    expect(matchKeyOf('+15512345678')).toBe('+15512345678');
    expect(matchKeyOf('+905321234567')).toBe('+905321234567');
    expect(matchKeyOf('+60123456789')).toBe('+60123456789');
  });
});

test.each([
  ['0532 123 45 67', 'TR', '+905321234567'],
  ['5215512345678', 'MX', '+525512345678'],
  ['012-345 6789', 'MY', '+60123456789'],
  ['011 15 2345-6789', 'AR', '+5491123456789'],
  ['0 15 11 98765-4321', 'BR', '+5511987654321'],
  ['+44 20 7946 0018', 'BR', '+442079460018'],
  ['+1 555 123 4567', 'BR', '+15551234567'],
  ['\u202a+55 11 98765-4321\u202c', 'BR', '+5511987654321'],
  ['+55 11 98765-4321', 'not a country', '+5511987654321'],
])('"%s" written in %s is %s', (text, country, expected) => expect(e164(text, country)).toBe(expected));

test.each([
  ['', 'nothing'],
  ['hello', 'a word'],
  ['+5511', 'too short'],
  ['911', 'an emergency number'],
  ['98765-4321', 'a Brazilian number without its area code'],
  ['+55 11 98765 43210', 'too long'],
  ['+999 1234567', 'no country'],
  ['5.51199E+12', 'shortened by a spreadsheet'],
  ['+5511987654321 ext 5', 'an extension'],
  ['+5511987654321; +5511987654322', 'two numbers'],
  ['call +5511987654321', 'a sentence'],
  ['+5511987654321\u0000', 'a character that cannot be stored'],
])('"%s" is no telephone number: %s', (text) => expect(e164(text)).toBeUndefined());

test('a local number of no country is none', () => expect(e164('11 98765-4321', 'XX')).toBeUndefined());

test('a cell as long as a book is refused without being read', () =>
  expect(e164('+5'.repeat(5_000_000))).toBeUndefined());
