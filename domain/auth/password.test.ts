import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { RateLimitedError } from '../errors.ts';
import { hashPassword, isOutdatedHash, passwordProblem, verifyPassword } from './password.ts';

test('a password is 8 to 128 characters, counted as people count them', () => {
  expect(passwordProblem('1234567')).toBeDefined();
  expect(passwordProblem('12345678')).toBeUndefined();
  expect(passwordProblem('\u{1F511}'.repeat(7))).toBeDefined();
  expect(passwordProblem('\u{1F511}'.repeat(128))).toBeUndefined();
  expect(passwordProblem('e\u0301'.repeat(128))).toBeUndefined();
  expect(passwordProblem('x'.repeat(129))).toBeDefined();
});

test('only the password itself opens its hash, and nothing opens nobody’s', async () => {
  const hash = await hashPassword('correct horse');
  expect(isOutdatedHash(hash)).toBe(false);
  expect(await verifyPassword(hash, 'correct horse')).toBe(true);
  expect(await verifyPassword(hash, 'correct horsf')).toBe(false);
  expect(await verifyPassword(null, 'correct horse')).toBe(false);
});

test('a storm of passwords is refused past a queue, and those in it are served', async () => {
  const held = availableParallelism() * 17; // at work and waiting
  const outcomes = await Promise.allSettled(
    Array.from({ length: held + 5 }, () => verifyPassword(null, 'correct horse')),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused.map((outcome) => (outcome as PromiseRejectedResult).reason)).toEqual(
    Array.from({ length: 5 }, () => expect.any(RateLimitedError)),
  );
  expect(await verifyPassword(null, 'correct horse')).toBe(false);
});
