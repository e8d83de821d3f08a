import { v7 as newId } from 'uuid';
import type { Identity } from '../../connectors/google/google.ts';
import type { Tx } from '../../prisma/client.ts';
import { InvalidInputError, problems } from '../errors.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { beginSession } from './begin-session.ts';
import { emailKeyOf, isEmail } from './email.ts';
import { storeIdentity } from './google.ts';
import type { OpenSession } from './sessions.ts';
import type { Presence } from './sign-in-signals.ts';
import { nameMax, type PreparedSignUp, readTenant, storeOwner, type TenantSignUp } from './sign-up.ts';

/** A sign-up without a password: name and address are what Google says. */
export function prepareGoogleSignUp(identity: Identity, input: TenantSignUp): PreparedSignUp {
  const found = problems();
  const tenant = readTenant(input, found);
  found.throwIfAny();
  const { email, name } = identity;
  if (email === null || !isEmail(email))
    throw new InvalidInputError([{ path: 'identity', message: 'This Google account has no e-mail address.' }]);
  const called = (name?.trim() || email).slice(0, nameMax);
  const user = { name: called, email, emailKey: emailKeyOf(email), locale: tenant.locale };
  return { tenantId: newId(), userId: newId(), tenant, user, passwordHash: null };
}

/** Creates the person with this way to sign in, the tenant, and a session: all or nothing. What Google has verified is not asked for again. */
export async function signUpWithGoogle(
  tx: Tx,
  prepared: PreparedSignUp,
  identity: Identity,
  presence: Presence,
  now: Date,
): Promise<OpenSession> {
  const { tenantId, userId } = prepared;
  await storeOwner(tx, prepared, now);
  await storeIdentity(tx, userId, identity, now);
  if (identity.isEmailVerified)
    await tx.user.update({ where: { id: userId }, data: { emailVerifiedAt: now }, select: { id: true } });
  else await queueMail(tx, tenantId, { kind: 'verify-email', userId });
  return beginSession(tx, { tenantId, userId }, presence, now);
}
