import type { Tx } from '../../prisma/client.ts';
import { InvalidCredentialsError } from '../errors.ts';
import { emailKeyOf } from './email.ts';
import { hashPassword, isOutdatedHash, verifyPassword } from './password.ts';
import { createSession, type OpenSession } from './sessions.ts';

/** Who has an address, with the tenant they joined first. */
export type Account = { userId: string; passwordHash: string; tenantId: string | null };

/** Somebody who proved to be who they say. */
export type Proven = { userId: string; tenantId: string; newHash: string | undefined };

/** Finds an account before anybody is signed in; the one read that is nobody's. */
export async function findAccount(tx: Tx, email: string): Promise<Account | null> {
  const [account] = await tx.$queryRaw<Account[]>`
    select user_id as "userId", password_hash as "passwordHash", tenant_id as "tenantId" from find_sign_in(${emailKeyOf(email)})`;
  return account ?? null;
}

/** Checks the password, outside of any transaction. A wrong one and an unknown address get the same answer in the same time. */
export async function provePassword(account: Account | null, password: string): Promise<Proven> {
  const isRight = await verifyPassword(account?.passwordHash ?? null, password);
  if (!isRight || !account?.tenantId) throw new InvalidCredentialsError('The e-mail address or the password is wrong.');
  const { userId, tenantId, passwordHash } = account;
  return { userId, tenantId, newHash: isOutdatedHash(passwordHash) ? await hashPassword(password) : undefined };
}

/** Begins a session, in a transaction of the person and the tenant. */
export async function signIn(tx: Tx, { userId, tenantId, newHash }: Proven, now: Date): Promise<OpenSession> {
  if (newHash !== undefined) {
    await tx.user.update({ where: { id: userId }, data: { passwordHash: newHash }, select: { id: true } });
  }
  return createSession(tx, tenantId, userId, now);
}
