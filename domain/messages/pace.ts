import type { Tx } from '../../prisma/client.ts';

/**
 * A number's pace: one token a message, shared by the whole fleet. The bucket is a time: when the next token is free. Tokens that were not
 * used are kept for a quarter of a second, so that a late loop catches up; a single message may take one of the next quarter of a second, so
 * that it overtakes bulk. Both together stay within the second that Meta allows as a burst.
 */
const keptUs = 250_000;
const borrowedUs = 250_000;

/** Meta may count a little faster than we: the limit is reached, never passed. */
const safety = 0.995;

/** After a 130429 the number goes on at this part of its rate, and regains the rest in `recoverySeconds`. */
const slowerFactor = 0.7;
const recoverySeconds = 20;

/** Doubtful outcomes without a single clear answer: then the partner is down, and each further message would be one more in doubt. */
const doubtsMax = 5;
const openSecondsMax = 60;

export type Pace = {
  /** How many may leave now. */
  tokens: number;
  /** If none: when to look again. */
  waitMs: number;
  /** Only one probe may leave: the breaker is open. */
  isProbe: boolean;
  rate: number;
  startUs: bigint;
};

type PaceRow = {
  nowUs: bigint;
  nextFreeUs: bigint;
  rate: number;
  openForMs: number | null;
  doubts: number;
};

/** Looks at the bucket and holds it until the transaction ends: nobody else takes from it in between. */
export async function holdPace(
  tx: Tx,
  tenantId: string,
  numberId: string,
  { wanted, isUrgent, rateMax }: { wanted: number; isUrgent: boolean; rateMax: number },
): Promise<Pace> {
  const [row] = await tx.$queryRaw<PaceRow[]>`
    select (extract(epoch from clock_timestamp()) * 1e6)::bigint as "nowUs", p.next_free_us as "nextFreeUs",
      n.throughput * least(1, p.factor + (1 - p.factor) * extract(epoch from now() - p.factor_at) / ${recoverySeconds}::float8)::float8 as rate,
      (extract(epoch from p.open_until - clock_timestamp()) * 1000)::float8 as "openForMs", p.doubts
    from number_paces p join whatsapp_numbers n on n.tenant_id = p.tenant_id and n.id = p.number_id
    where p.tenant_id = ${tenantId}::uuid and p.number_id = ${numberId}::uuid for update of p`;
  if (!row) return { tokens: 0, waitMs: 1_000, isProbe: false, rate: 1, startUs: 0n };
  const rate = Math.min(row.rate, rateMax) * safety;
  if (row.openForMs !== null && row.openForMs > 0) {
    return { tokens: 0, waitMs: row.openForMs, isProbe: true, rate, startUs: row.nextFreeUs };
  }
  const isProbe = row.doubts >= doubtsMax;
  const earliest = row.nowUs - BigInt(keptUs);
  const startUs = row.nextFreeUs > earliest ? row.nextFreeUs : earliest;
  const untilUs = row.nowUs + BigInt(isUrgent ? borrowedUs : 0);
  const free = Math.floor((Number(untilUs - startUs) * rate) / 1e6);
  const tokens = Math.max(0, Math.min(free, isProbe ? 1 : wanted));
  const waitMs = Number(startUs - untilUs) / 1_000 + 1_000 / rate;
  return { tokens, waitMs: Math.max(1, waitMs), isProbe, rate, startUs };
}

/** Takes what is used of the tokens that were held. A probe closes the way behind it until its answer is there. */
export async function takeTokens(tx: Tx, tenantId: string, numberId: string, pace: Pace, used: number): Promise<void> {
  const nextFreeUs = pace.startUs + BigInt(Math.ceil((used * 1e6) / pace.rate));
  await tx.$executeRaw`
    update number_paces set next_free_us = ${nextFreeUs},
      open_until = case when ${pace.isProbe} then clock_timestamp() + make_interval(secs => least(${openSecondsMax}::float8, power(2, greatest(0, doubts - ${doubtsMax}::int))::float8)) else open_until end
    where tenant_id = ${tenantId}::uuid and number_id = ${numberId}::uuid`;
}

/** Counts what came in against the number's throughput: Meta counts both directions. */
export async function countInbound(tx: Tx, tenantId: string, numberId: string, messages: number): Promise<void> {
  await tx.$executeRaw`
    update number_paces p set next_free_us = greatest(p.next_free_us, (extract(epoch from clock_timestamp()) * 1e6)::bigint - ${keptUs}::bigint) + (${messages}::float8 * 1e6 / n.throughput)::bigint
    from whatsapp_numbers n
    where p.tenant_id = ${tenantId}::uuid and p.number_id = ${numberId}::uuid and n.tenant_id = p.tenant_id and n.id = p.number_id`;
}

export type PaceNews = { clear: number; doubtful: number; tooFast: number };

/** What a batch of answers says about the number's pace: slower after a 130429, broken off while nothing is answered clearly. */
export async function learnPace(tx: Tx, tenantId: string, numberId: string, news: PaceNews): Promise<void> {
  if (news.tooFast > 0) {
    await tx.$executeRaw`
      update number_paces set factor = greatest(0.05, ${slowerFactor}::float8 * least(1, factor + (1 - factor) * extract(epoch from now() - factor_at) / ${recoverySeconds}::float8)::float8),
        factor_at = now(), next_free_us = greatest(next_free_us, (extract(epoch from clock_timestamp()) * 1e6)::bigint + 500000)
      where tenant_id = ${tenantId}::uuid and number_id = ${numberId}::uuid and (factor_at < now() - interval '1 second' or factor = 1)`;
  }
  if (news.clear > 0) {
    await tx.$executeRaw`
      update number_paces set doubts = 0, open_until = null
      where tenant_id = ${tenantId}::uuid and number_id = ${numberId}::uuid and (doubts > 0 or open_until is not null)`;
  } else if (news.doubtful > 0) {
    // The first time the breaker opens it opens for a second, however many were under way; every failed probe doubles that.
    await tx.$executeRaw`
      update number_paces set doubts = case when doubts >= ${doubtsMax}::int then least(doubts + 1, ${doubtsMax + 10}::int) else least(doubts + ${news.doubtful}::int, ${doubtsMax}::int) end,
        open_until = case when doubts + ${news.doubtful}::int >= ${doubtsMax}::int
          then clock_timestamp() + make_interval(secs => least(${openSecondsMax}::float8, power(2, greatest(0, doubts + 1 - ${doubtsMax}::int))::float8)) else open_until end
      where tenant_id = ${tenantId}::uuid and number_id = ${numberId}::uuid`;
  }
}
