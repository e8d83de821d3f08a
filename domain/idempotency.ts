import { createHash } from 'node:crypto';
import type { Prisma, Tx } from '../prisma/client.ts';
import {
  IdempotencyConflictError,
  InvalidInputError,
  reviveError,
  StillRunningError,
  type StoredError,
} from './errors.ts';

/** How long a request may be at work before its key is free again; longer than any request lives. */
const leaseSeconds = 30;
const keptDays = 7;

export type KeyUse = { tenantId: string; caller: string; key: string; operation: string; input: unknown };

/** What came of a request: what it returned (ids, never secrets), or how it was refused. */
type Stored = { outcome: Prisma.JsonValue } | { error: StoredError };

/** A claimed key: `lease` proves that it is still ours. Or what came of the first request with it. */
export type Claim = { lease: Date } | { replay: Prisma.JsonValue };

/** Writes down that a request is at work, to be committed before the work begins. Throws what the first request was refused with. */
export async function claimKey(tx: Tx, use: KeyUse): Promise<Claim> {
  if (!/^[\x21-\x7E]{1,255}$/.test(use.key)) {
    throw new InvalidInputError([
      { path: 'idempotencyKey', message: 'Expected 1 to 255 printable ASCII characters without spaces.' },
    ]);
  }
  const hash = hashOf(use.input);
  const [claimed] = await tx.$queryRaw<{ leaseUntil: Date }[]>`
    insert into idempotency_keys as k (tenant_id, caller, key, operation, input_hash, lease_until, expires_at)
    values (${use.tenantId}::uuid, ${use.caller}, ${use.key}, ${use.operation}, ${hash},
      clock_timestamp() + make_interval(secs => ${leaseSeconds}), now() + make_interval(days => ${keptDays}::int))
    on conflict (tenant_id, caller, key) do update
      set operation = excluded.operation, input_hash = excluded.input_hash, status = 'RUNNING', outcome = null,
          lease_until = excluded.lease_until, expires_at = excluded.expires_at
      where k.expires_at < now() or (k.status = 'RUNNING' and k.lease_until < clock_timestamp() and k.input_hash = excluded.input_hash and k.operation = excluded.operation)
    returning lease_until as "leaseUntil"`;
  if (claimed) return { lease: claimed.leaseUntil };

  const first = await tx.idempotencyKey.findUniqueOrThrow({
    where: { tenantId_caller_key: { tenantId: use.tenantId, caller: use.caller, key: use.key } },
  });
  if (first.operation !== use.operation || !hash.equals(first.inputHash)) {
    throw new IdempotencyConflictError('This idempotency key was used for another request.');
  }
  if (first.status === 'RUNNING') throw new StillRunningError(1);
  const stored = first.outcome as Stored;
  if ('error' in stored) throw reviveError(stored.error);
  return { replay: stored.outcome };
}

/** Stores what came of the request: the outcome in the write's own transaction, a refusal after its roll-back. */
export async function settleKey(tx: Tx, use: KeyUse, lease: Date, stored: Stored): Promise<void> {
  const { count } = await tx.idempotencyKey.updateMany({
    where: mine(use, lease),
    data: { status: 'DONE', outcome: stored },
  });
  if (count === 0) throw new StillRunningError(1); // we took longer than our lease, and somebody else is at it
}

/** A bug ended the request: the key is free for another try. */
export async function freeKey(tx: Tx, use: KeyUse, lease: Date): Promise<void> {
  await tx.idempotencyKey.deleteMany({ where: mine(use, lease) });
}

/** Deletes keys whose time is over, at most so many; returns how many. */
export function purgeKeys(tx: Tx, tenantId: string, atMost: number): Promise<number> {
  return tx.$executeRaw`
    delete from idempotency_keys where tenant_id = ${tenantId}::uuid and (caller, key) in (
      select caller, key from idempotency_keys where tenant_id = ${tenantId}::uuid and expires_at < now() limit ${atMost})`;
}

const mine = ({ tenantId, caller, key }: KeyUse, leaseUntil: Date) => ({
  tenantId,
  caller,
  key,
  status: 'RUNNING',
  leaseUntil,
});

function hashOf(input: unknown): Buffer<ArrayBuffer> {
  return createHash('sha256').update(canonical(input)).digest();
}

/** JSON with sorted keys: the same input in another order is the same input. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
