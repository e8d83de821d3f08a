import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { argon2id, hash, needsRehash, verify } from 'argon2';
import type { Tx } from '../../prisma/client.ts';
import { RateLimitedError } from '../errors.ts';
import { hasPasswordLength } from './password-rules.ts';

/** How dear argon2id makes a guess. Raising it is safe at any time: a sign-in hashes anew what was made with other parameters. */
export type HashParameters = { memoryKib: number; time: number; parallelism: number };

/** Each hash fills a core for 50 ms and takes 19 MB: as many at once as there are cores, and a queue no longer than about a second. */
const atOnceMax = availableParallelism();
const waitingMax = atOnceMax * 16;
let running = 0;
const waiting: (() => void)[] = [];

export function hashPassword(password: string, parameters: HashParameters): Promise<string> {
  return inTurn(() => hash(password.normalize('NFKC'), optionsOf(parameters)));
}

/** Whether the password is the right one. Without a hash (nobody has this address) it answers false in the same time. */
export async function verifyPassword(
  storedHash: string | null,
  password: string,
  parameters: HashParameters,
): Promise<boolean> {
  const isPossible = hasPasswordLength(password); // what nobody can have is hashed too, but not at its full length
  const against = storedHash ?? nobodysHash(parameters);
  const isRight = await inTurn(() => verify(against, isPossible ? password.normalize('NFKC') : ''));
  return isRight && isPossible && storedHash !== null;
}

/** Whether a hash was made with other parameters than today's. */
export function isOutdatedHash(storedHash: string, parameters: HashParameters): boolean {
  return needsRehash(storedHash, optionsOf(parameters));
}

/**
 * Gives the person a password, or another one: for a transaction of the person, with the password hashed before it. A sign-in that waits for its
 * second step was begun with the one before.
 */
export async function storePassword(tx: Tx, userId: string, newHash: string, now: Date): Promise<void> {
  const password = { hash: newHash, changedAt: now };
  await tx.userPassword.upsert({
    where: { userId },
    create: { userId, ...password },
    update: password,
    select: { userId: true },
  });
  await tx.signInChallenge.deleteMany({ where: { userId } });
}

function optionsOf({ memoryKib, time, parallelism }: HashParameters) {
  return { type: argon2id, memoryCost: memoryKib, timeCost: time, parallelism } as const;
}

const salt = randomBytes(16);
const digest = randomBytes(32);

/** A hash with these parameters that no password is known to fit. */
function nobodysHash({ memoryKib, time, parallelism }: HashParameters): string {
  const cost = `m=${memoryKib},t=${time},p=${parallelism}`;
  return ['$argon2id$v=19', cost, unpadded(salt), unpadded(digest)].join('$');
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

/** Runs when a core is free; refuses when too many wait, so that a storm of sign-ins cannot fill the memory. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < atOnceMax) running += 1;
  else if (waiting.length < waitingMax) await new Promise<void>((resolve) => waiting.push(resolve));
  else throw new RateLimitedError('Too many people are signing in. Please try again.', 2);
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next)
      next(); // the place is handed on
    else running -= 1;
  }
}
