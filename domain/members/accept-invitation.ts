import { timingSafeEqual } from 'node:crypto';
import { v7 as newId } from 'uuid';
import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { beginSession } from '../auth/begin-session.ts';
import { hashLinkToken, type LinkToken } from '../auth/link-token.ts';
import { hashPassword, type HashParameters } from '../auth/password.ts';
import { passwordProblem } from '../auth/password-rules.ts';
import { type Account, findAccount, type Proven, provePassword } from '../auth/sign-in.ts';
import { createSession, type OpenSession } from '../auth/sessions.ts';
import type { Presence } from '../auth/sign-in-signals.ts';
import type { Origin, PersonViewer } from '../auth/viewer.ts';
import { EmailTakenError, ForbiddenError, NotFoundError, problems } from '../errors.ts';
import { lockTenant } from '../tenants/lock-tenant.ts';
import { isUniqueViolation } from '../unique.ts';
import { endOfSession } from './switch-session.ts';

/** An open invitation, as whoever holds its token may know it. */
export type Invited = Record<'tenantId' | 'tenantName' | 'id' | 'email' | 'emailKey' | 'role' | 'locale', string>;

/** Somebody who is invited and has no account yet, ready to be written. */
export type Newcomer = { userId: string; name: string; passwordHash: string };

const nameMax = 200;

/**
 * Finds what a token invites to, in a transaction of its tenant, and the account that the address has. Whoever holds the token reads the
 * mail of that address: only they may learn of the account.
 */
export async function findInvited(
  tx: Tx,
  token: LinkToken,
  now: Date,
): Promise<{ invited: Invited; account: Account | null }> {
  const { scopeId: tenantId, id } = token;
  const found = await tx.invitation.findUnique({
    where: { tenantId_id: { tenantId, id } },
    include: { tenant: { select: { name: true, locale: true } } },
  });
  const isOpen = found && !found.acceptedAt && !found.revokedAt && found.expiresAt > now;
  if (!isOpen || !timingSafeEqual(found.tokenHash, hashLinkToken(token))) throw invitationOver();
  const { email, emailKey, role, tenant } = found;
  const invited = { tenantId, tenantName: tenant.name, id, email, emailKey, role, locale: tenant.locale };
  return { invited, account: await findAccount(tx, email) };
}

/** Checks the name and the password of somebody who has no account, and hashes the password. */
export async function prepareNewcomer(
  { email, tenantName }: Invited,
  input: { name?: string | null | undefined; password: string },
  hashing: HashParameters,
): Promise<Newcomer> {
  const found = problems();
  const name = input.name?.trim() ?? '';
  if (name === '' || name.length > nameMax) found.add('name', `Expected 1 to ${nameMax} characters.`);
  const weakness = passwordProblem(input.password, { name, email, tenantNames: [tenantName] });
  if (weakness) found.add('password', weakness);
  found.throwIfAny();
  return { userId: newId(), name, passwordHash: await hashPassword(input.password, hashing) };
}

/** Somebody with an account proves to own it; where they work so far, if anywhere, does not matter. */
export function proveInvited(
  { tenantId }: Invited,
  account: Account,
  password: string,
  hashing: HashParameters,
): Promise<Proven> {
  return provePassword({ ...account, tenantId }, password, hashing);
}

/** Makes the account of a newcomer, whose address is proven by the token, and signs them in. */
export async function joinAsNewcomer(
  tx: Tx,
  invited: Invited,
  { userId, name, passwordHash }: Newcomer,
  presence: Presence,
  now: Date,
): Promise<OpenSession> {
  const { email, emailKey, locale, tenantId } = invited;
  try {
    const data = { id: userId, name, email, emailKey, locale, emailVerifiedAt: now };
    await tx.user.create({ data, select: { id: true } });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw accountExists();
  }
  await tx.userPassword.create({ data: { userId, hash: passwordHash, changedAt: now }, select: { userId: true } });
  await join(tx, invited, userId, presence.origin, now);
  return beginSession(tx, { tenantId, userId }, presence, now);
}

/** Adds the person who is signed in, by the same address, and begins a session for the tenant. */
export async function joinAsViewer(tx: Tx, invited: Invited, viewer: PersonViewer, now: Date): Promise<OpenSession> {
  const { userId, origin, confirmedAt } = viewer;
  const { emailKey } = await tx.user.findUniqueOrThrow({ where: { id: userId }, select: { emailKey: true } });
  if (emailKey !== invited.emailKey) throw new ForbiddenError('The invitation is for somebody with another address.');
  await join(tx, invited, userId, origin, now);
  const expiresAt = await endOfSession(tx, viewer);
  return createSession(tx, { tenantId: invited.tenantId, userId }, origin, now, { confirmedAt, expiresAt });
}

/** Adds a person to the tenant, in a transaction of both, once for an invitation. */
export async function join(
  tx: Tx,
  { tenantId, id, role }: Invited,
  userId: string,
  origin: Origin | null,
  now: Date,
): Promise<void> {
  await lockTenant(tx, tenantId);
  const { count } = await tx.invitation.updateMany({
    where: { tenantId, id, acceptedAt: null, revokedAt: null, expiresAt: { gt: now } },
    data: { acceptedAt: now },
  });
  if (count === 0) throw invitationOver();
  const { count: added } = await tx.membership.createMany({
    data: [{ tenantId, userId, role, createdAt: now }],
    skipDuplicates: true, // a member already: the role stays
  });
  const by = { tenantId, actor: { type: 'PERSON', id: userId }, origin } as const;
  const after = { invitationId: id, ...(added > 0 ? { role } : {}) };
  await recordAudit(tx, by, { action: 'invitation.accept', target: { type: 'Member', id: userId }, after });
}

export function accountExists(): EmailTakenError {
  return new EmailTakenError('There is an account with this address. Please sign in, or give its password.');
}

/** The same for a token that never was, was used, was taken back or is too old. */
export function invitationOver(): NotFoundError {
  return new NotFoundError('There is no such invitation, or it is over.');
}
