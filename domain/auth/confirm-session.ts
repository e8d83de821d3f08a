import type { Tx } from '../../prisma/client.ts';
import type { Run } from '../connections/connect-whatsapp.ts';
import type { Keyring } from '../connections/keyring.ts';
import { InvalidCredentialsError, InvalidInputError, RateLimitedError, SessionEndedError } from '../errors.ts';
import { type HashParameters, verifyPassword } from './password.ts';
import { spendCode, type Verdict } from './totp-code.ts';
import type { PersonViewer } from './viewer.ts';

/** A stolen session must be no place to guess a password: with so many wrong proofs it ends, and the person signs in again. */
const triesMax = 5;

export type Proof = { password?: string | null | undefined; code?: string | null | undefined };
export type ConfirmDeps = { run: Run; keyring: Keyring; hashing: HashParameters; now: () => Date };

/** Proves once more who has the session: with a code where the person has an authenticator app, else with the password. */
export async function confirmSession(deps: ConfirmDeps, viewer: PersonViewer, proof: Proof): Promise<Date> {
  const { run } = deps;
  const now = deps.now();
  const ways = await run((tx) => waysToProve(tx, viewer.userId));
  const given = checkProof(ways, proof);
  await run((tx) => takeTry(tx, viewer)).then(refuseEnded); // counted before it is looked at, so that no burst gets more
  const verdict =
    given.code === undefined
      ? await verifyPassword(ways.passwordHash, given.password, deps.hashing)
      : await run((tx) => spendCode(tx, deps.keyring, viewer.userId, given.code, now));
  if (verdict === true || verdict === 'right') return run((tx) => confirm(tx, viewer, now));
  await run((tx) => endIfTriedTooOften(tx, viewer, now)).then(refuseEnded);
  throw refusalOf(verdict === false ? 'wrong' : verdict, given.code === undefined ? 'password' : 'code');
}

/** A wrong code, or one that nobody looked at, in words. */
export function refusalOf(
  verdict: Exclude<Verdict, 'right'>,
  what: 'code' | 'password' = 'code',
): InvalidCredentialsError | RateLimitedError {
  if (verdict === 'wrong') return new InvalidCredentialsError(`The ${what} is wrong.`);
  return new RateLimitedError('Too many codes were wrong. Please wait.', verdict.blockedForSeconds);
}

type Ways = { hasTotp: boolean; passwordHash: string | null };

async function waysToProve(tx: Tx, userId: string): Promise<Ways> {
  const { password, totp } = await tx.user.findUniqueOrThrow({
    where: { id: userId },
    select: { password: { select: { hash: true } }, totp: { select: { confirmedAt: true } } },
  });
  return { hasTotp: !!totp?.confirmedAt, passwordHash: password?.hash ?? null };
}

type Checked = { code: string; password?: never } | { password: string; code?: undefined };

/** The one proof that this person can give. Where there is a second factor the password alone must not be able to take it away. */
function checkProof({ hasTotp, passwordHash }: Ways, { password, code }: Proof): Checked {
  const refuse = (path: string, message: string) => new InvalidInputError([{ path, message }]);
  if (hasTotp) {
    if (typeof code === 'string' && typeof password !== 'string') return { code };
    throw refuse('code', 'Expected a code of your authenticator app, and nothing else.');
  }
  if (passwordHash === null) throw refuse('password', 'You have no password. Please sign in again, as you did before.');
  if (typeof password === 'string' && typeof code !== 'string') return { password };
  throw refuse('password', 'Expected your password, and nothing else.');
}

function sessionOf({ tenantId, sessionId: id }: PersonViewer) {
  return { tenantId, id, revokedAt: null };
}

async function takeTry(tx: Tx, viewer: PersonViewer): Promise<boolean> {
  const where = { ...sessionOf(viewer), confirmTries: { lt: triesMax } };
  const { count } = await tx.session.updateMany({ where, data: { confirmTries: { increment: 1 } } });
  return count === 1;
}

async function endIfTriedTooOften(tx: Tx, viewer: PersonViewer, now: Date): Promise<boolean> {
  const where = { ...sessionOf(viewer), confirmTries: { gte: triesMax } };
  const { count } = await tx.session.updateMany({ where, data: { revokedAt: now } });
  return count === 0;
}

async function confirm(tx: Tx, viewer: PersonViewer, now: Date): Promise<Date> {
  const data = { confirmedAt: now, confirmTries: 0 };
  const { count } = await tx.session.updateMany({ where: sessionOf(viewer), data });
  refuseEnded(count === 1);
  return now;
}

function refuseEnded(isGoingOn: boolean): void {
  if (!isGoingOn) throw new SessionEndedError('The session has ended. Please sign in again.');
}
