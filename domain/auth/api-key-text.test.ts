import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { findApiKey, formatApiKey, hashKeySecret, newKeySecret, parseApiKey, publicPartOf } from './api-key-text.ts';

test('a key says its id and its secret, and begins with what everybody may know', () => {
  for (const apiKeyId of [
    randomUUID(),
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ]) {
    const secret = newKeySecret();
    const text = formatApiKey({ apiKeyId, secret });
    expect(text).toMatch(/^parley_live_[0-9A-Za-z]{22}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    expect(text.startsWith(`${publicPartOf(apiKeyId)}_`)).toBe(true);
    expect(parseApiKey(text)).toEqual({ apiKeyId, secret });
    expect(hashKeySecret(secret)).toHaveLength(32);
  }
});

test('a slip of the pen is noticed wherever it happens', () => {
  const text = formatApiKey({ apiKeyId: randomUUID(), secret: newKeySecret() });
  const accepted = text.split('').flatMap((letter, at) => {
    const other = letter === 'x' ? 'y' : 'x';
    const changed = `${text.slice(0, at)}${other}${text.slice(at + 1)}`;
    return parseApiKey(changed) ? [changed] : [];
  });
  expect(accepted).toEqual([]);
  for (const other of [
    '',
    text.slice(0, -1),
    `${text}0`,
    ` ${text}`,
    `${text}\n`,
    text.toLowerCase(),
    text.replace('live', 'test'),
  ]) {
    expect(parseApiKey(other), other).toBeUndefined();
  }
});

test('a key is found in what somebody pastes, and nothing else is taken for one', () => {
  const key = { apiKeyId: randomUUID(), secret: newKeySecret() };
  const text = formatApiKey(key);
  for (const pasted of [
    text,
    ` ${text}\n`,
    `Authorization: Bearer ${text}`,
    `PARLEY_KEY="${text}"`,
    `?key=${text}&a=1`,
  ]) {
    expect(findApiKey(pasted), pasted).toEqual(key);
  }
  for (const pasted of ['', text.slice(1), text.slice(0, -1), `${text}x`, `x${text}`, `${text}_0`]) {
    expect(findApiKey(pasted), pasted).toBeUndefined();
  }
});

test('an id that is longer than ids are is no key’s', () => {
  const tooLarge = `parley_live_${'z'.repeat(22)}_${newKeySecret()}`;
  expect(parseApiKey(`${tooLarge}_000000`)).toBeUndefined();
});
