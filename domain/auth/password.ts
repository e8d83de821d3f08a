import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { argon2id, hash, needsRehash, verify } from 'argon2';
import { RateLimitedError } from '../errors.ts';

/** argon2id at the floor that OWASP gives. Raising it is safe at any time: a sign-in hashes anew what was weaker. */
const parameters = { type: argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

const lengthMin = 8;
const lengthMax = 128;

/** Each hash fills a core for 50 ms and takes 19 MB: as many at once as there are cores, and a queue no longer than about a second. */
const atOnceMax = availableParallelism();
const waitingMax = atOnceMax * 16;
let running = 0;
const waiting: (() => void)[] = [];

/** What is wrong with a new password, by length only (in code points, after NFKC); undefined when nothing is. */
export function passwordProblem(password: string): string | undefined {
  const { length } = Array.from(password.normalize('NFKC'));
  return length < lengthMin || length > lengthMax ? `Expected ${lengthMin} to ${lengthMax} characters.` : undefined;
}

export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(password.normalize('NFKC'), parameters));
}

/** Whether the password is the right one. Without a hash (nobody has this address) it answers false in the same time. */
export async function verifyPassword(storedHash: string | null, password: string): Promise<boolean> {
  const isPossible = passwordProblem(password) === undefined; // what nobody can have is hashed too, but not at its full length
  const against = storedHash ?? nobodysHash;
  const isRight = await inTurn(() => verify(against, isPossible ? password.normalize('NFKC') : ''));
  return isRight && isPossible && storedHash !== null;
}

/** Whether a hash was made with other parameters than today's. */
export function isOutdatedHash(storedHash: string): boolean {
  return needsRehash(storedHash, parameters);
}

/** A hash with today's parameters that no password is known to fit. */
const nobodysHash = [
  '$argon2id$v=19',
  `m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}`,
  unpadded(randomBytes(16)),
  unpadded(randomBytes(32)),
].join('$');

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
