import { createHash } from 'node:crypto';
import { takePoints, type Withdrawn } from '../domain/limits/take-points.ts';
import { type Db, inScope } from '../prisma/client.ts';
import type { Log } from '../runtime/log.ts';

/** A bucket of points: how much it holds, and how much flows in in a second. */
export type Allowance = { capacity: number; rate: number };

/** Whose bucket, and how large it is. */
export type Account = { name: string; allowance: Allowance };

export type Spent = {
  isAllowed: boolean;
  /** What is left to spend at once, as far as this process knows. */
  available: number;
  /** In how many seconds there will be enough; 0 when there is. */
  retryAfter: number;
};

export type Budget = {
  /** Spends the same number of points from each account, or from none. Answers at once, unless a bucket must be asked first. */
  spend(accounts: readonly Account[], points: number): Spent | Promise<Spent>;
};

/** What part of a bucket a process sets aside, to spend without asking. */
const sliceOf = ({ capacity }: Allowance) => capacity / 20;
/** A bucket that could not give what was wanted is asked so often at most. */
const askAgainMs = 100;
const forgetAfterMs = 60_000;
const pursesMax = 50_000;

/** What this process has set aside of one bucket. */
type Purse = {
  key: string;
  allowance: Allowance;
  balance: number;
  /** Spent before the bucket was asked: the first slice is lent. */
  owed: number;
  /** What the bucket held when it was asked last, and when that was. */
  level: number;
  askedAt: number;
  wasShort: boolean;
  usedAt: number;
  /** Points that are waited for beyond a slice. */
  needed: number;
  /** The next slice is on its way. */
  isFetching: boolean;
};

/**
 * Buckets that every process of the API shares through Postgres, spent from without asking it: each process sets slices of them aside and
 * fetches the next one, for all callers in one statement, while it spends the rest of the last. So the limit holds for the fleet, to within a
 * slice for each process. Without an answer of the database nothing is refused: what would be asked for is not there either.
 */
export function createBudget({ db, log }: { db: Db; log: Log }): Budget {
  const purses = new Map<string, Purse>();
  const queue = new Set<Purse>();
  let fetching: Promise<void> | undefined;
  let batch = Promise.withResolvers<void>();

  const open = ({ name, allowance }: Account, now: number): Purse => {
    const known = purses.get(name);
    if (known) return known;
    const slice = sliceOf(allowance);
    const key = createHash('sha256').update(name).digest('hex').slice(0, 32);
    const purse = {
      key,
      allowance,
      balance: slice,
      owed: slice,
      level: allowance.capacity - slice,
      askedAt: now,
      usedAt: now,
      wasShort: false,
      needed: 0,
      isFetching: false,
    };
    if (purses.size >= pursesMax) forgetIdle(now);
    purses.set(name, purse);
    void order(purse);
    return purse;
  };
  const forgetIdle = (now: number) => {
    for (const [name, purse] of purses) {
      if (purse.usedAt < now - forgetAfterMs || purses.size >= pursesMax) purses.delete(name); // the longest known first
    }
  };
  /** Has a slice fetched for it; done when it is there. */
  const order = (purse: Purse): Promise<void> => {
    queue.add(purse);
    purse.isFetching = true;
    fetching ??= fetchAll().finally(() => (fetching = undefined));
    return batch.promise;
  };
  const fetchAll = async () => {
    await Promise.resolve(); // whoever asks in the same turn is fetched for together
    while (queue.size > 0) {
      const [asked, done] = [[...queue], batch];
      queue.clear();
      batch = Promise.withResolvers();
      await fetch(asked);
      done.resolve();
    }
  };
  const fetch = async (asked: Purse[]) => {
    const withdrawals = asked.map(({ key, owed, allowance, balance, needed }) => ({
      key,
      owed,
      wanted: Math.max(0, sliceOf(allowance) - balance) + needed,
      ...allowance,
    }));
    for (const purse of asked) purse.owed = purse.needed = 0;
    const found = await inScope(db, {}, (tx) => takePoints(tx, withdrawals)).catch((error: unknown) => {
      log.warn({ err: error }, 'points were not fetched');
      return withdrawals.map(({ key, wanted, capacity }): Withdrawn => ({ key, granted: wanted, remaining: capacity }));
    });
    const now = performance.now();
    const byKey = new Map(found.map((one) => [one.key, one]));
    asked.forEach((purse, index) => {
      const { granted = 0, remaining = 0 } = byKey.get(purse.key) ?? {};
      purse.isFetching = queue.has(purse);
      purse.balance += granted;
      purse.level = remaining;
      purse.askedAt = now;
      purse.wasShort = granted < (withdrawals[index]?.wanted ?? 0);
    });
  };

  /** What the bucket holds by now, if nobody else took from it. */
  const levelOf = ({ level, askedAt, allowance: { capacity, rate } }: Purse, now: number) =>
    Math.min(capacity, level + (rate * (now - askedAt)) / 1_000);

  const availableOf = (of: readonly Purse[], now: number) =>
    Math.floor(Math.max(0, Math.min(...of.map((purse) => purse.balance + Math.max(0, levelOf(purse, now))))));

  const take = (of: readonly Purse[], points: number): boolean => {
    if (of.some(({ balance }) => balance < points)) return false;
    for (const purse of of) {
      purse.balance -= points;
      const isLow = purse.balance < sliceOf(purse.allowance) / 2;
      if (isLow && !purse.isFetching && !mustWait(purse, performance.now())) void order(purse);
    }
    return true;
  };
  const mustWait = ({ wasShort, askedAt }: Purse, now: number) => wasShort && now - askedAt < askAgainMs;

  const refuse = (of: readonly Purse[], points: number, now: number): Spent => {
    const seconds = of.map((purse) => (points - purse.balance - levelOf(purse, now)) / purse.allowance.rate);
    return {
      isAllowed: false,
      available: availableOf(of, now),
      retryAfter: Math.max(1, Math.ceil(Math.max(...seconds))),
    };
  };
  const allow = (of: readonly Purse[], now: number): Spent => ({
    isAllowed: true,
    available: availableOf(of, now),
    retryAfter: 0,
  });

  return {
    spend(accounts, points) {
      const now = performance.now();
      const of = accounts.map((account) => open(account, now));
      for (const purse of of) purse.usedAt = now;
      if (take(of, points)) return allow(of, now);
      const short = of.filter(({ balance }) => balance < points);
      if (short.some((purse) => mustWait(purse, now) || purse.balance + levelOf(purse, now) < points)) {
        return refuse(of, points, now);
      }
      const ordered = short.map((purse) => {
        purse.needed += points - Math.max(0, purse.balance);
        return order(purse);
      });
      return fetched(ordered, of, points);
    },
  };

  async function fetched(ordered: Promise<void>[], of: readonly Purse[], points: number): Promise<Spent> {
    await Promise.all(ordered);
    const now = performance.now();
    return take(of, points) ? allow(of, now) : refuse(of, points, now);
  }
}
