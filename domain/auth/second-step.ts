import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { queueMail } from '../mails/queue-mail.ts';
import type { Keyring } from '../connections/keyring.ts';
import { formatRefreshToken, hashRefreshToken, newRefreshToken, type RefreshToken } from './refresh-token.ts';
import { spendRecoveryCode } from './recovery-codes.ts';
import { spendCode, type Verdict } from './totp-code.ts';
import type { Origin } from './viewer.ts';

const lifeMs = 5 * 60_000;
const triesMax = 5;

/** What somebody is given who proved to know the password, and owes the second factor. Opens nothing but the second step. */
export type Challenge = { challenge: string; expiresAt: Date };

/** A challenge of the person for the tenant, if the person has a second factor; null: the session can begin. */
export async function challengeIfOwed(tx: Tx, tenantId: string, userId: string, now: Date): Promise<Challenge | null> {
  const totp = await tx.userTotp.findUnique({ where: { userId }, select: { confirmedAt: true } });
  if (!totp?.confirmedAt) return null;
  await tx.signInChallenge.deleteMany({ where: { userId, expiresAt: { lte: now } } });
  const token = newRefreshToken(tenantId, userId); // of the same form: whose it is, and 256 random bits; its hash covers both
  const expiresAt = new Date(now.getTime() + lifeMs);
  await tx.signInChallenge.create({
    data: { userId, hash: hashRefreshToken(token), createdAt: now, expiresAt },
    select: { userId: true },
  });
  return { challenge: formatRefreshToken(token), expiresAt };
}

export type SecondFactor = { code: string } | { recoveryCode: string };

/**
 * Takes the second step, in a transaction of the challenge's tenant and person: right, and every challenge of the person is spent; wrong, and
 * this one has a try less; `over`: it is no longer, or never was, good. Returned, not thrown, because the try has to be committed. A
 * person's steps are taken one after another: else two that end each other's challenge would wait for each other.
 */
export async function takeSecondStep(
  tx: Tx,
  keyring: Keyring,
  token: RefreshToken,
  factor: SecondFactor,
  origin: Origin | null,
  now: Date,
): Promise<Verdict | 'over'> {
  const { tenantId, userId } = token;
  const hash = hashRefreshToken(token);
  await tx.$queryRaw`select from user_totp where user_id = ${userId}::uuid for update`;
  const tried = await tx.$executeRaw`
    update sign_in_challenges set tries = tries + 1
     where user_id = ${userId}::uuid and hash = ${hash} and expires_at > ${now} and tries < ${triesMax}::int`;
  const member = await tx.membership.count({ where: { tenantId, userId } });
  if (tried === 0 || member === 0) return 'over';
  const verdict =
    'code' in factor
      ? await spendCode(tx, keyring, userId, factor.code, now)
      : await recover(tx, token, factor, origin, now);
  if (verdict !== 'right') return verdict;
  await tx.signInChallenge.deleteMany({ where: { userId } });
  return 'right';
}

async function recover(
  tx: Tx,
  { tenantId, userId }: RefreshToken,
  { recoveryCode }: { recoveryCode: string },
  origin: Origin | null,
  now: Date,
): Promise<'right' | 'wrong'> {
  if (!(await spendRecoveryCode(tx, userId, recoveryCode))) return 'wrong';
  const by: Answerable = { tenantId, actor: { type: 'PERSON', id: userId }, origin };
  await recordAudit(tx, by, { action: 'recoveryCode.use', target: { type: 'User', id: userId } });
  await queueMail(tx, tenantId, { kind: 'notice', userId, notice: 'recovery-code-used', at: now.toISOString() });
  return 'right';
}
