import type { Tx } from '../../prisma/client.ts';
import { recordPersonDeed } from '../audit/record-person-deed.ts';
import { ConflictError, LinkInvalidError } from '../errors.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { hashLinkToken, type LinkToken } from './link-token.ts';
import { findToken, spendToken } from './user-tokens.ts';
import type { Origin, PersonViewer } from './viewer.ts';

const noLink = 'This link does not work any more. Please ask for another one.';

/**
 * Takes a mailed link as proof of the address, in a transaction of the link's person. Once it has, it says so again and again: mail programs
 * and people open links twice.
 */
export async function verifyEmail(tx: Tx, token: LinkToken, origin: Origin | null, now: Date): Promise<Date> {
  const { scopeId: userId, id } = token;
  const user = await tx.user.findUnique({ where: { id: userId }, select: { emailKey: true, emailVerifiedAt: true } });
  const known = await findToken(tx, token, 'VERIFY_EMAIL', now);
  if (user?.emailVerifiedAt) {
    const used = await tx.userToken.findUnique({
      where: { userId_id: { userId, id }, hash: hashLinkToken(token), purpose: 'VERIFY_EMAIL' },
      select: { emailKey: true },
    });
    if (used?.emailKey === user.emailKey) return user.emailVerifiedAt;
  }
  if (!user || known?.emailKey !== user.emailKey || !(await spendToken(tx, token, 'VERIFY_EMAIL', now)))
    throw new LinkInvalidError(noLink);
  await tx.user.update({ where: { id: userId }, data: { emailVerifiedAt: now }, select: { id: true } });
  const target = { type: 'User', id: userId };
  await recordPersonDeed(tx, { origin, bySystem: true }, { action: 'email.verify', target });
  return now;
}

/** Sends the mail with the link once more; the one before stops working. */
export async function resendVerification(tx: Tx, { tenantId, userId }: PersonViewer): Promise<void> {
  const { emailVerifiedAt } = await tx.user.findUniqueOrThrow({ where: { id: userId } });
  if (emailVerifiedAt) throw new ConflictError('The address has been confirmed already.');
  await queueMail(tx, tenantId, { kind: 'verify-email', userId });
}
