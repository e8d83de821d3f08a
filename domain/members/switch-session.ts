import type { Tx } from '../../prisma/client.ts';
import { createSession, type OpenSession } from '../auth/sessions.ts';
import type { PersonViewer } from '../auth/viewer.ts';
import { NotFoundError } from '../errors.ts';

/** A tenant that a person works for, to choose from. */
export type Workplace = { tenantId: string; name: string; role: string; joinedAt: Date };

/** Where the person that the transaction is of works, in the order of joining. */
export function findWorkplaces(tx: Tx): Promise<Workplace[]> {
  return tx.$queryRaw<Workplace[]>`
    select tenant_id as "tenantId", name, role, joined_at as "joinedAt" from find_own_tenants()`;
}

/** When a session ends in any case, for one that comes from it. Whoever is ending it at this moment comes first (`revokeSessions`). */
export async function endOfSession(tx: Tx, { tenantId, userId, sessionId: id }: PersonViewer): Promise<Date> {
  await tx.$queryRaw`select from users where id = ${userId}::uuid for key share`;
  const where = { tenantId_id: { tenantId, id }, revokedAt: null };
  const session = await tx.session.findUnique({ where, select: { expiresAt: true } });
  if (!session) throw new NotFoundError('This session has ended. Please sign in again.');
  return session.expiresAt;
}

/**
 * Begins a session for another tenant of the same person, in a transaction of both. It proves no more than the one it comes from: it is as
 * fresh, and ends with it at the latest.
 */
export async function switchSession(
  tx: Tx,
  viewer: PersonViewer,
  tenantId: string,
  endsAt: Date,
  now: Date,
): Promise<OpenSession> {
  const { userId, origin, confirmedAt } = viewer;
  const isMember = await tx.membership.count({ where: { tenantId, userId } });
  if (isMember === 0) throw new NotFoundError('There is no such tenant.');
  return createSession(tx, { tenantId, userId }, origin, now, { confirmedAt, expiresAt: endsAt });
}
