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

/** Somebody who proved to be who they say, and the password where that was the proof. */
export type Proven = { userId: string; tenantId: string; password?: ProvenPassword };

type ProvenPassword = {
  /** The same password hashed with today's parameters, where it was not. */
  newHash: string | undefined;
  /** Whether a hash that is stored by now is still of this password. */
  fits(storedHash: string): Promise<boolean>;
};

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
  if (!isRight || !userId || !tenantId || !passwordHash) throw wrongCredentials();
  const isOutdated = isOutdatedHash(passwordHash, hashing);
  const newHash = isOutdated ? await hashPassword(password, hashing) : undefined;
  const fits = async (stored: string) => stored === passwordHash || verifyPassword(stored, password, hashing);
  return { userId, tenantId, password: { newHash, fits } };
}

/** Begins a session, or the second step to one, in a transaction of the person and the tenant. */
export async function signIn(
  tx: Tx,
  { userId, tenantId, password }: Proven,
  presence: Presence,
  now: Date,
): Promise<OpenSession | Challenge> {
  if (password) await holdPassword(tx, userId, password);
  const challenge = await challengeIfOwed(tx, tenantId, userId, now);
  return challenge ?? beginSession(tx, { tenantId, userId }, presence, now);
}

/**
 * Looks once more whether the password is the one that was proven, and keeps it so until the session is there: whoever sets another one
 * waits, and then ends this session with the others.
 */
async function holdPassword(tx: Tx, userId: string, { newHash, fits }: ProvenPassword): Promise<void> {
  const [stored] = await tx.$queryRaw<{ hash: string }[]>`
    select hash from user_passwords where user_id = ${userId}::uuid for no key update`;
  if (!stored || !(await fits(stored.hash))) throw wrongCredentials();
  if (newHash !== undefined)
    await tx.userPassword.update({ where: { userId }, data: { hash: newHash }, select: { userId: true } });
}

function wrongCredentials(): InvalidCredentialsError {
  return new InvalidCredentialsError('The e-mail address or the password is wrong.');
}
