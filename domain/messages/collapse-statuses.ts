import type { WireStatus } from '../../connectors/whatsapp/webhook-payloads.ts';

/** Everything a batch of statuses says about one attempt of one message, in whatever order and how often it was said. */
export type News = {
  messageId: string;
  attempt: number;
  wamid: string | null;
  sentAt: Date | null;
  deliveredAt: Date | null;
  readAt: Date | null;
  playedAt: Date | null;
  failedAt: Date | null;
  code: number | null;
  pricing: { category: string; type: string | null } | null;
};

const timeOf = {
  sent: 'sentAt',
  delivered: 'deliveredAt',
  read: 'readAt',
  played: 'playedAt',
  failed: 'failedAt',
} as const;
type Known = keyof typeof timeOf;

/** Statuses that move a message; Meta has had others (reference: whatsapp-cloud-api, section 7.4). */
export function isKnownStatus(status: string): status is Known {
  return Object.hasOwn(timeOf, status);
}

export function newsOf(messageId: string, attempt: number, status: WireStatus): News {
  const news: News = {
    messageId,
    attempt,
    wamid: status.wamid,
    pricing: status.pricing,
    code: null,
    sentAt: null,
    deliveredAt: null,
    readAt: null,
    playedAt: null,
    failedAt: null,
  };
  if (!isKnownStatus(status.status)) return news;
  news[timeOf[status.status]] = status.at;
  if (status.status === 'failed') news.code = status.code;
  return news;
}

/** Joins two pieces of news about one attempt. The statement in apply-statuses.ts joins with the row by the same rules: the earliest of each counts. */
export function joinNews(one: News, other: News): News {
  const failure = isEarlierFailure(other, one) ? other : one;
  return {
    messageId: one.messageId,
    attempt: one.attempt,
    wamid: least(one.wamid, other.wamid, (a, b) => a < b),
    sentAt: earlier(one.sentAt, other.sentAt),
    deliveredAt: earlier(one.deliveredAt, other.deliveredAt),
    readAt: earlier(one.readAt, other.readAt),
    playedAt: earlier(one.playedAt, other.playedAt),
    failedAt: failure.failedAt,
    code: failure.code,
    pricing: least(one.pricing, other.pricing, (a, b) => priceKey(a) < priceKey(b)),
  };
}

const earlier = (one: Date | null, other: Date | null) => least(one, other, (a, b) => a < b);

function least<T>(one: T | null, other: T | null, isLess: (a: T, b: T) => boolean): T | null {
  if (one === null || other === null) return one ?? other;
  return isLess(other, one) ? other : one;
}

function isEarlierFailure(a: News, b: News): boolean {
  if (a.failedAt === null || b.failedAt === null) return b.failedAt === null;
  if (a.failedAt.getTime() !== b.failedAt.getTime()) return a.failedAt < b.failedAt;
  return (a.code ?? Infinity) < (b.code ?? Infinity);
}

/** Where two statuses price a message differently, the one that is free wins: `free_…` comes before `regular`. */
const priceKey = ({ category, type }: NonNullable<News['pricing']>) => `${type ?? ''} ${category}`;
