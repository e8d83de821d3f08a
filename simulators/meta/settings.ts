import type { Range, Spread } from '../random.ts';

export type Profile = 'realistic' | 'demo' | 'noisy' | 'quiet';

/** Something that goes wrong with the next requests, whatever they ask. */
export type Fault = {
  /** `error` answers with `code`; `hang` never answers; `reset` cuts the connection; `garbage` answers 200 with what is no JSON. */
  kind: 'error' | 'hang' | 'reset' | 'garbage';
  /** Meta's code, for `error`. */
  code?: number;
  subcode?: number;
  details?: string;
  /** How many requests it hits; 1 unless given. */
  times?: number;
  /** Was the message accepted all the same? Only for sends. */
  accept?: boolean;
  /** Only requests to this node: a number, an account, a template. */
  node?: string;
  /** Only requests to this edge, as `messages` (the default), `message_templates`, `register`, `access_token`; `*` is every one. */
  edge?: string;
};

/** Every figure of the simulator. All are milliseconds, rates (0 to 1) or counts. */
export type MetaSettings = {
  /** How long an answer to a send takes. */
  latency: Spread;
  faults: {
    /** Sends that hang for `hangMs` and are then cut off. */
    hangRate: number;
    hangMs: number;
    /** Of the hanging ones, those that were accepted. */
    hangAcceptedRate: number;
    /** Accepted, and the connection cut before the answer. */
    resetAfterAcceptanceRate: number;
    /** Sends answered 500 with 131000. */
    serverErrorRate: number;
    /** Of those, the ones that were accepted all the same. */
    serverErrorAcceptedRate: number;
    /** What goes wrong next: first in, first out. */
    next: Fault[];
  };
  limits: {
    throughput: boolean;
    pair: boolean;
    /** Beyond the portfolio's limit: accepted and then failed with 131048, refused with 130429, or not counted at all. */
    portfolio: 'async' | 'sync' | 'off';
    management: boolean;
  };
  statuses: {
    enabled: boolean;
    sentMs: Range;
    delivered: Spread;
    neverDeliveredRate: number;
    /** Of the delivered ones. */
    readRate: number;
    read: Spread;
    /** Of the read ones, those whose `delivered` never comes. */
    skipDeliveredRate: number;
    deliveredAndFailedRate: number;
    failedMs: Range;
    /** Of the failed ones, those that were reported as sent before. */
    failedAfterSentRate: number;
  };
  /** How many of a category's messages fail, by code; `any` is for all of them. */
  failures: { any: Record<string, number>; marketing: Record<string, number> };
  webhooks: {
    /** Where every update goes, whatever was subscribed by the API; empty: as subscribed. */
    url: string;
    paused: boolean;
    delayMs: Range;
    duplicateRate: number;
    duplicateMs: Range;
    /** Neighbouring statuses of one message that come in the wrong order. */
    swapRate: number;
    /** Sends whose `sent` is taken by the receiver before the send is answered. */
    beforeAnswerRate: number;
    /** Updates in one POST: up to `batchUsual` when there is little to say, up to `batchMax` under load. */
    batchUsual: number;
    batchMax: number;
    bytesMax: number;
    /** How long updates are gathered before they leave. */
    lingerMs: number;
    /** Neighbouring statuses of one number that share one change. */
    mergeRate: number;
    concurrency: number;
    timeoutMs: number;
    /** The pauses before each further try; the last one repeats. */
    retryMs: number[];
    retryForMs: number;
    badSignature: boolean;
    /** The version of the payloads: 23 and older carry `conversation` on every status. */
    version: number;
  };
  templates: {
    reviewMs: Range;
    /** Is a body that another template has already rejected? */
    refuseDuplicates: boolean;
    pauseMs: [first: number, second: number];
    creationsPerHour: number;
    /** A new marketing template's messages beyond `after` are held, and then sent or dropped. */
    pacing: { enabled: boolean; after: number; releaseMs: Range; dropRate: number };
  };
  tokens: { requireProof: boolean; codeTtlMs: number; lifetimeMs: number };
  /** Do a recipient's last six digits decide what becomes of a message? */
  magicRecipients: boolean;
  /** How many messages keep their text in the books. */
  textsKept: number;
};

export type SettingsPatch = DeepPartial<MetaSettings>;
type DeepPartial<T> = T extends unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const instant: Spread = { medianMs: 0, p95Ms: 0, maxMs: 0 };

/** The figures of the reference (whatsapp-cloud-api, section 11). */
const realistic: MetaSettings = {
  latency: { medianMs: 180, p95Ms: 600, maxMs: 5_000 },
  faults: {
    hangRate: 0.001,
    hangMs: 30_000,
    hangAcceptedRate: 0.5,
    resetAfterAcceptanceRate: 0.001,
    serverErrorRate: 0.002,
    serverErrorAcceptedRate: 0.5,
    next: [],
  },
  limits: { throughput: true, pair: true, portfolio: 'async', management: true },
  statuses: {
    enabled: true,
    sentMs: [200, 2_000],
    delivered: { medianMs: 1_500, p95Ms: 174_000, maxMs: 6 * hour },
    neverDeliveredRate: 0.04,
    readRate: 0.65,
    read: { medianMs: 8 * minute, p95Ms: 8 * hour, maxMs: day },
    skipDeliveredRate: 0.05,
    deliveredAndFailedRate: 0.001,
    failedMs: [1_000, 5_000],
    failedAfterSentRate: 0.2,
  },
  failures: {
    any: { 131000: 0.001, 131026: 0.02 },
    marketing: { 131049: 0.04, 130472: 0.005, 131050: 0.003 },
  },
  webhooks: {
    url: '',
    paused: false,
    delayMs: [20, 400],
    duplicateRate: 0.01,
    duplicateMs: [1_000, minute],
    swapRate: 0.03,
    beforeAnswerRate: 0.005,
    batchUsual: 20,
    batchMax: 1_000,
    bytesMax: 3_000_000,
    lingerMs: 20,
    mergeRate: 0.2,
    concurrency: 4,
    timeoutMs: 10_000,
    retryMs: [0, minute, 5 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 4 * hour],
    retryForMs: 7 * day,
    badSignature: false,
    version: 25,
  },
  templates: {
    reviewMs: [2_000, 30_000],
    refuseDuplicates: true,
    pauseMs: [3 * hour, 6 * hour],
    creationsPerHour: 100,
    pacing: { enabled: true, after: 500, releaseMs: [2 * minute, hour], dropRate: 0.05 },
  },
  tokens: { requireProof: false, codeTtlMs: 30_000, lifetimeMs: 0 },
  magicRecipients: true,
  textsKept: 10_000,
};

const changes: Record<Exclude<Profile, 'realistic'>, SettingsPatch> = {
  // Quick, and some of everything that a minute can show; nothing that only a settle window of ten minutes would end.
  demo: {
    latency: { medianMs: 30, p95Ms: 90, maxMs: 1_000 },
    faults: { hangRate: 0, serverErrorRate: 0.001, serverErrorAcceptedRate: 1 },
    statuses: {
      sentMs: [50, 300],
      delivered: { medianMs: 400, p95Ms: 1_500, maxMs: 3_000 },
      neverDeliveredRate: 0.02,
      read: { medianMs: 1_000, p95Ms: 3_000, maxMs: 5_000 },
      failedMs: [100, 800],
    },
    webhooks: { delayMs: [5, 100], duplicateMs: [100, 1_500], retryMs: [0, 250, 500, 1_000, 2_000] },
    templates: { reviewMs: [500, 1_500], refuseDuplicates: false, pacing: { enabled: false } },
  },
  noisy: {
    latency: { medianMs: 20, p95Ms: 150, maxMs: 1_000 },
    faults: {
      hangRate: 0.005,
      hangMs: 3_000,
      resetAfterAcceptanceRate: 0.02,
      serverErrorRate: 0.02,
    },
    statuses: {
      sentMs: [5, 200],
      delivered: { medianMs: 50, p95Ms: 300, maxMs: 1_000 },
      read: { medianMs: 100, p95Ms: 400, maxMs: 1_000 },
      skipDeliveredRate: 0.2,
      deliveredAndFailedRate: 0.03,
      failedMs: [5, 300],
      failedAfterSentRate: 0.5,
    },
    failures: { any: { 131000: 0.02, 131026: 0.04 } },
    webhooks: {
      delayMs: [0, 300],
      duplicateRate: 0.2,
      duplicateMs: [1, 1_000],
      swapRate: 0.3,
      beforeAnswerRate: 0.1,
      mergeRate: 0.5,
      retryMs: [0, 100, 250, 500, 1_000],
    },
    templates: { reviewMs: [50, 500], refuseDuplicates: false, pacing: { enabled: false } },
  },
  // For tests: nothing goes wrong unless a test says so, and nothing waits.
  quiet: {
    latency: instant,
    faults: { hangRate: 0, resetAfterAcceptanceRate: 0, serverErrorRate: 0 },
    statuses: {
      sentMs: [1, 1],
      delivered: { medianMs: 1, p95Ms: 1, maxMs: 1 },
      neverDeliveredRate: 0,
      readRate: 1,
      read: { medianMs: 1, p95Ms: 1, maxMs: 1 },
      skipDeliveredRate: 0,
      deliveredAndFailedRate: 0,
      failedMs: [1, 1],
      failedAfterSentRate: 0,
    },
    failures: {
      any: { 131000: 0, 131026: 0 },
      marketing: { 131049: 0, 130472: 0, 131050: 0 },
    },
    webhooks: {
      delayMs: [0, 0],
      duplicateRate: 0,
      duplicateMs: [1, 10],
      swapRate: 0,
      beforeAnswerRate: 0,
      batchUsual: 1_000,
      lingerMs: 2,
      mergeRate: 0.5,
      concurrency: 1,
      retryMs: [0, 50, 100, 250, 500],
    },
    templates: { reviewMs: [5, 5], refuseDuplicates: false, pacing: { enabled: false } },
  },
};

export function settingsOf(profile: Profile): MetaSettings {
  return profile === 'realistic' ? structuredClone(realistic) : patched(realistic, changes[profile]);
}

/** The settings with a merge patch applied; a name or a kind of value that does not exist is refused, so that no typing mistake goes unnoticed. */
export function patched(settings: MetaSettings, patch: SettingsPatch): MetaSettings {
  return merge(structuredClone(settings), patch, '') as MetaSettings;
}

function merge(target: unknown, patch: unknown, path: string): unknown {
  if (typeof target !== 'object' || target === null || Array.isArray(target)) {
    if (typeof patch !== typeof target || Array.isArray(patch) !== Array.isArray(target))
      throw new TypeError(`The setting ${path} takes another kind of value.`);
    return structuredClone(patch);
  }
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch))
    throw new TypeError(`The setting ${path || 'meta'} is a group of settings.`);
  const into = target as Record<string, unknown>;
  const isOpen = path.startsWith('failures.');
  for (const [name, value] of Object.entries(patch)) {
    const inner = path === '' ? name : `${path}.${name}`;
    if (value === undefined) continue;
    if (!Object.hasOwn(into, name)) {
      if (!isOpen || typeof value !== 'number') throw new TypeError(`There is no setting ${inner}.`);
      into[name] = value;
    } else into[name] = merge(into[name], value, inner);
  }
  return into;
}
