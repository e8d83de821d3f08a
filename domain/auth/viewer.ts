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
  'whatsapp.read': everybody,
  'whatsapp.write': managers,
  'templates.read': everybody,
  'templates.write': managers,
  'campaigns.read': everybody,
  'campaigns.write': managers,
  'messages.read': everybody,
  'messages.send': everybody,
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
  // Every operation asks this first: written in SQL, it takes half the time.
  const [session] = await tx.$queryRaw<{ role: string }[]>`
    select m.role from sessions s join memberships m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
     where s.tenant_id = ${tenantId}::uuid and s.id = ${sessionId}::uuid and s.user_id = ${userId}::uuid
       and s.revoked_at is null and s.expires_at > ${now}`;
  const role = roles.find((known) => known === session?.role);
  return role ? { userId, tenantId, sessionId, role } : null;
}
