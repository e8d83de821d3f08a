import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createFinder, type Secret } from './finder.ts';

test('every secret is found wherever it stands, among many, and nothing else is', () => {
  const secrets: Secret[] = Array.from({ length: 5_000 }, () => ({
    kind: 'token',
    text: randomBytes(12).toString('base64url'),
  }));
  const find = createFinder(secrets);
  const noise = () => randomBytes(300).toString('base64');
  for (const secret of secrets.slice(0, 200)) {
    for (const text of [secret.text, `${noise()}${secret.text}`, `${noise()}"${secret.text}"${noise()}`]) {
      expect(find(text).map(({ secret: found }) => found.text)).toEqual([secret.text]);
      expect(text.startsWith(secret.text, find(text)[0]?.at)).toBe(true);
    }
    expect(find(secret.text.slice(1))).toEqual([]);
    expect(find(secret.text.slice(0, -1))).toEqual([]);
  }
  expect(find(Array.from({ length: 1_000 }, noise).join('\n'))).toEqual([]);
  expect(find('')).toEqual([]);
});

test('of secrets that begin alike each is found', () => {
  const find = createFinder(['+5511987654321', '+5511987654322'].map((text) => ({ kind: 'phone', text })));
  expect(find('to +5511987654322 and +5511987654321.').map(({ secret }) => secret.text)).toEqual([
    '+5511987654322',
    '+5511987654321',
  ]);
});
