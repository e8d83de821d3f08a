import { createHmac, randomBytes, randomInt } from 'node:crypto';
import type { Agenda } from '../agenda.ts';
import type { Random } from '../random.ts';
import type { Books, Message } from './books.ts';
import type { Media, Upload } from './media.ts';
import type { MetaSettings } from './settings.ts';
import type { Template } from './template-model.ts';

export type Tier = 'TIER_250' | 'TIER_2K' | 'TIER_10K' | 'TIER_100K' | 'TIER_UNLIMITED';
export type Level = 'STANDARD' | 'HIGH' | 'COEXISTENCE';
export type Quality = 'GREEN' | 'YELLOW' | 'RED' | 'UNKNOWN';

export type Callback = { url: string; verifyToken: string };

export type App = {
  id: string;
  secret: string;
  verifyToken: string;
  name: string;
  /** Set by `POST /{app_id}/subscriptions`. */
  callback?: Callback;
  fields: Set<string>;
};

export type Portfolio = {
  id: string;
  name: string;
  tier: Tier;
  isVerified: boolean;
  /** Who was reached outside a window, and when last: oldest first. */
  reached: Map<string, number>;
  /** Who wants no marketing from this business. */
  stopped: Set<string>;
};

export type Waba = {
  id: string;
  name: string;
  portfolio: Portfolio;
  numbers: PhoneNumber[];
  templates: Map<string, Template>;
  /** Deleted names, and until when they stay blocked. */
  deletedNames: Map<string, number>;
  isSubscribed: boolean;
  override?: Callback;
  hasPayment: boolean;
  isLocked: boolean;
  /** Template sends are refused until then. */
  blockedUntil: number;
  isMarketingDisabled: boolean;
  reviewStatus: 'APPROVED' | 'PENDING' | 'REJECTED';
  creations: number[];
  managementCalls: number[];
};

/** What is open between a number and a user (reference: whatsapp-cloud-api, section 8). */
export type Window = { openUntil: number; adUntilReply: number; freeUntil: number };

export type PhoneNumber = {
  id: string;
  waba: Waba;
  /** As shown, `+55 11 4000-0001`, and as digits. */
  display: string;
  digits: string;
  verifiedName: string;
  level: Level;
  quality: Quality;
  status: 'CONNECTED' | 'PENDING' | 'DISCONNECTED' | 'FLAGGED' | 'RESTRICTED' | 'BANNED';
  nameStatus: string;
  isVerified: boolean;
  isRegistered: boolean;
  pin?: string;
  registrations: number[];
  /** Only these may be written to, when the number is one for tests. */
  allowed?: Set<string>;
  maintenanceUntil: number;
  override?: Callback;
  bucket: { tokens: number; at: number };
  /** Per user: the theoretical arrival time of the pair limit. */
  pairs: Map<string, number>;
  pairsPurgedAt: number;
  windows: Map<string, Window>;
  blocked: Set<string>;
  profile: Record<string, unknown>;
  onboardedAt: number;
  synced: Set<string>;
};

export type Token = {
  value: string;
  kind: 'SYSTEM_USER' | 'USER';
  scopes: string[];
  /** The accounts that it may touch. */
  wabas: Set<string>;
  issuedAt: number;
  /** 0: never. */
  expiresAt: number;
  state: 'valid' | 'expired' | 'revoked' | 'app-removed';
  /** The business took its account back from the app. */
  wasRemoved: boolean;
  proof: string;
};

export type Code = { wabaId: string; expiresAt: number; isUsed: boolean };

/** A person on WhatsApp. Everyone has a number; who adopted a username may keep it to themselves. */
export type User = {
  digits: string;
  name: string;
  username?: string;
  isPhoneHidden: boolean;
  /** How many sends were tried and how many accepted: each has its own luck. */
  tried: number;
  received: number;
  /** The newest message to them. */
  last: Message | undefined;
  /** What was sent to someone who got very much. */
  keys: Set<string> | undefined;
};

export type World = {
  app: App;
  seed: number;
  settings: MetaSettings;
  agenda: Agenda;
  random: Random;
  books: Books;
  log: (line: string) => void;
  /** Where this simulator is reached, ending in `/meta`. */
  url: string;
  portfolios: Map<string, Portfolio>;
  wabas: Map<string, Waba>;
  numbers: Map<string, PhoneNumber>;
  templates: Map<string, Template>;
  tokens: Map<string, Token>;
  codes: Map<string, Code>;
  users: Map<string, User>;
  media: Map<string, Media>;
  uploads: Map<string, Upload>;
};

export const scopes = ['whatsapp_business_messaging', 'whatsapp_business_management', 'business_management'];

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** Digits beyond what a double holds, as Meta's ids are in the worst case; never the same twice. */
export function newId(): string {
  return `9${String(randomInt(1_000_000_000)).padStart(9, '0')}${String(randomInt(10_000_000)).padStart(7, '0')}`;
}

export function newTokenValue(): string {
  return `EAA${randomBytes(60).toString('base64url').replaceAll(/[-_]/g, 'Z')}`;
}

export function now(world: World): number {
  return world.agenda.now();
}

/** Seconds since 1970, as Meta writes times. */
export function seconds(world: World): number {
  return Math.floor(world.agenda.now() / 1_000);
}

export function proofOf(app: App, token: string): string {
  return createHmac('sha256', app.secret).update(token).digest('hex');
}

export function addToken(world: World, input: Partial<Token> & { wabas: Set<string> }): Token {
  const value = input.value ?? newTokenValue();
  const token: Token = {
    kind: 'SYSTEM_USER',
    scopes: [...scopes],
    issuedAt: now(world),
    expiresAt: world.settings.tokens.lifetimeMs > 0 ? now(world) + world.settings.tokens.lifetimeMs : 0,
    state: 'valid',
    wasRemoved: false,
    ...input,
    value,
    proof: proofOf(world.app, value),
  };
  world.tokens.set(value, token);
  return token;
}

export function addCode(world: World, wabaId: string, ttlMs = world.settings.tokens.codeTtlMs): string {
  const code = `AQ${randomBytes(48).toString('base64url')}`;
  world.codes.set(code, { wabaId, expiresAt: now(world) + ttlMs, isUsed: false });
  return code;
}

/** Who has this number; everybody has WhatsApp until a magic number says otherwise. */
export function userOf(world: World, digits: string): User {
  const known = world.users.get(digits);
  if (known) return known;
  const isHidden = world.settings.magicRecipients && digits.endsWith('000777');
  const user: User = {
    digits,
    name: '',
    isPhoneHidden: isHidden,
    tried: 0,
    received: 0,
    last: undefined,
    keys: undefined,
    ...(isHidden ? { username: `user.${digits.slice(-10)}` } : {}),
  };
  world.users.set(digits, user);
  return user;
}

export function windowOf(number: PhoneNumber, user: string): Window {
  let window = number.windows.get(user);
  if (!window) {
    window = { openUntil: 0, adUntilReply: 0, freeUntil: 0 };
    number.windows.set(user, window);
  }
  return window;
}

export function isWindowOpen(world: World, number: PhoneNumber, user: string): boolean {
  return (number.windows.get(user)?.openUntil ?? 0) > now(world);
}

/** Keeps only what is younger; says how many there are. */
export function countWithin(times: number[], since: number): number {
  let old = 0;
  while (old < times.length && (times[old] ?? 0) <= since) old += 1;
  if (old > 0) times.splice(0, old);
  return times.length;
}
