import type { Tx } from '../../prisma/client.ts';

export const roles = ['OWNER', 'ADMIN', 'SELLER'] as const;
export type Role = (typeof roles)[number];

/** Who is asking, for which tenant, with which role. */
export type Viewer = { userId: string; tenantId: string; sessionId: string; role: Role };

/** What a verified access token claims; the role is not in it: it is read anew for each operation. */
export type Claims = { userId: string; tenantId: string; sessionId: string };

const everybody: readonly Role[] = roles;
const managers: readonly Role[] = ['OWNER', 'ADMIN'];

/** Who may do what: the one table. */
const permissions = {
  'tenant.read': everybody,
  'tenant.write': managers,
  'contacts.read': everybody,
  'contacts.write': everybody,
  'contacts.delete': managers,
  'contacts.import': managers,
  'segments.read': everybody,
  'segments.write': managers,
  'settings.write': managers,
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;

export function may(role: Role, permission: Permission): boolean {
  return permissions[permission].includes(role);
}

/**
 * Answers who is asking: reads the session and the membership behind a token in a transaction of its tenant and person.
 * Null when the session has ended or the membership is gone, so that either takes effect with the next operation.
 */
export async function findViewer(tx: Tx, claims: Claims, now: Date): Promise<Viewer | null> {
  const { tenantId, sessionId, userId } = claims;
  const session = await tx.session.findUnique({
    where: { tenantId_id: { tenantId, id: sessionId }, userId, revokedAt: null, expiresAt: { gt: now } },
    select: { membership: { select: { role: true } } },
  });
  const role = roles.find((known) => known === session?.membership.role);
  return role ? { userId, tenantId, sessionId, role } : null;
}
