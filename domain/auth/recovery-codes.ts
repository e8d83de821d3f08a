import { createHash, randomBytes } from 'node:crypto';
import type { Tx } from '../../prisma/client.ts';

const codeCount = 10;
const codeBytes = 15; // 120 bits: nobody guesses one, so that a plain hash is enough and wrong ones need no counting
/** Without letters that look like digits (Crockford’s base 32): these codes are copied by hand. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Gives a person new recovery codes instead of whatever there were; they are shown here once and stored as hashes. */
export async function renewRecoveryCodes(tx: Tx, userId: string, now: Date): Promise<string[]> {
  const codes = Array.from({ length: codeCount }, newCode);
  await tx.userRecoveryCode.deleteMany({ where: { userId } });
  await tx.userRecoveryCode.createMany({
    data: codes.map((code) => ({ userId, hash: hashOf(code), createdAt: now })),
  });
  return codes;
}

/** Spends a recovery code: one statement, so that it is good once. */
export async function spendRecoveryCode(tx: Tx, userId: string, code: string): Promise<boolean> {
  const { count } = await tx.userRecoveryCode.deleteMany({ where: { userId, hash: hashOf(code) } });
  return count === 1;
}

/** As `4F7K2M-9QXTB1-…`. */
function newCode(): string {
  const bits = BigInt(`0x${randomBytes(codeBytes).toString('hex')}`);
  const letters = Array.from(
    { length: (codeBytes * 8) / 5 },
    (_, index) => alphabet[Number((bits >> BigInt(index * 5)) & 31n)],
  ).join('');
  return letters.match(/.{6}/g)?.join('-') ?? letters;
}

function hashOf(code: string): Buffer<ArrayBuffer> {
  const typed = code.toUpperCase().replaceAll(/[^0-9A-Z]/g, '');
  return createHash('sha256').update(typed.replaceAll('O', '0').replaceAll(/[IL]/g, '1')).digest();
}
