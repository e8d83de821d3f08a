import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import type { Keyring } from '../connections/keyring.ts';
import { seal } from '../connections/seal.ts';
import { ConflictError } from '../errors.ts';
import { tellOf } from '../mails/tell-of.ts';
import { renewRecoveryCodes } from './recovery-codes.ts';
import { newSecret, otpauthUri, spendCode, totpCell, type Verdict } from './totp-code.ts';
import type { PersonViewer } from './viewer.ts';

export type TotpSetup = { secret: string; uri: string };

/** Begins to set up an authenticator app: a new secret, shown here once, that counts for nothing before a code of it has come. */
export async function beginTotp(tx: Tx, keyring: Keyring, viewer: PersonViewer, now: Date): Promise<TotpSetup> {
  const { userId } = viewer;
  const { email } = await tx.user.findUniqueOrThrow({ where: { id: userId }, select: { email: true } });
  const secret = newSecret();
  const sealed = seal(keyring, totpCell(userId), secret);
  const begun = await tx.$executeRaw`
    insert into user_totp as t (user_id, secret, created_at) values (${userId}::uuid, ${sealed}, ${now})
    on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at
     where t.confirmed_at is null`; // the count of wrong codes stays: beginning anew buys no tries
  if (begun === 0) throw new ConflictError('There is an authenticator app already: disable it first.');
  await recordAudit(tx, viewer, { action: 'totp.begin', target: { type: 'User', id: userId } });
  return { secret, uri: otpauthUri(secret, email) };
}

/** The first code proves that the app has the secret: from here on sign-ins ask for one. Answers with the recovery codes, or with what is wrong. */
export async function confirmTotp(
  tx: Tx,
  keyring: Keyring,
  viewer: PersonViewer,
  code: string,
  now: Date,
): Promise<{ recoveryCodes: string[] } | Exclude<Verdict, 'right'>> {
  const { userId } = viewer;
  const begun = await tx.userTotp.findUnique({ where: { userId }, select: { confirmedAt: true } });
  if (!begun) throw new ConflictError('Nothing was begun: call totpBegin first.');
  if (begun.confirmedAt) throw new ConflictError('The authenticator app is confirmed already.');
  const verdict = await spendCode(tx, keyring, userId, code, now, { isConfirmed: false });
  if (verdict !== 'right') return verdict;
  await tx.userTotp.update({ where: { userId }, data: { confirmedAt: now }, select: { userId: true } });
  await recordAudit(tx, viewer, { action: 'totp.confirm', target: { type: 'User', id: userId } });
  await tellOf(tx, viewer, 'totp-enabled', now);
  return { recoveryCodes: await renewRecoveryCodes(tx, userId, now) };
}

/** Takes the second factor away, with its recovery codes. Where the tenant asks for one, nothing is left but to set up another. */
export async function disableTotp(tx: Tx, viewer: PersonViewer, now: Date): Promise<void> {
  const { userId } = viewer;
  const { count } = await tx.userTotp.deleteMany({ where: { userId } });
  if (count === 0) throw new ConflictError('There is no authenticator app.');
  await tx.userRecoveryCode.deleteMany({ where: { userId } });
  await tx.signInChallenge.deleteMany({ where: { userId } });
  await recordAudit(tx, viewer, { action: 'totp.disable', target: { type: 'User', id: userId } });
  await tellOf(tx, viewer, 'totp-disabled', now);
}

/** New recovery codes; the ones before are good no more. */
export async function replaceRecoveryCodes(tx: Tx, viewer: PersonViewer, now: Date): Promise<string[]> {
  const { userId } = viewer;
  const [confirmed] = await tx.$queryRaw<object[]>`
    select from user_totp where user_id = ${userId}::uuid and confirmed_at is not null for update`; // in turn: two at once leave ten, not twenty
  if (!confirmed) throw new ConflictError('There is no authenticator app that they could stand in for.');
  await recordAudit(tx, viewer, { action: 'recoveryCodes.renew', target: { type: 'User', id: userId } });
  await tellOf(tx, viewer, 'recovery-codes-renewed', now);
  return renewRecoveryCodes(tx, userId, now);
}
