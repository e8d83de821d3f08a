import { createHmac } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { NIL } from 'uuid';
import type { Tx } from '../../prisma/client.ts';
import { queueMail } from '../mails/queue-mail.ts';
import type { Claims, Origin } from './viewer.ts';

/** Where and with what somebody signs in, and what that is hashed with (newest first). */
export type Presence = {
  origin: Origin | null;
  /** What the client says of its browser. */
  fingerprint: string | null;
  serverSecrets: readonly Buffer[];
};

/** Whose the tries are with an address that nobody has. */
export const nobody = NIL;

const minuteMs = 60_000;
/** How far back a place or a device is remembered, and failures count. */
const rememberedMs = 365 * 24 * 60 * minuteMs;
/** How many of them a new one is compared with: a program may sign in every minute. */
const comparedMax = 1_000;
const failuresWithinMs = 60 * minuteMs;
const failuresMany = 5;

/**
 * Notes a failed try in a transaction of the account's person, or of `nobody` where the address has no account: one row is written in either
 * case, so that the time tells nothing.
 */
export async function recordFailure(tx: Tx, userId: string, presence: Presence, now: Date): Promise<void> {
  await store(tx, userId, 'FAILED', presence, [], now);
}

/** Notes a sign-in that worked, and tells the person when it is unlike those before; in the transaction of its session. */
export async function recordSuccess(
  tx: Tx,
  { tenantId, userId, sessionId }: Claims,
  presence: Presence,
  now: Date,
): Promise<void> {
  const flags = presence.origin ? await compare(tx, userId, presence, now) : [];
  await store(tx, userId, 'SUCCEEDED', presence, flags, now);
  for (const flag of flags) {
    const notice = flag === 'NEW_PLACE' ? 'new-place' : 'many-failures';
    await queueMail(tx, tenantId, { kind: 'notice', userId, notice, at: now.toISOString(), sessionId });
  }
}

/** Removes signals that are past their time, at most so many; returns how many. */
export async function purgeSignals(tx: Tx, atMost: number): Promise<number> {
  const [purged] = await tx.$queryRaw<{ gone: number }[]>`select purge_sign_in_signals(${atMost}::int) as gone`;
  return purged?.gone ?? 0;
}

type Flag = 'NEW_PLACE' | 'MANY_FAILURES';

async function compare(tx: Tx, userId: string, presence: Presence, now: Date): Promise<Flag[]> {
  const { network, fingerprint, agent } = tracesOf(presence);
  // A hash made before the newest secret came is still recognised.
  const known = (trace: Trace) => presence.serverSecrets.map((secret) => hashOf(trace, secret)?.toString('hex') ?? '');
  const since = (ms: number) => new Date(now.getTime() - ms);
  const [earlier] = await tx.$queryRaw<
    {
      successes: number;
      network: boolean;
      fingerprint: boolean;
      anyFingerprint: boolean;
      agent: boolean;
      last: Date | null;
    }[]
  >`
    select count(*)::int as successes, max(at) as last,
           coalesce(bool_or(encode(network_hash, 'hex') = any(${known(network)})), false) as network,
           coalesce(bool_or(encode(fingerprint_hash, 'hex') = any(${known(fingerprint)})), false) as fingerprint,
           coalesce(bool_or(fingerprint_hash is not null), false) as "anyFingerprint",
           coalesce(bool_or(fingerprint_hash is null and encode(agent_hash, 'hex') = any(${known(agent)})), false) as agent
      from (select * from sign_in_signals
             where user_id = ${userId}::uuid and outcome = 'SUCCEEDED' and at > ${since(rememberedMs)}
             order by at desc limit ${comparedMax}::int) s`;
  if (!earlier || earlier.successes === 0) return [];
  const failures = await tx.signInSignal.count({
    where: { userId, outcome: 'FAILED', at: { gt: later(earlier.last, since(failuresWithinMs)) } },
  });
  // By what the program calls itself, which anybody can say, only where no fingerprint is known that could be missed.
  const byFingerprint = fingerprint.value !== null && earlier.anyFingerprint;
  const knowsDevice = byFingerprint ? earlier.fingerprint : earlier.agent;
  return [
    ...(network.value !== null && !earlier.network && !knowsDevice ? (['NEW_PLACE'] as const) : []),
    ...(failures >= failuresMany ? (['MANY_FAILURES'] as const) : []),
  ];
}

const later = (one: Date | null, other: Date) => (one && one > other ? one : other);

async function store(
  tx: Tx,
  userId: string,
  outcome: 'SUCCEEDED' | 'FAILED',
  presence: Presence,
  flags: Flag[],
  now: Date,
): Promise<void> {
  const [newest] = presence.serverSecrets;
  if (!newest) throw new Error('There is no server secret to hash signals with.');
  const { address, network, fingerprint, agent } = tracesOf(presence);
  await tx.signInSignal.create({
    data: {
      userId,
      at: now,
      outcome,
      flags,
      addressHash: hashOf(address, newest),
      networkHash: hashOf(network, newest),
      fingerprintHash: hashOf(fingerprint, newest),
      agentHash: hashOf(agent, newest),
    },
    select: { id: true },
  });
}

type Trace = { kind: string; value: string | null };

function tracesOf({ origin, fingerprint }: Presence) {
  const address = origin?.address ?? null;
  return {
    address: { kind: 'address', value: address },
    network: { kind: 'network', value: networkOf(address) },
    fingerprint: { kind: 'fingerprint', value: fingerprint === '' ? null : fingerprint },
    agent: { kind: 'agent', value: origin?.userAgent ?? null },
  };
}

/** Keyed: a plain hash of an address is undone by trying them all. */
function hashOf({ kind, value }: Trace, secret: Buffer): Buffer<ArrayBuffer> | null {
  if (value === null) return null;
  return createHmac('sha256', secret).update(`parley sign-in ${kind}\0`).update(value).digest();
}

/** The /24 or /48 that an address is in: what a line at home or a phone keeps when its address changes. */
function networkOf(address: string | null): string | null {
  if (address === null || !ipaddr.isValid(address)) return null;
  const bytes = ipaddr.process(address).toByteArray();
  return Buffer.from(bytes.slice(0, bytes.length === 4 ? 3 : 6)).toString('hex');
}
