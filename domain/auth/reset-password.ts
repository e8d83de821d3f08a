import { v7 as newId } from 'uuid';
import type { Tx } from '../../prisma/client.ts';
import { recordPersonDeed } from '../audit/record-person-deed.ts';
import { InvalidInputError, LinkInvalidError } from '../errors.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { findWorkplaces } from '../members/switch-session.ts';
import type { LinkToken } from './link-token.ts';
import { type KnownOfPerson, passwordProblem } from './password-rules.ts';
import { storePassword } from './password.ts';
import { revokeSessions } from './own-sessions.ts';
import { findAccount } from './sign-in.ts';
import { findToken, spendToken } from './user-tokens.ts';
import type { Origin } from './viewer.ts';

const noLink = 'This link does not work any more. Please ask for another one.';

/**
 * Has a link mailed to whoever has the address. Whether anybody has it shows neither in the answer nor in the time: the same two statements
 * are sent for every address, the second of which queues a mail for a person that may not exist. Looking for the person, making
 * the token and writing the mail are left to the fleet.
 */
export async function requestReset(tx: Tx, email: string, now: Date): Promise<void> {
  const account = await findAccount(tx, email);
  const userId = account?.userId ?? newId();
  await queueMail(tx, null, { kind: 'reset-password', userId, requestedAt: now.toISOString() });
}

/** Whose new password it is to be: what the rules for it need. In a transaction of the link's person. */
export async function readReset(tx: Tx, token: LinkToken, now: Date): Promise<KnownOfPerson> {
  const known = await findToken(tx, token, 'RESET_PASSWORD', now);
  if (!known) throw new LinkInvalidError(noLink);
  return knownOfPerson(tx, known.userId);
}

export async function knownOfPerson(tx: Tx, userId: string): Promise<KnownOfPerson> {
  const { name, email } = await tx.user.findUniqueOrThrow({
    where: { id: userId },
    select: { name: true, email: true },
  });
  const workplaces = await findWorkplaces(tx);
  return { name, email, tenantNames: workplaces.map((workplace) => workplace.name) };
}

export function refuseWeak(path: string, password: string, known: KnownOfPerson): void {
  const message = passwordProblem(password, known);
  if (message !== undefined) throw new InvalidInputError([{ path, message }]);
}

/**
 * Sets the new password by a mailed link, which is used up, and ends every session. The link also proves the address: where nobody had, whoever
 * signed up with it may be somebody else, and the Google account that they linked opens nothing any more. In a transaction of the link's
 * person, with the password hashed before it.
 */
export async function resetPassword(
  tx: Tx,
  token: LinkToken,
  newHash: string,
  origin: Origin | null,
  now: Date,
): Promise<void> {
  const { scopeId: userId } = token;
  const known = await findToken(tx, token, 'RESET_PASSWORD', now);
  if (!known || !(await spendToken(tx, token, 'RESET_PASSWORD', now))) throw new LinkInvalidError(noLink);
  await storePassword(tx, userId, newHash, now);
  const ended = await revokeSessions(tx, userId, now);
  const { count: proven } = await tx.user.updateMany({
    where: { id: userId, emailKey: known.emailKey, emailVerifiedAt: null },
    data: { emailVerifiedAt: now },
  });
  if (proven > 0) await tx.userIdentity.deleteMany({ where: { userId } });
  const target = { type: 'User', id: userId };
  await recordPersonDeed(tx, { origin, bySystem: true }, { action: 'password.reset', target, after: { ended } });
  await queueMail(tx, null, { kind: 'notice', userId, notice: 'password-reset', at: now.toISOString() });
}
