import type { Tx } from '../../prisma/client.ts';
import { InvalidCredentialsError } from '../errors.ts';
import { beginSession } from './begin-session.ts';
import { emailKeyOf } from './email.ts';
import { hashPassword, type HashParameters, isOutdatedHash, verifyPassword } from './password.ts';
import { type Challenge, challengeIfOwed } from './second-step.ts';
import type { OpenSession } from './sessions.ts';
import type { Presence } from './sign-in-signals.ts';

/** Who has an address, with the tenant they joined first. Without a password they sign in by other means. */
export type Account = { userId: string; passwordHash: string | null; tenantId: string | null };

/** Somebody who proved to be who they say. */
export type Proven = { userId: string; tenantId: string; newHash: string | undefined };

/** Finds an account before anybody is signed in; the one read that is nobody's. */
export async function findAccount(tx: Tx, email: string): Promise<Account | null> {
  const [account] = await tx.$queryRaw<Account[]>`
    select user_id as "userId", password_hash as "passwordHash", tenant_id as "tenantId" from find_sign_in(${emailKeyOf(email)})`;
  return account ?? null;
}

/** Checks the password, outside of any transaction. A wrong one and an unknown address get the same answer in the same time. */
export async function provePassword(
  account: Account | null,
  password: string,
  hashing: HashParameters,
): Promise<Proven> {
  const { userId, tenantId, passwordHash } = account ?? {};
  const isRight = await verifyPassword(passwordHash ?? null, password, hashing);
  if (!isRight || !userId || !tenantId || !passwordHash)
    throw new InvalidCredentialsError('The e-mail address or the password is wrong.');
  const isOutdated = isOutdatedHash(passwordHash, hashing);
  return { userId, tenantId, newHash: isOutdated ? await hashPassword(password, hashing) : undefined };
}

/** Begins a session, or the second step to one, in a transaction of the person and the tenant. */
export async function signIn(
  tx: Tx,
  { userId, tenantId, newHash }: Proven,
  presence: Presence,
  now: Date,
): Promise<OpenSession | Challenge> {
  if (newHash !== undefined) {
    await tx.userPassword.update({ where: { userId }, data: { hash: newHash }, select: { userId: true } });
  }
  const challenge = await challengeIfOwed(tx, tenantId, userId, now);
  return challenge ?? beginSession(tx, { tenantId, userId }, presence, now);
}
