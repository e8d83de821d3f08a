import { createHash, timingSafeEqual } from 'node:crypto';
import { HOTP, Secret, TOTP } from 'otpauth';
import type { Tx } from '../../prisma/client.ts';
import type { Keyring } from '../connections/keyring.ts';
import { type Cell, open } from '../connections/seal.ts';

/** What every authenticator app expects. */
const shape = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** The cell of a person's secret: a person belongs to no tenant. */
export function totpCell(userId: string): Cell {
  return { table: 'user_totp', column: 'secret', tenantId: '', rowId: userId };
}

export function newSecret(): string {
  return new Secret({ size: 20 }).base32;
}

/** What an authenticator app reads from a QR code. */
export function otpauthUri(secret: string, email: string): string {
  return new TOTP({ ...shape, issuer: 'Parley', label: email, secret }).toString();
}

/** What came of a code; blocked: too many were wrong, and none is looked at for so long. */
export type Verdict = 'right' | 'wrong' | { blockedForSeconds: number };

/** From so many wrong codes in a row on, each makes the next wait twice as long: up to an hour, never for good. */
const freeTries = 5;
const firstBlockSeconds = 30;
const blockSecondsMax = 3_600;

type Row = { secret: string; lastStep: bigint; failures: number; blockedUntil: Date | null };

/**
 * Checks a code of a person's authenticator app, and spends it: of two equal ones at the same moment one is right. The row stays locked
 * meanwhile, so that no burst gets more tries than it should. What it writes has to be committed for a wrong code as well: it throws nothing.
 */
export async function spendCode(
  tx: Tx,
  keyring: Keyring,
  userId: string,
  code: string,
  now: Date,
  { isConfirmed = true } = {},
): Promise<Verdict> {
  const [row] = await tx.$queryRaw<Row[]>`
    select secret, last_step as "lastStep", failures, blocked_until as "blockedUntil" from user_totp
     where user_id = ${userId}::uuid and (confirmed_at is not null) = ${isConfirmed} for update`;
  if (!row) return 'wrong';
  const waitMs = (row.blockedUntil?.getTime() ?? 0) - now.getTime();
  if (waitMs > 0) return { blockedForSeconds: Math.ceil(waitMs / 1_000) };

  const step = stepOf(open(keyring, totpCell(userId), row.secret), code, now);
  if (step !== undefined) {
    const spent = await tx.$executeRaw`
      update user_totp set last_step = ${step}::bigint, failures = 0, blocked_until = null
       where user_id = ${userId}::uuid and last_step < ${step}::bigint`;
    if (spent === 1) return 'right';
  }
  const failures = row.failures + 1;
  const blockSeconds = Math.min(firstBlockSeconds * 2 ** (failures - freeTries), blockSecondsMax);
  const blockedUntil = failures < freeTries ? null : new Date(now.getTime() + blockSeconds * 1_000);
  await tx.userTotp.update({ where: { userId }, data: { failures, blockedUntil }, select: { userId: true } });
  return 'wrong';
}

/** The 30 seconds that a code is of: these, or the ones before (people type slowly, and clocks go wrong); undefined for any other. */
function stepOf(secret: string, code: string, now: Date): number | undefined {
  const current = TOTP.counter({ period: shape.period, timestamp: now.getTime() });
  const key = Secret.fromBase32(secret);
  const typed = code.replaceAll(/\s/g, '');
  const matching = [current, current - 1].filter((counter) =>
    isSame(HOTP.generate({ secret: key, algorithm: shape.algorithm, digits: shape.digits, counter }), typed),
  );
  return matching[0];
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
