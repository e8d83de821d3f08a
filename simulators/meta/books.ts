import { randomBytes } from 'node:crypto';
import type { PhoneNumber, User } from './world.ts';

export const rank = { accepted: 0, sent: 1, delivered: 2, read: 3 } as const;
export type Reached = keyof typeof rank | 'failed';

/** One accepted message: what the simulator knows to be true of it, whatever the sender was told. */
export type Message = {
  index: number;
  number: PhoneNumber;
  user: User;
  type: string;
  category: 'marketing' | 'utility' | 'authentication' | 'service';
  template: string | undefined;
  opaque: string | undefined;
  acceptedAt: number;
  isAnswered: boolean;
  reached: Reached;
  /** Which statuses went out, a bit each. */
  told: number;
  errorCode: number | undefined;
  inWindow: boolean;
  inFreeEntry: boolean;
  /** The one before to the same user: repeats are found among a user's own, without keys for millions. */
  previous: Message | undefined;
};

/** What was received and sent, for whoever wants to reconcile. */
export type Books = {
  messages: Message[];
  /** Texts of the newest messages, by index. */
  texts: Map<number, string>;
  requests: number;
  refused: Map<number, number>;
  distinctRecipients: number;
  duplicates: number;
  statuses: { sent: number; delivered: number; read: number; failed: number };
  failures: Map<number, number>;
  webhooks: {
    posts: number;
    delivered: number;
    failed: number;
    abandoned: number;
    dropped: number;
    pending: number;
    updates: number;
  };
  /** Statuses and replies that are still to come. */
  scheduled: number;
  /** Makes ids that are nobody else's, not even another run's. */
  nonce: number;
  inboundCount: number;
};

export function createBooks(): Books {
  return {
    messages: [],
    texts: new Map(),
    requests: 0,
    refused: new Map(),
    distinctRecipients: 0,
    duplicates: 0,
    statuses: { sent: 0, delivered: 0, read: 0, failed: 0 },
    failures: new Map(),
    webhooks: { posts: 0, delivered: 0, failed: 0, abandoned: 0, dropped: 0, pending: 0, updates: 0 },
    scheduled: 0,
    nonce: randomBytes(4).readUInt32LE(),
    inboundCount: 0,
  };
}

export type BooksSummary = {
  /** Messages that were accepted, answered or not. */
  accepted: number;
  distinctRecipients: number;
  /**
   * Accepted messages beyond the first of the same number, the same recipient and the same message id (what stands before the
   * last dot of `biz_opaque_callback_data`); for templates sent without such data: of the same number, recipient and template.
   */
  duplicates: number;
  /** Requests that were refused, by Meta's code. */
  refused: Record<string, number>;
  requests: number;
  /** Accepted, and no answer reached the sender, or not yet. */
  unanswered: number;
  /** Messages of which each status was told at least once. */
  statuses: { sent: number; delivered: number; read: number; failed: number };
  /** Messages by the furthest state that they reached (`failed` only below `delivered`). */
  reached: Record<Reached, number>;
  /** Messages that failed, by code. */
  failures: Record<string, number>;
  /** Updates: `delivered` were answered 200, `pending` were not yet; `failed` counts POSTs that were not taken. */
  webhooks: Books['webhooks'];
  /** Statuses and replies whose time has not come. */
  scheduled: number;
};

export function summary(books: Books): BooksSummary {
  const reached: Record<Reached, number> = { accepted: 0, sent: 0, delivered: 0, read: 0, failed: 0 };
  let unanswered = 0;
  for (const message of books.messages) {
    reached[message.reached] += 1;
    if (!message.isAnswered) unanswered += 1;
  }
  return {
    accepted: books.messages.length,
    distinctRecipients: books.distinctRecipients,
    duplicates: books.duplicates,
    refused: Object.fromEntries(books.refused),
    requests: books.requests,
    unanswered,
    statuses: { ...books.statuses },
    reached,
    failures: Object.fromEntries(books.failures),
    webhooks: { ...books.webhooks },
    scheduled: books.scheduled,
  };
}

/** One accepted message, as it is handed out. */
export type BookMessage = {
  wamid: string;
  phoneNumberId: string;
  /** The recipient's digits. */
  recipient: string;
  type: string;
  template?: string;
  /** The text as rendered, of the newest `textsKept` messages. */
  text?: string;
  opaque?: string;
  acceptedAt: string;
  answered: boolean;
  status: Reached;
  errorCode?: number;
};

export function bookMessage(books: Books, message: Message): BookMessage {
  const text = books.texts.get(message.index);
  return {
    wamid: wamidOf(books, message.index),
    phoneNumberId: message.number.id,
    recipient: message.user.digits,
    type: message.type,
    ...(message.template === undefined ? {} : { template: message.template }),
    ...(text === undefined ? {} : { text }),
    ...(message.opaque === undefined ? {} : { opaque: message.opaque }),
    acceptedAt: new Date(message.acceptedAt).toISOString(),
    answered: message.isAnswered,
    status: message.reached,
    ...(message.errorCode === undefined ? {} : { errorCode: message.errorCode }),
  };
}

export function recordRefusal(books: Books, code: number): void {
  books.refused.set(code, (books.refused.get(code) ?? 0) + 1);
}

/** What a message is one of: its own id, or for a template without one the template; nothing for other messages. */
function keyOf({ number, opaque, template }: Message): string | undefined {
  if (opaque !== undefined) return `${number.id} =${opaque.slice(0, opaque.lastIndexOf('.')) || opaque}`;
  return template === undefined ? undefined : `${number.id} :${template}`;
}

/** A user with more messages than this is looked up by a set of keys. */
const chainMax = 32;

function isRepeat(message: Message): boolean {
  const { user } = message;
  const key = keyOf(message);
  if (key === undefined) return false;
  if (user.received <= chainMax) {
    for (let other = user.last; other; other = other.previous) if (keyOf(other) === key) return true;
    return false;
  }
  if (!user.keys) {
    user.keys = new Set();
    for (let other = user.last; other; other = other.previous) user.keys.add(keyOf(other) ?? '');
  }
  const isKnown = user.keys.has(key);
  user.keys.add(key);
  return isKnown;
}

export function recordMessage(books: Books, message: Message, text: string | undefined, textsKept: number): void {
  const { user } = message;
  books.messages.push(message);
  if (!user.last) books.distinctRecipients += 1;
  if (isRepeat(message)) books.duplicates += 1;
  message.previous = user.last;
  user.last = message;
  if (text !== undefined && textsKept > 0) {
    books.texts.set(message.index, text);
    if (books.texts.size > textsKept) {
      const [oldest] = books.texts.keys();
      if (oldest !== undefined) books.texts.delete(oldest);
    }
  }
}

/** Notes that a status went out; a message only moves forward. */
export function recordStatus(
  books: Books,
  message: Message,
  status: Exclude<Reached, 'accepted'>,
  code?: number,
): void {
  const bit = status === 'failed' ? 8 : 1 << (rank[status] - 1);
  if (!(message.told & bit)) {
    message.told |= bit;
    books.statuses[status] += 1;
    if (code !== undefined) {
      message.errorCode = code;
      books.failures.set(code, (books.failures.get(code) ?? 0) + 1);
    }
  }
  if (status === 'failed') {
    if (message.reached === 'accepted' || message.reached === 'sent') message.reached = 'failed';
  } else if (message.reached === 'failed') {
    if (rank[status] >= rank.delivered) message.reached = status;
  } else if (rank[status] > rank[message.reached]) message.reached = status;
}

const words = [0, 0, 0, 0, 0, 0];
const bytes = Buffer.alloc(24);

/** The id of a message: 24 bytes that follow from its place in the books, so that a million of them need no memory. */
export function wamidOf(books: Books, index: number): string {
  words[0] = (index ^ books.nonce) >>> 0;
  for (let at = 1; at < 6; at += 1) words[at] = mix((words[at - 1] ?? 0) + Math.imul(books.nonce, at) + at);
  for (let at = 0; at < 6; at += 1) bytes.writeUInt32LE(words[at] ?? 0, at * 4);
  return `wamid.${bytes.toString('base64')}`;
}

/** The place of a message in the books, if the id is one of ours. */
export function indexOfWamid(books: Books, wamid: string): number | undefined {
  const decoded = Buffer.from(wamid.slice(6), 'base64');
  if (decoded.length !== 24) return undefined;
  const index = (decoded.readUInt32LE(0) ^ books.nonce) >>> 0;
  return wamidOf(books, index) === wamid ? index : undefined;
}

/** Inbound messages take their ids from the other end. */
export const inboundBase = 0x8000_0000;

function mix(word: number): number {
  let mixed = word >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
