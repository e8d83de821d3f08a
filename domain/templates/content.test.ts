import { expect, test } from 'vitest';
import { contentOf } from './content.ts';

const hash = (components: unknown[], format: 'POSITIONAL' | 'NAMED' = 'POSITIONAL') =>
  contentOf(format, components).hash.toString('hex');
const body = { type: 'BODY', text: 'Hi {{1}}, welcome to our shop.' };

test('examples, the order of parts and the case of words are not what a template says', () => {
  const header = { type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::abc'] } };
  const readBack = [
    { text: 'Hi {{1}}, welcome to our shop.', type: 'body', example: { body_text: [['Ana']] } },
    { type: 'header', format: 'image', example: { header_handle: ['https://scontent.example/x?expires=1'] } },
  ];
  expect(hash([header, body])).toBe(hash(readBack));
  const call = (phone: string) => [
    { type: 'BUTTONS', buttons: [{ type: 'PHONE_NUMBER', text: 'Call', phone_number: phone }] },
  ];
  expect(hash(call('+5511987654321'))).toBe(hash(call('5511987654321')));
});

test('words, formats, links and parts that nobody understands are', () => {
  const others: unknown[][] = [
    [{ ...body, text: 'Hi {{1}}, welcome to your shop.' }],
    [body, { type: 'FOOTER', text: 'Shop' }],
    [body, { type: 'HEADER', format: 'VIDEO' }],
    [body, { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Shop', url: 'https://a.example' }] }],
    [body, { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Shop', url: 'https://b.example' }] }],
    [body, { type: 'CAROUSEL', cards: [1] }],
    [body, { type: 'CAROUSEL', cards: [2] }],
  ];
  const hashes = [[body], ...others].map((components) => hash(components));
  expect(new Set(hashes).size).toBe(hashes.length);
  expect(hash([body], 'NAMED')).not.toBe(hash([body]));
});

test('an authentication template is the same as submitted and as Meta gives it back', () => {
  const submitted = [
    { type: 'BODY', add_security_recommendation: true },
    { type: 'FOOTER', code_expiration_minutes: 10 },
    { type: 'BUTTONS', buttons: [{ type: 'OTP', otp_type: 'COPY_CODE' }] },
  ];
  const url = 'https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}';
  const readBack = [
    { type: 'BODY', text: '*{{1}}* is your verification code.', add_security_recommendation: true },
    { type: 'FOOTER', text: 'Expires in 10 minutes.', code_expiration_minutes: 10 },
    { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Copy code', url }] },
  ];
  expect(hash(submitted)).toBe(hash(readBack));
});
