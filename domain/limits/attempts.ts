import { createHmac } from 'node:crypto';
import type { Tx } from '../../prisma/client.ts';
import { RateLimitedError } from '../errors.ts';

/** How often something sensitive may be tried. What is forgotten by then begins anew. */
export type AttemptLimits = {
  /** So many at one account, and from one network, before anybody has to wait. */
  perAccount: number;
  perNetwork: number;
  /** Then so long, and twice as long each time, up to a limit: of an account, and of a network, behind which there may be many. */
  delayMs: number;
  accountDelayMsMax: number;
  networkDelayMsMax: number;
  forgottenAfterMs: number;
};

/** What is tried, at which account (as it is written, whether or not it exists), and from where. */
export type Attempt = { what: string; account: string | null; network: string };

/** An attempt that was counted; `isKnown`: from where the account was opened before. */
export type Counted = { attempt: Attempt; isKnown: boolean };

/**
 * Counts an attempt before it is made, so that many at the same moment are many; throws when it comes too soon. An account that does not exist
 * is counted like any other. Whoever guesses elsewhere never delays an owner who is where the account was opened before.
 */
export async function beginAttempt(tx: Tx, secret: Buffer, attempt: Attempt, limits: AttemptLimits): Promise<Counted> {
  const { account, own, network, place } = keysOf(secret, attempt);
  const ms = (value: number) => `${value} milliseconds`;
  const [found] = await tx.$queryRaw<{ waitSeconds: number; isKnown: boolean }[]>`
    select wait_seconds as "waitSeconds", is_known as "isKnown" from begin_attempt(${account}, ${own}, ${network}, ${place},
      ${limits.perAccount}::int, ${limits.perNetwork}::int, ${ms(limits.delayMs)}::interval, ${ms(limits.accountDelayMsMax)}::interval,
      ${ms(limits.networkDelayMsMax)}::interval, ${ms(limits.forgottenAfterMs)}::interval)`;
  const { waitSeconds = 0, isKnown = false } = found ?? {};
  if (waitSeconds > 0) throw new TooManyAttemptsError(Math.ceil(waitSeconds));
  return { attempt, isKnown };
}

/** It succeeded: it is not held against the account or the network, and from here the account is known to be opened. */
export async function endAttempt(tx: Tx, secret: Buffer, { attempt, isKnown }: Counted): Promise<void> {
  const { account, own, network, place } = keysOf(secret, attempt);
  await tx.$executeRaw`select end_attempt(${account}, ${own}, ${network}, ${place}, ${isKnown})`;
}

/** Its owner was proven in another way: whatever was tried at the account, from here or from elsewhere, is no longer in the way. */
export async function forgetAttempts(tx: Tx, secret: Buffer, attempt: Attempt): Promise<void> {
  for (const isKnown of [true, false]) await endAttempt(tx, secret, { attempt, isKnown });
}

/** What stands in the way of an attempt is not the attempt's own outcome: it is thrown before anything was looked at. */
export class TooManyAttemptsError extends RateLimitedError {
  constructor(retryAfter: number) {
    super(`Too many attempts. Please try again in ${retryAfter} s.`, retryAfter);
  }
}

/** Hashed under a secret of ours: addresses of people and of networks are too few to be hidden by a hash alone. */
function keysOf(secret: Buffer, { what, account, network }: Attempt) {
  const key = (...parts: string[]) =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['attempt', ...parts]))
      .digest()
      .subarray(0, 16);
  return {
    account: account === null ? null : key('account', what, account),
    own: account === null ? null : key('own', what, account, network),
    network: key('network', what, network),
    place: account === null ? null : key('place', account, network),
  };
}
