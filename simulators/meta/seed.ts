import { createHmac } from 'node:crypto';
import type { Profile } from './settings.ts';
import {
  addToken,
  newId,
  now,
  type Level,
  type PhoneNumber,
  type Portfolio,
  type Quality,
  type Tier,
  type Waba,
  type World,
} from './world.ts';

export type NumberInput = {
  /** 80, 1,000 or 20 messages a second. */
  level?: Level;
  /** The portfolio's limit; of an existing portfolio it is changed. */
  tier?: Tier;
  quality?: Quality;
  /** Below an existing portfolio or account instead of new ones. */
  businessId?: string;
  wabaId?: string;
  /** International, as `+55 11 4000-0001`; made up when absent. */
  displayNumber?: string;
  verifiedName?: string;
  /** A 2-step PIN that is set already: registering must give it. */
  pin?: string;
  /** Already registered, so that it can send at once. */
  isRegistered?: boolean;
  isVerified?: boolean;
  /** The account is subscribed already, so that webhooks come. */
  isSubscribed?: boolean;
  /** A number for tests, which may write to these only. */
  allowedRecipients?: string[];
  hasPayment?: boolean;
  nameStatus?: string;
  /** Is the portfolio's business verified? It is, unless said otherwise. */
  isBusinessVerified?: boolean;
};

type Ids = { businessId?: string; wabaId?: string; phoneNumberId?: string };

/** Adds a number, with an account and a portfolio unless existing ones were named. */
export function addNumber(world: World, input: NumberInput, ids: Ids = {}): PhoneNumber {
  const waba = input.wabaId === undefined ? addWaba(world, input, ids) : world.wabas.get(input.wabaId);
  if (!waba) throw new RangeError('There is no such account.');
  if (input.tier) waba.portfolio.tier = input.tier;
  if (input.isBusinessVerified !== undefined) waba.portfolio.isVerified = input.isBusinessVerified;
  if (input.hasPayment !== undefined) waba.hasPayment = input.hasPayment;
  if (input.isSubscribed !== undefined) waba.isSubscribed = input.isSubscribed;
  const display = input.displayNumber ?? freeNumber(world);
  const number: PhoneNumber = {
    id: ids.phoneNumberId ?? newId(),
    waba,
    display,
    digits: display.replaceAll(/\D/g, ''),
    verifiedName: input.verifiedName ?? 'Loja Ümit & Söhne',
    level: input.level ?? 'STANDARD',
    quality: input.quality ?? 'GREEN',
    status: input.isRegistered ? 'CONNECTED' : 'PENDING',
    nameStatus: input.nameStatus ?? 'APPROVED',
    isVerified: input.isVerified ?? true,
    isRegistered: input.isRegistered ?? input.level === 'COEXISTENCE',
    ...(input.pin === undefined ? {} : { pin: input.pin }),
    registrations: [],
    ...(input.allowedRecipients
      ? { allowed: new Set(input.allowedRecipients.map((phone) => phone.replaceAll(/\D/g, ''))) }
      : {}),
    maintenanceUntil: 0,
    bucket: { tokens: 1_000, at: now(world) },
    pairs: new Map(),
    pairsPurgedAt: 0,
    windows: new Map(),
    blocked: new Set(),
    profile: { about: 'Parley' },
    onboardedAt: now(world),
    synced: new Set(),
  };
  if (number.level === 'COEXISTENCE') number.status = 'CONNECTED';
  waba.numbers.push(number);
  world.numbers.set(number.id, number);
  return number;
}

function addWaba(world: World, input: NumberInput, ids: Ids): Waba {
  const portfolio = input.businessId === undefined ? addPortfolio(world, ids) : world.portfolios.get(input.businessId);
  if (!portfolio) throw new RangeError('There is no such portfolio.');
  const waba: Waba = {
    id: ids.wabaId ?? newId(),
    name: 'Loja Ümit',
    portfolio,
    numbers: [],
    templates: new Map(),
    deletedNames: new Map(),
    isSubscribed: false,
    hasPayment: true,
    isLocked: false,
    blockedUntil: 0,
    isMarketingDisabled: false,
    reviewStatus: 'APPROVED',
    creations: [],
    managementCalls: [],
  };
  world.wabas.set(waba.id, waba);
  return waba;
}

function addPortfolio(world: World, ids: Ids): Portfolio {
  const portfolio: Portfolio = {
    id: ids.businessId ?? newId(),
    name: 'Ümit Comércio Ltda',
    tier: 'TIER_2K',
    isVerified: true,
    reached: new Map(),
    stopped: new Set(),
  };
  world.portfolios.set(portfolio.id, portfolio);
  return portfolio;
}

function freeNumber(world: World): string {
  return `+55 11 4${String(world.numbers.size).padStart(3, '0')}-${newId().slice(-4)}`;
}

export type Seeded = { number: PhoneNumber; token: string };

/** The world that a new simulator begins with: the same ids and token at every start, so that what was connected stays connected. */
export function seed(world: World, profile: Profile): Seeded {
  const isFast = profile === 'demo' || profile === 'quiet';
  const number = addNumber(
    world,
    {
      level: isFast ? 'HIGH' : 'STANDARD',
      tier: isFast ? 'TIER_UNLIMITED' : 'TIER_2K',
      displayNumber: '+55 11 4000-0001',
    },
    { businessId: '90000000000000101', wabaId: '90000000000000201', phoneNumberId: '90000000000000301' },
  );
  const value = `EAA${createHmac('sha256', world.app.secret).update('system user').digest('hex')}`;
  return { number, token: addToken(world, { value, wabas: new Set([number.waba.id]) }).value };
}
