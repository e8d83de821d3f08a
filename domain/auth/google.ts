import type { Google, GoogleResult, Identity, Return } from '../../connectors/google/google.ts';
import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import type { Keyring } from '../connections/keyring.ts';
import {
  ConflictError,
  IdentityUnknownError,
  InvalidCredentialsError,
  InvalidInputError,
  PartnerError,
  PartnerOffError,
  PartnerUnavailableError,
} from '../errors.ts';
import { tellOf } from '../mails/tell-of.ts';
import { isUniqueViolation } from '../unique.ts';
import { handOut, takeBack } from './handed-out.ts';
import type { Proven } from './sign-in.ts';
import type { PersonViewer } from './viewer.ts';

export type GoogleDeps = { google: Google | null; keyring: Keyring; now: () => Date };

/** How long a person may take at Google, and then to decide what an unknown account is for. */
const goodForMs = 10 * 60_000;

/** Where to send the person; the client keeps the attempt, and brings it back with the code. */
export async function beginGoogle(
  { google, keyring, now }: GoogleDeps,
  email: string | undefined,
): Promise<{ url: string; attempt: string }> {
  const { url, attempt } = granted(await needed(google).begin(email));
  return { url, attempt: handOut(keyring, 'google attempt', attempt, new Date(now().getTime() + goodForMs)) };
}

/** Trades the code that the person came back with for the account. Asks Google: never in a transaction. */
export async function finishGoogle(
  { google, keyring, now }: GoogleDeps,
  input: { attempt: string } & Return,
): Promise<Identity> {
  const partner = needed(google);
  const attempt = takeBack(keyring, 'google attempt', input.attempt, now());
  if (!attempt) {
    throw new InvalidInputError([{ path: 'attempt', message: 'It is too old, or not ours. Please begin again.' }]);
  }
  if (attempt.state !== input.state) {
    throw new InvalidInputError([{ path: 'state', message: 'It belongs to another attempt. Please begin again.' }]);
  }
  return granted(await partner.finish(attempt, input));
}

/** Whose an account is, before anybody is signed in: by issuer and subject, and nothing else. */
export async function findByIdentity(tx: Tx, { issuer, subject }: Identity): Promise<Proven | null> {
  const [found] = await tx.$queryRaw<{ userId: string; tenantId: string | null }[]>`
    select user_id as "userId", tenant_id as "tenantId" from find_identity(${issuer}, ${subject})`;
  if (!found) return null;
  const { userId, tenantId } = found;
  if (tenantId === null) throw new InvalidCredentialsError('You belong to no tenant any more.');
  return { userId, tenantId };
}

/** Nobody has the account yet: it is handed out for `googleLink` or `googleSignUp`. An equal address makes it nobody’s. */
export function unknownIdentity(keyring: Keyring, identity: Identity, now: Date): IdentityUnknownError {
  const expiresAt = new Date(now.getTime() + goodForMs);
  return new IdentityUnknownError(handOut(keyring, 'google identity', identity, expiresAt), expiresAt, identity);
}

export function takeIdentity(keyring: Keyring, text: string, now: Date): Identity {
  const identity = takeBack(keyring, 'google identity', text, now);
  if (identity) return identity;
  throw new InvalidInputError([{ path: 'identity', message: 'It is too old, or not ours. Please begin again.' }]);
}

/** From here on the person signs in with this account as well. */
export async function linkGoogle(tx: Tx, viewer: PersonViewer, identity: Identity, now: Date): Promise<void> {
  const { userId } = viewer;
  const { issuer, subject } = identity;
  const linked = await tx.userIdentity.findUnique({ where: { userId_issuer: { userId, issuer } } });
  if (linked?.subject === subject) return;
  if (linked) throw new ConflictError('You sign in with another Google account already: unlink it first.');
  await storeIdentity(tx, userId, identity, now);
  await recordAudit(tx, viewer, { action: 'google.link', target: { type: 'User', id: userId } });
  await tellOf(tx, viewer, 'google-linked', now);
}

export async function storeIdentity(
  tx: Tx,
  userId: string,
  { issuer, subject }: Pick<Identity, 'issuer' | 'subject'>,
  now: Date,
): Promise<void> {
  try {
    await tx.userIdentity.create({ data: { userId, issuer, subject, createdAt: now }, select: { userId: true } });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ConflictError('Somebody signs in with this Google account already.', { path: 'identity' });
  }
}

/** Nobody may lock themselves out: without a password it stays. */
export async function unlinkGoogle(tx: Tx, viewer: PersonViewer, now: Date): Promise<void> {
  const { userId } = viewer;
  const password = await tx.userPassword.findUnique({ where: { userId }, select: { userId: true } });
  if (!password) throw new ConflictError('You have no other way to sign in. Please set a password first.');
  const { count } = await tx.userIdentity.deleteMany({ where: { userId } });
  if (count === 0) throw new ConflictError('There is no Google account that you sign in with.');
  await recordAudit(tx, viewer, { action: 'google.unlink', target: { type: 'User', id: userId } });
  await tellOf(tx, viewer, 'google-unlinked', now);
}

function needed(google: Google | null): Google {
  if (!google) throw new PartnerOffError('Signing in with Google is not set up on this installation.');
  return google;
}

function granted<T>(result: GoogleResult<T>): T {
  if (result.kind === 'ok') return result.value;
  if (result.kind === 'unavailable')
    throw new PartnerUnavailableError('Google cannot be reached at the moment.', result.retryAfter);
  throw new PartnerError('Google did not confirm this sign-in. Please begin again.');
}
