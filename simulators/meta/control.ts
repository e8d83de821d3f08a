import { setTimeout as sleep } from 'node:timers/promises';
import type { Agenda } from '../agenda.ts';
import { type Json } from '../json.ts';
import { createRandom } from '../random.ts';
import { bookMessage, type BookMessage, type BooksSummary, createBooks, summary } from './books.ts';
import { type Inbound, prefer, receive } from './inbound.ts';
import { bsuidOf, digitsOfBsuid } from './identity.ts';
import type { Meta } from './meta.ts';
import { changeCategory, changeQuality, changeStatus, tellAccount } from './review.ts';
import { type AccountChange, changeAccount, changeNumber, followEvent, type NumberChange } from './accounts.ts';
import { addNumber, type NumberInput, seed } from './seed.ts';
import { type Fault, type MetaSettings, patched, type Profile, settingsOf, type SettingsPatch } from './settings.ts';
import { addTemplate, describe } from './templates.ts';
import type { Category, TemplateStatus } from './template-model.ts';
import { readTemplate } from './template-rules.ts';
import { createWebhooks } from './webhooks.ts';
import {
  addCode,
  addToken,
  type App,
  now,
  type PhoneNumber,
  type Quality,
  type Token,
  type User,
  userOf,
  type World,
} from './world.ts';

export type MetaOptions = {
  profile: Profile;
  seed: number;
  appId: string;
  appSecret: string;
  verifyToken: string;
  /** On top of the profile, kept by a reset. */
  settings?: SettingsPatch;
  log: (line: string) => void;
};

export type NumberCredentials = {
  businessId: string;
  wabaId: string;
  phoneNumberId: string;
  displayNumber: string;
  /** An Embedded Signup code of 30 seconds. */
  code: string;
  /** A system-user token for the account. */
  accessToken: string;
};

export type MetaCredentials = NumberCredentials & {
  graphUrl: string;
  appId: string;
  appSecret: string;
  verifyToken: string;
};

/** Who writes: a number, or a business-scoped id that was seen. */
export type From = { phone: string; name?: string; username?: string; isPhoneHidden?: boolean };

export type TemplateChange = {
  status?: TemplateStatus;
  /** Approved as, or moved to. */
  category?: Category;
  quality?: Quality;
  reason?: string;
  /** The webhook's word, when it is another than the status: REINSTATED, FLAGGED … */
  event?: string;
};

/** Everything that a test, the demo or an operator does to the simulator of Meta from outside the protocol. */
export type MetaControl = {
  readonly credentials: MetaCredentials;
  settings(): MetaSettings;
  /** Applies a merge patch; unknown names are refused. */
  set(patch: SettingsPatch): MetaSettings;
  /** The next requests fail with this code; more than one call queues up. */
  refuseNext(code: number, fault?: Omit<Fault, 'kind' | 'code'>): void;
  /** The next requests hang, are cut off or answered with rubbish. */
  failNext(fault: Fault): void;
  /** A new world under the settings of the start. */
  reset(): void;
  now(): Date;
  books(): BooksSummary;
  /** Every accepted message, oldest first. */
  messages(): Generator<BookMessage, void>;
  /** Resolves when every status and reply was told and taken; rejects when that takes longer. */
  settled(withinMs?: number): Promise<void>;
  createNumber(input?: NumberInput): NumberCredentials;
  /** A new Embedded Signup code. */
  createCode(wabaId: string, ttlMs?: number): string;
  createToken(input: { wabaIds: string[]; scopes?: string[]; expiresAt?: Date }): string;
  changeToken(accessToken: string, state: Token['state']): void;
  /** Changes a number, and tells what Meta tells of it. */
  changeNumber(phoneNumberId: string, change: NumberChange): void;
  changeAccount(wabaId: string, change: AccountChange): void;
  /** A template that needs no review. */
  createTemplate(wabaId: string, template: Json & { status?: TemplateStatus }): { id: string };
  template(id: string): Json | undefined;
  changeTemplate(id: string, change: TemplateChange): void;
  /** A user writes; gives the message's id. */
  inbound(phoneNumberId: string, from: From, inbound?: Inbound): { wamid: string };
  /** A user stops or resumes marketing. */
  preference(phoneNumberId: string, from: From, value: 'stop' | 'resume'): void;
  /** Any other update: an account's field and value, with what follows from it. */
  event(event: { field: string; value: unknown; wabaId?: string; phoneNumberId?: string; entryId?: string }): void;
  /** The business-scoped id of a phone. */
  bsuid(phoneNumberId: string, phone: string): string;
};

export type RunningMeta = { meta: Meta; control: MetaControl; close(): Promise<void> };

export function createMeta(options: MetaOptions, agenda: Agenda, url: string): RunningMeta {
  const world = createWorld(options, agenda, url);
  const meta: Meta = { world, webhooks: createWebhooks(world) };
  let seeded = seed(world, options.profile);

  const numberOf = (id: string) => found(world.numbers.get(id), 'number');
  const wabaOf = (id: string) => found(world.wabas.get(id), 'account');
  const templateOf = (id: string) => found(world.templates.get(id), 'template');
  const credentialsOf = (number: PhoneNumber, accessToken: string): NumberCredentials => ({
    businessId: number.waba.portfolio.id,
    wabaId: number.waba.id,
    phoneNumberId: number.id,
    displayNumber: number.display,
    code: addCode(world, number.waba.id),
    accessToken,
  });
  const set = (patch: SettingsPatch) => {
    world.settings = patched(world.settings, patch);
    meta.webhooks.wake();
    return world.settings;
  };
  const failNext = (fault: Fault) => void world.settings.faults.next.push(fault);

  const control: MetaControl = {
    get credentials() {
      const { id: appId, secret: appSecret, verifyToken } = world.app;
      return { graphUrl: world.url, appId, appSecret, verifyToken, ...credentialsOf(seeded.number, seeded.token) };
    },
    settings: () => world.settings,
    set,
    failNext,
    refuseNext: (code, fault = {}) => failNext({ ...fault, kind: 'error', code }),
    reset() {
      agenda.clear();
      meta.webhooks.clear();
      Object.assign(world, createWorld(options, agenda, url));
      seeded = seed(world, options.profile);
    },
    now: () => new Date(now(world)),
    books: () => summary(world.books),
    *messages() {
      const { books } = world;
      for (const message of books.messages) yield bookMessage(books, message);
    },
    settled: (withinMs = 30_000) => settled(world, withinMs),
    createNumber(input = {}) {
      const number = addNumber(world, input);
      return credentialsOf(number, addToken(world, { wabas: new Set([number.waba.id]) }).value);
    },
    createCode: (wabaId, ttlMs) => addCode(world, wabaOf(wabaId).id, ttlMs),
    createToken: ({ wabaIds, scopes, expiresAt }) =>
      addToken(world, {
        wabas: new Set(wabaIds.map((id) => wabaOf(id).id)),
        ...(scopes ? { scopes } : {}),
        ...(expiresAt ? { expiresAt: expiresAt.getTime() } : {}),
      }).value,
    changeToken: (accessToken, state) => {
      found(world.tokens.get(accessToken), 'token').state = state;
    },
    changeNumber: (id, change) => changeNumber(meta, numberOf(id), change),
    changeAccount: (id, change) => changeAccount(meta, wabaOf(id), change),
    createTemplate(wabaId, { status = 'APPROVED', ...given }) {
      const input = readTemplate(world, given);
      if ('status' in input) throw new TypeError(input.body);
      const template = addTemplate(meta, wabaOf(wabaId), input);
      template.status = status;
      return { id: template.id };
    },
    template(id) {
      const template = world.templates.get(id);
      return template && describe(template);
    },
    changeTemplate(id, { status, category, quality, reason, event }) {
      const template = templateOf(id);
      if (category && category !== template.category) changeCategory(meta, template, category);
      if (quality) changeQuality(meta, template, quality);
      if (status) changeStatus(meta, template, status, { ...(reason ? { reason } : {}), ...(event ? { event } : {}) });
    },
    inbound(id, from, inbound = {}) {
      const number = numberOf(id);
      return { wamid: receive(meta, number, personOf(world, number, from), inbound) };
    },
    preference(id, from, value) {
      const number = numberOf(id);
      prefer(meta, number, personOf(world, number, from), value);
    },
    event: ({ field, value, wabaId, phoneNumberId, entryId }) => {
      const waba = phoneNumberId === undefined ? wabaOf(wabaId ?? seeded.number.waba.id) : numberOf(phoneNumberId).waba;
      followEvent(world, waba, field, value);
      tellAccount(meta, waba, field, value, entryId);
    },
    bsuid: (id, phone) => bsuidOf(phone.replaceAll(/\D/g, ''), numberOf(id).waba.portfolio.id),
  };
  return {
    meta,
    control,
    close: () => meta.webhooks.close(),
  };
}

function createWorld(options: MetaOptions, agenda: Agenda, url: string): World {
  const app: App = {
    id: options.appId,
    secret: options.appSecret,
    verifyToken: options.verifyToken,
    name: 'Parley',
    fields: new Set(),
  };
  return {
    app,
    seed: options.seed,
    settings: patched(settingsOf(options.profile), options.settings ?? {}),
    agenda,
    random: createRandom(options.seed),
    books: createBooks(),
    log: options.log,
    url,
    portfolios: new Map(),
    wabas: new Map(),
    numbers: new Map(),
    templates: new Map(),
    tokens: new Map(),
    codes: new Map(),
    users: new Map(),
    media: new Map(),
    uploads: new Map(),
  };
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`There is no such ${what}.`);
  return value;
}

function personOf(world: World, number: PhoneNumber, { phone, name, username, isPhoneHidden }: From): User {
  const digits = digitsOfBsuid(phone, number.waba.portfolio.id) ?? phone.replaceAll(/\D/g, '');
  const user = userOf(world, digits);
  if (name !== undefined) user.name = name;
  if (username !== undefined) user.username = username;
  if (isPhoneHidden !== undefined) user.isPhoneHidden = isPhoneHidden;
  return user;
}

async function settled(world: World, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (world.books.scheduled > 0 || world.books.webhooks.pending > 0) {
    if (performance.now() > deadline) {
      const { scheduled, webhooks } = world.books;
      throw new Error(
        `The webhooks did not settle: ${scheduled} are still to come, ${webhooks.pending} were not taken.`,
      );
    }
    await sleep(5);
  }
}
