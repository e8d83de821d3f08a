import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { testHashing } from '../../test/fixtures.ts';
import { RateLimitedError } from '../errors.ts';
import { hashPassword, isOutdatedHash, verifyPassword } from './password.ts';

test('only the password itself opens its hash, and nothing opens nobody’s', async () => {
  const hash = await hashPassword('correct horse', testHashing);
  expect(isOutdatedHash(hash, testHashing)).toBe(false);
  expect(await verifyPassword(hash, 'correct horse', testHashing)).toBe(true);
  expect(await verifyPassword(hash, 'correct horsf', testHashing)).toBe(false);
  expect(await verifyPassword(null, 'correct horse', testHashing)).toBe(false);
});

test('a hash is outdated as soon as any parameter is another one', async () => {
  const hash = await hashPassword('correct horse', testHashing);
  for (const changed of [{ memoryKib: 2_048 }, { time: 3 }, { parallelism: 2 }])
    expect(isOutdatedHash(hash, { ...testHashing, ...changed })).toBe(true);
  expect(await verifyPassword(hash, 'correct horse', { ...testHashing, time: 3 })).toBe(true);
});

test('a storm of passwords is refused past a queue, and those in it are served', async () => {
  const held = availableParallelism() * 17; // at work and waiting
  const outcomes = await Promise.allSettled(
    Array.from({ length: held + 5 }, () => verifyPassword(null, 'correct horse', testHashing)),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused.map((outcome) => (outcome as PromiseRejectedResult).reason)).toEqual(
    Array.from({ length: 5 }, () => expect.any(RateLimitedError)),
  );
  expect(await verifyPassword(null, 'correct horse', testHashing)).toBe(false);
});
