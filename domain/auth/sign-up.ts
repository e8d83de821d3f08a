import { v7 as newId } from 'uuid';
import type { Tx } from '../../prisma/client.ts';
import { EmailTakenError, problems } from '../errors.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { localeOf } from '../places.ts';
import { readProfile } from '../tenants/update-tenant.ts';
import { isUniqueViolation } from '../unique.ts';
import { beginSession } from './begin-session.ts';
import { emailKeyOf, isEmail } from './email.ts';
import { hashPassword, type HashParameters } from './password.ts';
import { passwordProblem } from './password-rules.ts';
import type { OpenSession } from './sessions.ts';
import type { Presence } from './sign-in-signals.ts';

export type SignUp = {
  tenantName: string;
  name: string;
  email: string;
  password: string;
  country: string;
  timeZone: string;
  locale?: string | null | undefined;
};

/** A checked sign-up, ready to be written: hashing a password takes too long for a transaction. */
export type PreparedSignUp = {
  tenantId: string;
  userId: string;
  tenant: { name: string; country: string; timeZone: string; locale: string };
  user: { name: string; email: string; emailKey: string; locale: string };
  /** Null where the person signs in with an account elsewhere instead. */
  passwordHash: string | null;
};

export const nameMax = 200;

export type TenantSignUp = Pick<SignUp, 'tenantName' | 'country' | 'timeZone' | 'locale'>;

/** The tenant of a sign-up as it is stored; everything that is wrong with it is added to what was found. */
export function readTenant(
  { tenantName: name, country, timeZone, locale }: TenantSignUp,
  found: { add(path: string, message: string): void },
): PreparedSignUp['tenant'] {
  const profile = readProfile({ name, country, timeZone, locale: locale ?? localeOf(country) }, country, {
    add: (path, message) => found.add(path === 'name' ? 'tenantName' : path, message),
  });
  return profile as PreparedSignUp['tenant']; // all of it was given; the caller throws if anything was found wrong
}

/** Checks everything at once and hashes the password. The new ids are known before the transaction, which is opened for them. */
export async function prepareSignUp(input: SignUp, hashing: HashParameters): Promise<PreparedSignUp> {
  const found = problems();
  const tenant = readTenant(input, found);
  const name = input.name.trim();
  if (name === '' || name.length > nameMax) found.add('name', `Expected 1 to ${nameMax} characters.`);
  const email = input.email.trim();
  if (!isEmail(email)) found.add('email', 'Expected an e-mail address, as ana@example.com.');
  const weakness = passwordProblem(input.password, { name, email, tenantNames: [input.tenantName] });
  if (weakness) found.add('password', weakness);
  found.throwIfAny();
  return {
    tenantId: newId(),
    userId: newId(),
    tenant,
    user: { name, email, emailKey: emailKeyOf(email), locale: tenant.locale },
    passwordHash: await hashPassword(input.password, hashing),
  };
}

/** Creates the person, the tenant, the person's place in it as its OWNER, a session and the mail to prove the address: all or nothing. */
export async function signUp(tx: Tx, prepared: PreparedSignUp, presence: Presence, now: Date): Promise<OpenSession> {
  const { tenantId, userId } = prepared;
  await storeOwner(tx, prepared, now);
  await queueMail(tx, tenantId, { kind: 'verify-email', userId });
  return beginSession(tx, { tenantId, userId }, presence, now);
}

/** The person, the tenant, and the person's place in it. */
export async function storeOwner(tx: Tx, prepared: PreparedSignUp, now: Date): Promise<void> {
  const { tenantId, userId, tenant, user, passwordHash } = prepared;
  try {
    await tx.user.create({ data: { id: userId, ...user }, select: { id: true } });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new EmailTakenError('There is an account with this e-mail address already. Please sign in.');
  }
  if (passwordHash !== null) {
    await tx.userPassword.create({ data: { userId, hash: passwordHash, changedAt: now }, select: { userId: true } });
  }
  await tx.tenant.create({ data: { id: tenantId, ...tenant }, select: { id: true } });
  await tx.membership.create({ data: { tenantId, userId, role: 'OWNER' }, select: { userId: true } });
}
