import { Prisma, type Tx } from '../../prisma/client.ts';
import type { Actor, Origin } from '../auth/viewer.ts';
import { sanitise } from './sanitise.ts';

/** Who is answerable for a deed, and where the request for it came from. A viewer is one. */
export type Answerable = { tenantId: string; actor: Actor; origin: Origin | null };

export type Deed = {
  /** The capability and what was done, as `apiKey.revoke`. */
  action: `${string}.${string}`;
  /** What it was done to, by its GraphQL type and row id. */
  target: { type: string; id: string | null };
  /** What changed, without secrets, message texts, phone numbers or addresses of contacts: the log outlives them (sanitise.ts is the last net). */
  before?: Prisma.InputJsonObject;
  after?: Prisma.InputJsonObject;
};

/** Writes a deed into the audit log, in the transaction of the deed: neither exists without the other. */
export async function recordAudit(
  tx: Tx,
  by: Answerable,
  { action, target, before, after }: Deed,
): Promise<{ id: string }> {
  const { tenantId, actor, origin } = by;
  return tx.auditEntry.create({
    data: {
      tenantId,
      actorType: actor.type,
      actorId: actor.id,
      action,
      targetType: target.type,
      targetId: target.id,
      address: origin?.address ?? null,
      requestId: origin?.requestId ?? null,
      before: before ? sanitise(before) : Prisma.DbNull,
      after: after ? sanitise(after) : Prisma.DbNull,
    },
    select: { id: true },
  });
}

/** What the fleet does by itself. */
export function bySystem(tenantId: string): Answerable {
  return { tenantId, actor: { type: 'SYSTEM', id: null }, origin: null };
}
