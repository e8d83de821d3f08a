import { v7 as newId } from 'uuid';
import type { Tx } from '../../prisma/client.ts';
import { EmailTakenError, problems } from '../errors.ts';
import { localeOf } from '../places.ts';
import { readProfile } from '../tenants/update-tenant.ts';
import { isUniqueViolation } from '../unique.ts';
import { emailKeyOf, isEmail } from './email.ts';
import { hashPassword, passwordProblem } from './password.ts';
import { createSession, type OpenSession } from './sessions.ts';

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
  user: { name: string; email: string; emailKey: string; passwordHash: string };
};

const nameMax = 200;

/** Checks everything at once and hashes the password. The new ids are known before the transaction, which is opened for them. */
export async function prepareSignUp(input: SignUp): Promise<PreparedSignUp> {
  const found = problems();
  const { tenantName, country, timeZone, locale } = input;
  const profile = readProfile({ name: tenantName, country, timeZone, locale: locale ?? localeOf(country) }, country, {
    add: (path, message) => found.add(path === 'name' ? 'tenantName' : path, message),
  });
  const name = input.name.trim();
  if (name === '' || name.length > nameMax) found.add('name', `Expected 1 to ${nameMax} characters.`);
  const email = input.email.trim();
  if (!isEmail(email)) found.add('email', 'Expected an e-mail address, as ana@example.com.');
  const weakness = passwordProblem(input.password);
  if (weakness) found.add('password', weakness);
  found.throwIfAny();
  return {
    tenantId: newId(),
    userId: newId(),
    tenant: profile as PreparedSignUp['tenant'], // all of it was given, and nothing was found wrong
    user: { name, email, emailKey: emailKeyOf(email), passwordHash: await hashPassword(input.password) },
  };
}

/** Creates the person, the tenant, the person's place in it as its OWNER, and a session: all or nothing. */
export async function signUp(tx: Tx, prepared: PreparedSignUp, now: Date): Promise<OpenSession> {
  const { tenantId, userId, tenant, user } = prepared;
  try {
    await tx.user.create({ data: { id: userId, ...user }, select: { id: true } });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new EmailTakenError('There is an account with this e-mail address already. Please sign in.');
  }
  await tx.tenant.create({ data: { id: tenantId, ...tenant }, select: { id: true } });
  await tx.membership.create({ data: { tenantId, userId, role: 'OWNER' }, select: { userId: true } });
  return createSession(tx, tenantId, userId, now);
}
