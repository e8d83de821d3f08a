import { refuse, type Refusal } from './errors.ts';
import {
  countWithin,
  dayMs,
  hourMs,
  isWindowOpen,
  now,
  type PhoneNumber,
  type Tier,
  type Waba,
  type World,
} from './world.ts';

/** Messages a second, by level (reference: whatsapp-cloud-api, section 5). */
export const perSecond = { STANDARD: 80, HIGH: 1_000, COEXISTENCE: 20 } as const;

const tierSize: Record<Tier, number> = {
  TIER_250: 250,
  TIER_2K: 2_000,
  TIER_10K: 10_000,
  TIER_100K: 100_000,
  TIER_UNLIMITED: Number.POSITIVE_INFINITY,
};

/** Takes a token from the number's bucket, which holds one second's worth; inbound messages take theirs too. */
export function takeThroughput(world: World, number: PhoneNumber): Refusal | undefined {
  if (!world.settings.limits.throughput) return undefined;
  const rate = perSecond[number.level];
  const at = now(world);
  const { bucket } = number;
  bucket.tokens = Math.min(rate, bucket.tokens + ((at - bucket.at) / 1_000) * rate);
  bucket.at = at;
  if (bucket.tokens < 1)
    return refuse(
      130429,
      'Message failed to send because there were too many messages sent from this phone number in a short period of time',
    );
  bucket.tokens -= 1;
  return undefined;
}

const pairEveryMs = 6_000;
const pairBurst = 45;

/** One message each six seconds to one user; a burst of 45 is lent from the future (GCRA). */
export function takePair(world: World, number: PhoneNumber, user: string): Refusal | undefined {
  if (!world.settings.limits.pair) return undefined;
  const at = now(world);
  const due = Math.max(number.pairs.get(user) ?? 0, at);
  if (due - at > (pairBurst - 1) * pairEveryMs)
    return refuse(
      131056,
      'Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time',
    );
  number.pairs.set(user, due + pairEveryMs);
  if (number.pairs.size > 10_000 && at - number.pairsPurgedAt > pairEveryMs) {
    number.pairsPurgedAt = at;
    for (const [key, until] of number.pairs) if (until <= at) number.pairs.delete(key);
  }
  return undefined;
}

/** Counts a user towards the portfolio's 24 hours; false when the limit is reached. Answers inside a window cost nothing. */
export function takePortfolio(world: World, number: PhoneNumber, user: string): boolean {
  const { portfolio } = number.waba;
  const size = tierSize[portfolio.tier];
  if (world.settings.limits.portfolio === 'off' || size === Number.POSITIVE_INFINITY) return true;
  if (isWindowOpen(world, number, user)) return true;
  const at = now(world);
  for (const [oldest, when] of portfolio.reached) {
    if (when > at - dayMs) break;
    portfolio.reached.delete(oldest);
  }
  const isNew = !portfolio.reached.delete(user);
  if (isNew && portfolio.reached.size >= size) return false;
  portfolio.reached.set(user, at);
  return true;
}

/** Management calls of one account in the rolling hour: 200, or 5,000 once a number is registered. */
export function takeManagement(world: World, waba: Waba): { refusal?: Refusal; headers: Record<string, string> } {
  const max = waba.numbers.some(({ isRegistered }) => isRegistered) ? 5_000 : 200;
  const count = countWithin(waba.managementCalls, now(world) - hourMs);
  const isOver = world.settings.limits.management && count >= max;
  if (!isOver) waba.managementCalls.push(now(world));
  const percent = Math.min(100, Math.ceil(((count + 1) * 100) / max));
  const wait = isOver ? Math.ceil(((waba.managementCalls[0] ?? 0) + hourMs - now(world)) / 60_000) : 0;
  const usage = { type: 'whatsapp_business_management', call_count: percent, total_cputime: 1, total_time: 1 };
  const headers = {
    'x-app-usage': JSON.stringify({ call_count: percent, total_time: 1, total_cputime: 1 }),
    'x-business-use-case-usage': JSON.stringify({ [waba.id]: [{ ...usage, estimated_time_to_regain_access: wait }] }),
  };
  return isOver
    ? { refusal: refuse(80007, 'The WhatsApp Business Account has reached its rate limit.'), headers }
    : { headers };
}
