import { arrayLiteral, plainArrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';

/** A stored event in the hands of a worker. `payload` is null when it was blanked before anybody could apply it. */
export type TakenEvent = { key: string; kind: string; payload: string | null; attempts: number };

/** After so many attempts an event is set aside, with its reason. */
export const attemptsMax = 5;

/**
 * The next events that are due, each in the hands of one worker only. Statuses are marked as done in the same statement, since they are
 * applied in the same transaction; the others are only pointed out: `takeEvent` takes each in a transaction of its own.
 */
export async function takeEvents(tx: Tx, tenantId: string, atMost: number): Promise<TakenEvent[]> {
  await readInOrder(tx, true);
  const taken = await tx.$queryRaw<TakenEvent[]>`
    with taken as materialized (
      select key, kind, payload, attempts from webhook_events
       where tenant_id = ${tenantId}::uuid and due_at <= now() order by due_at, key limit ${atMost}::int for update skip locked
    ), done as (
      update webhook_events e set due_at = null, problem = null from taken t
       where e.tenant_id = ${tenantId}::uuid and e.key = t.key and t.kind = 'STATUS'
    )
    select key, kind, payload, attempts from taken`;
  await readInOrder(tx, false);
  return taken;
}

/**
 * Has Postgres walk along the index of what is due. Its statistics do not follow a backlog that grows: where they are old it takes the
 * backlog for small, and would read and sort all of it for every thousand.
 */
async function readInOrder(tx: Tx, isForced: boolean): Promise<void> {
  const others = isForced ? 'off' : 'on';
  await tx.$executeRaw`select set_config('enable_bitmapscan', ${others}, true), set_config('enable_sort', ${others}, true)`;
}

/** The same for these events, whatever their kind, as far as nobody else has them and they are still due. */
export async function takeTheseEvents(tx: Tx, tenantId: string, keys: readonly string[]): Promise<TakenEvent[]> {
  return tx.$queryRaw`
    with taken as materialized (
      select key, kind, payload, attempts from webhook_events
       where tenant_id = ${tenantId}::uuid and key = any(${arrayLiteral(keys)}::text[]) and due_at <= now() order by key for update skip locked
    ), done as (
      update webhook_events e set due_at = null, problem = null from taken t where e.tenant_id = ${tenantId}::uuid and e.key = t.key
    )
    select key, kind, payload, attempts from taken`;
}

/** Why an event was applied without effect. */
export async function noteEvents(tx: Tx, tenantId: string, keys: readonly string[], problem: string): Promise<void> {
  if (keys.length === 0) return;
  await tx.$executeRaw`
    update webhook_events set due_at = null, problem = ${problem}
     where tenant_id = ${tenantId}::uuid and key = any(${arrayLiteral(keys)}::text[])`;
}

/** Events whose time has not come: looked at again soon, then ever later, for an hour since they came. Then they are done with, and say why. */
export async function parkEvents(tx: Tx, tenantId: string, keys: readonly string[], problem: string): Promise<void> {
  if (keys.length === 0) return;
  await tx.$executeRaw`
    update webhook_events set problem = ${problem},
      due_at = case when received_at > now() - interval '1 hour' then now() + greatest(interval '2 seconds', (now() - received_at) / 2) end
     where tenant_id = ${tenantId}::uuid and key = any(${arrayLiteral(keys)}::text[])`;
}

/**
 * An event that failed by itself: tried again ever later, and set aside after a few times. Returns whether it is set aside now. `isHeld` where
 * this transaction took it; else it must still be due, or somebody else has applied it since.
 */
export async function failEvent(
  tx: Tx,
  tenantId: string,
  key: string,
  { problem, isHeld }: { problem: string; isHeld: boolean },
): Promise<boolean> {
  const pauses = plainArrayLiteral([10, 60, 600, 3_600]); // seconds after the first, second … attempt
  const [event] = await tx.$queryRaw<{ isSetAside: boolean }[]>`
    update webhook_events set attempts = attempts + 1, problem = ${problem},
      due_at = case when attempts + 1 < ${attemptsMax}::int then now() + make_interval(secs => (${pauses}::int[])[attempts + 1]) end
     where tenant_id = ${tenantId}::uuid and key = ${key} and (${isHeld}::boolean or due_at is not null)
    returning due_at is null as "isSetAside"`;
  return event?.isSetAside ?? false;
}
