import type { Tx } from '../../prisma/client.ts';
import { recordPersonDeed } from '../audit/record-person-deed.ts';
import { ConflictError, InvalidInputError } from '../errors.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { revokeSessions } from './own-sessions.ts';
import { hashPassword, type HashParameters, storePassword, verifyPassword } from './password.ts';
import { knownOfPerson, refuseWeak } from './reset-password.ts';
import { requireRecent, type StepUp } from './step-up.ts';
import type { PersonViewer } from './viewer.ts';

type Run = <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>;

export type PasswordChange = { currentPassword: string; newPassword: string };

/**
 * Replaces the own password by another one: ends all other sessions and tells the person. The current password is proof enough, unless the
 * person has a second factor. Hashing takes too long for a transaction, so that there is one before and one after it.
 */
export async function changePassword(
  run: Run,
  viewer: PersonViewer,
  { currentPassword, newPassword }: PasswordChange,
  services: StepUp & { hashing: HashParameters },
): Promise<Date> {
  const { tenantId, userId, sessionId, origin } = viewer;
  const { hashing } = services;
  const now = services.now();
  const { known, stored, totp } = await run(async (tx) => ({
    known: await knownOfPerson(tx, userId),
    stored: await tx.userPassword.findUnique({ where: { userId }, select: { hash: true } }),
    totp: await tx.userTotp.findUnique({ where: { userId }, select: { confirmedAt: true } }),
  }));
  if (totp?.confirmedAt) requireRecent(viewer, services);
  if (!(await verifyPassword(stored?.hash ?? null, currentPassword, hashing)) || !stored)
    throw new InvalidInputError([{ path: 'currentPassword', message: 'This is not the current password.' }]);
  refuseWeak('newPassword', newPassword, known);
  const newHash = await hashPassword(newPassword, hashing);
  await run(async (tx) => {
    const [unchanged] = await tx.$queryRaw<object[]>`
      select from user_passwords where user_id = ${userId}::uuid and hash = ${stored.hash} for no key update`; // of two at once, one
    if (!unchanged) throw new ConflictError('The password was changed at the same moment.');
    await storePassword(tx, userId, newHash, now);
    await tx.userToken.deleteMany({ where: { userId, purpose: 'RESET_PASSWORD' } });
    const ended = await revokeSessions(tx, userId, now, sessionId);
    const target = { type: 'User', id: userId };
    await recordPersonDeed(tx, { origin }, { action: 'password.change', target, after: { ended } });
    await queueMail(tx, tenantId, { kind: 'notice', userId, notice: 'password-changed', at: now.toISOString() });
  });
  return now;
}
