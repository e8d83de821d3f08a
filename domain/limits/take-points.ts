import type { Tx } from '../../prisma/client.ts';
import { plainArrayLiteral } from '../../prisma/array-literal.ts';

/** What one process asks of a bucket that the fleet shares. */
export type Withdrawal = {
  /** A hash, in hex: whose bucket it is. */
  key: string;
  /** Taken in any case: it has been spent already. */
  owed: number;
  /** Taken as far as there is. */
  wanted: number;
  /** How much the bucket holds, and how much flows into it in a second. */
  capacity: number;
  rate: number;
};

export type Withdrawn = { key: string; granted: number; remaining: number };

/** Takes points out of buckets, all in one statement; a bucket that nobody knows yet is full. */
export function takePoints(tx: Tx, withdrawals: readonly Withdrawal[]): Promise<Withdrawn[]> {
  const all = (name: keyof Withdrawal) => plainArrayLiteral(withdrawals.map((one) => one[name]));
  const keys = plainArrayLiteral(withdrawals.map(({ key }) => `"\\\\x${key}"`));
  return tx.$queryRaw<Withdrawn[]>`
    select encode(bucket, 'hex') as key, granted, remaining
      from take_points(${keys}::bytea[], ${all('owed')}::float8[], ${all('wanted')}::float8[], ${all('capacity')}::float8[], ${all('rate')}::float8[])`;
}

/** Clears away what can no longer matter; answers how much it was. */
export async function purgeLimits(tx: Tx): Promise<number> {
  const [purged] = await tx.$queryRaw<{ gone: number }[]>`select purge_limits() as gone`;
  return purged?.gone ?? 0;
}
