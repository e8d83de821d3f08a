import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { permissionsOf, type Role } from '../auth/permissions.ts';
import { requireRecent, type StepUp } from '../auth/step-up.ts';
import type { Viewer } from '../auth/viewer.ts';
import { ConflictError, ForbiddenError, NotFoundError } from '../errors.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { lockTenant } from '../tenants/lock-tenant.ts';

type Services = StepUp;

/** Gives a member another role. Making an owner, or making one something else, takes an owner, and a fresh proof of who that is. */
export async function setMemberRole(
  tx: Tx,
  viewer: Viewer,
  { userId, role }: { userId: string; role: Role },
  services: Services,
): Promise<{ userId: string }> {
  const acting = await lockMembers(tx, viewer);
  const before = await roleOf(tx, viewer.tenantId, userId);
  if (before === undefined) throw noSuchMember();
  if (!mayManage(acting, before, role)) throw ownersOnly();
  if (before === role) return { userId };
  if (before === 'OWNER' || role === 'OWNER') requireRecent(viewer, services);
  if (before === 'OWNER') await requireAnotherOwner(tx, viewer.tenantId, userId);
  await updateRole(tx, viewer.tenantId, userId, role);
  await recordAudit(tx, viewer, {
    action: 'member.setRole',
    target: { type: 'Member', id: userId },
    before: { role: before },
    after: { role },
  });
  await notify(tx, viewer, userId, 'role-changed', services);
  return { userId };
}

/** Ends somebody's place in the tenant, with every session they have there; one's own, whatever the role. Keys they made stay. */
export async function removeMember(
  tx: Tx,
  viewer: Viewer,
  userId: string,
  services: Services,
): Promise<{ userId: string }> {
  const { tenantId, actor } = viewer;
  const isLeaving = userId === actor.id;
  if (isLeaving) await lockTenant(tx, tenantId);
  const acting = isLeaving ? undefined : await lockMembers(tx, viewer);
  const role = await roleOf(tx, tenantId, userId);
  if (role === undefined) throw noSuchMember();
  if (acting && !mayManage(acting, role)) throw ownersOnly();
  if (acting && role === 'OWNER') requireRecent(viewer, services);
  if (role === 'OWNER') await requireAnotherOwner(tx, tenantId, userId);
  // Its sessions go with it, by their foreign key.
  await tx.membership.delete({ where: { tenantId_userId: { tenantId, userId } }, select: { userId: true } });
  const target = { type: 'Member', id: userId };
  await recordAudit(tx, viewer, { action: 'member.remove', target, before: { role } });
  if (!isLeaving) await notify(tx, viewer, userId, 'member-removed', services);
  return { userId };
}

/** Makes another member an owner, and the one who asks an ADMIN: in one step, so that there is no moment without. */
export async function transferOwnership(
  tx: Tx,
  viewer: Viewer,
  userId: string,
  services: Services,
): Promise<{ userId: string }> {
  requireRecent(viewer, services);
  const acting = await lockMembers(tx, viewer);
  if (!permissionsOf(acting).has('ownership.transfer')) throw ownersOnly();
  const before = await roleOf(tx, viewer.tenantId, userId);
  if (before === undefined) throw noSuchMember();
  if (userId === viewer.actor.id) throw new ConflictError('You own it already.', { path: 'memberId' });
  await updateRole(tx, viewer.tenantId, userId, 'OWNER');
  await updateRole(tx, viewer.tenantId, viewer.actor.id, 'ADMIN');
  await recordAudit(tx, viewer, {
    action: 'ownership.transfer',
    target: { type: 'Member', id: userId },
    before: { role: before },
    after: { role: 'OWNER', formerOwnerId: viewer.actor.id },
  });
  await notify(tx, viewer, userId, 'role-changed', services);
  return { userId };
}

/**
 * Lets one transaction at a time change who works for a tenant, and answers with the role that the caller has by then: whoever was demoted a
 * moment ago has no say any more.
 */
export async function lockMembers(tx: Tx, viewer: Viewer): Promise<Role> {
  await lockTenant(tx, viewer.tenantId);
  const role = await roleOf(tx, viewer.tenantId, viewer.actor.id);
  if (role === undefined || !permissionsOf(role).has('members.write')) throw new ForbiddenError('You may not do this.');
  return role;
}

/** Who may make, change or remove whom: what concerns owners is the owners'. */
export function mayManage(acting: Role, ...concerned: Role[]): boolean {
  return acting === 'OWNER' || !concerned.includes('OWNER');
}

export function ownersOnly(): ForbiddenError {
  return new ForbiddenError('Only an owner makes, changes or removes an owner.');
}

async function roleOf(tx: Tx, tenantId: string, userId: string): Promise<Role | undefined> {
  const where = { tenantId_userId: { tenantId, userId } };
  const found = await tx.membership.findUnique({ where, select: { role: true } });
  return found?.role as Role | undefined;
}

/** Within the lock: a tenant without an owner could be neither managed nor closed by anybody. */
async function requireAnotherOwner(tx: Tx, tenantId: string, userId: string): Promise<void> {
  const others = await tx.membership.count({ where: { tenantId, role: 'OWNER', userId: { not: userId } } });
  if (others === 0) throw new ConflictError('A tenant needs an owner: make somebody else one first.');
}

async function updateRole(tx: Tx, tenantId: string, userId: string, role: Role): Promise<void> {
  await tx.membership.update({
    where: { tenantId_userId: { tenantId, userId } },
    data: { role },
    select: { userId: true },
  });
}

async function notify(
  tx: Tx,
  { tenantId }: Viewer,
  userId: string,
  notice: 'role-changed' | 'member-removed',
  { now }: Services,
): Promise<void> {
  await queueMail(tx, tenantId, { kind: 'notice', userId, notice, at: now().toISOString() });
}

function noSuchMember(): NotFoundError {
  return new NotFoundError('There is no such member.');
}
