import { v7 as newId } from 'uuid';
import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { emailKeyOf, isEmail } from '../auth/email.ts';
import { hashLinkToken, makeLinkToken } from '../auth/link-token.ts';
import type { Role } from '../auth/permissions.ts';
import { requireRecent, type StepUp } from '../auth/step-up.ts';
import type { Viewer } from '../auth/viewer.ts';
import { ConflictError, InvalidInputError, NotFoundError, RateLimitedError } from '../errors.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { lockMembers, mayManage, ownersOnly } from './members.ts';

const lifeMs = 7 * 24 * 60 * 60_000;
const openMax = 200;
/** A mail that does not come at once comes no sooner for being asked for twice. */
const resendAfterMs = 60_000;

/** What invitations are made with. */
export type InvitationServices = StepUp & { keys: { secrets: readonly Buffer[] } };

/** Asks somebody by mail to work for the tenant. */
export async function createInvitation(
  tx: Tx,
  viewer: Viewer,
  input: { email: string; role: Role },
  services: InvitationServices,
): Promise<{ id: string }> {
  const { tenantId, actor } = viewer;
  const email = input.email.trim();
  if (!isEmail(email)) {
    throw new InvalidInputError([{ path: 'email', message: 'Expected an e-mail address, as ana@example.com.' }]);
  }
  if (input.role === 'OWNER') requireRecent(viewer, services);
  const acting = await lockMembers(tx, viewer);
  if (!mayManage(acting, input.role)) throw ownersOnly();

  const now = services.now();
  const emailKey = emailKeyOf(email);
  const members = await tx.membership.count({ where: { tenantId, user: { emailKey } } });
  if (members > 0) throw new ConflictError('Somebody with this address is a member already.', { path: 'email' });
  const open = { tenantId, acceptedAt: null, revokedAt: null };
  await tx.invitation.updateMany({ where: { ...open, expiresAt: { lte: now } }, data: { revokedAt: now } });
  const same = await tx.invitation.findFirst({ where: { ...open, emailKey }, select: { id: true } });
  if (same) {
    const conflicting = { typename: 'Invitation', id: same.id };
    throw new ConflictError('This address is invited already: resend it instead.', { path: 'email', conflicting });
  }
  const others = await tx.invitation.count({ where: open });
  if (others >= openMax) throw new ConflictError(`A tenant has at most ${openMax} open invitations.`);

  const id = newId();
  await tx.invitation.create({
    data: {
      tenantId,
      id,
      email,
      emailKey,
      role: input.role,
      tokenHash: tokenHashOf(tenantId, id, services),
      createdBy: actor.id,
      createdAt: now,
      sentAt: now,
      expiresAt: new Date(now.getTime() + lifeMs),
    },
    select: { id: true },
  });
  await queueMail(tx, tenantId, { kind: 'invitation', invitationId: id });
  const after = { role: input.role };
  await recordAudit(tx, viewer, { action: 'invitation.create', target: { type: 'Invitation', id }, after });
  return { id };
}

/** Sends the mail again, and gives it another 7 days. */
export async function resendInvitation(
  tx: Tx,
  viewer: Viewer,
  id: string,
  services: InvitationServices,
): Promise<{ id: string }> {
  const { tenantId } = viewer;
  const now = services.now();
  const { role, sentAt, isResent } = await findOpen(tx, viewer, id);
  const waitMs = sentAt.getTime() + resendAfterMs - now.getTime();
  if (isResent && waitMs > 0) throw new RateLimitedError('It was sent a moment ago.', Math.ceil(waitMs / 1_000));
  const data = {
    tokenHash: tokenHashOf(tenantId, id, services),
    sentAt: now,
    expiresAt: new Date(now.getTime() + lifeMs),
  };
  await tx.invitation.update({ where: { tenantId_id: { tenantId, id } }, data, select: { id: true } });
  await queueMail(tx, tenantId, { kind: 'invitation', invitationId: id });
  await recordAudit(tx, viewer, { action: 'invitation.resend', target: { type: 'Invitation', id }, after: { role } });
  return { id };
}

/** Takes an invitation back: its link works no more. */
export async function revokeInvitation(tx: Tx, viewer: Viewer, id: string, now: Date): Promise<{ id: string }> {
  const { tenantId } = viewer;
  const { role } = await findOpen(tx, viewer, id);
  await tx.invitation.update({
    where: { tenantId_id: { tenantId, id } },
    data: { revokedAt: now },
    select: { id: true },
  });
  await recordAudit(tx, viewer, { action: 'invitation.revoke', target: { type: 'Invitation', id }, before: { role } });
  return { id };
}

/** An invitation that can still be accepted, or could until its time was over; for whoever may deal with its role. */
async function findOpen(tx: Tx, viewer: Viewer, id: string): Promise<{ role: Role; sentAt: Date; isResent: boolean }> {
  const { tenantId } = viewer;
  const acting = await lockMembers(tx, viewer);
  const found = await tx.invitation.findUnique({ where: { tenantId_id: { tenantId, id } } });
  if (!found) throw new NotFoundError('There is no such invitation.');
  const role = found.role as Role;
  if (!mayManage(acting, role)) throw ownersOnly();
  if (found.acceptedAt) throw new ConflictError('The invitation was accepted.');
  if (found.revokedAt) throw new ConflictError('The invitation is over. Please make a new one.');
  return { role, sentAt: found.sentAt, isResent: found.sentAt > found.createdAt };
}

function tokenHashOf(tenantId: string, id: string, { keys }: InvitationServices): Buffer<ArrayBuffer> {
  const [newest] = keys.secrets;
  if (!newest) throw new Error('There is no server secret to derive tokens with.');
  return hashLinkToken(makeLinkToken('INVITATION', tenantId, id, newest));
}
