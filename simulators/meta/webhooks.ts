import { createHmac, timingSafeEqual } from 'node:crypto';
import { Agent, request } from 'undici';
import { renderStatus, type StatusUpdate } from './statuses.ts';
import { type Callback, newId, now, type PhoneNumber, type Waba, type World } from './world.ts';

/** Anything but a status that a webhook tells. */
export type FieldUpdate = {
  kind: 'field';
  field: string;
  value: unknown;
  /** What `entry[].id` says: the account, or for partner events the partner's own business. */
  entryId: string;
  waba: Waba | undefined;
  number: PhoneNumber | undefined;
  /** Seconds since 1970; the `messages` family has none. */
  time: number | undefined;
};

export type Update = StatusUpdate | FieldUpdate;

/** One POST, its bytes fixed: every further try sends the same. */
type Delivery = {
  body: Buffer;
  headers: Record<string, string>;
  updates: number;
  onTaken: (() => void)[];
  tries: number;
  firstAt: number;
};

/** What waits for one URL. */
type Outbox = {
  url: string;
  queue: Update[];
  head: number;
  again: Delivery[];
  inFlight: number;
  lingering: boolean;
  restUntil: number;
};

export type Webhooks = {
  push(update: Update): void;
  /** Looks again at what waits: after a pause, or a change of settings. */
  wake(): void;
  verify(callback: Callback): Promise<boolean>;
  clear(): void;
  close(): Promise<void>;
};

/** After a failed POST a receiver is left alone for a moment: it may be restarting. */
const restMs = 25;

export function createWebhooks(world: World): Webhooks {
  let agent = new Agent({ connections: 16, pipelining: 1, keepAliveTimeout: 30_000 });
  const outboxes = new Map<string, Outbox>();
  let isClosed = false;

  function push(update: Update): void {
    const url = targetOf(world, update);
    world.books.webhooks.updates += 1;
    if (url === undefined) {
      world.books.webhooks.dropped += 1;
      if (update.kind === 'status') update.onTaken?.();
      return;
    }
    let outbox = outboxes.get(url);
    if (!outbox) {
      outbox = { url, queue: [], head: 0, again: [], inFlight: 0, lingering: false, restUntil: 0 };
      outboxes.set(url, outbox);
    }
    outbox.queue.push(update);
    world.books.webhooks.pending += 1;
    linger(outbox, world.settings.webhooks.lingerMs);
  }

  function linger(outbox: Outbox, ms: number): void {
    if (outbox.lingering) return;
    outbox.lingering = true;
    const pumpLater = () => {
      outbox.lingering = false;
      pump(outbox);
    };
    if (ms > 0) setTimeout(pumpLater, ms).unref();
    else setImmediate(pumpLater);
  }

  function mayDeliver({ inFlight }: Outbox): boolean {
    const { paused, concurrency } = world.settings.webhooks;
    return !isClosed && !paused && inFlight < concurrency;
  }

  function pump(outbox: Outbox): void {
    while (mayDeliver(outbox)) {
      const rest = outbox.restUntil - performance.now();
      if (rest > 0) return linger(outbox, rest);
      const delivery = outbox.again.shift() ?? nextDelivery(world, outbox);
      if (!delivery) return;
      outbox.inFlight += 1;
      void deliver(outbox, delivery);
    }
  }

  async function deliver(outbox: Outbox, delivery: Delivery): Promise<void> {
    const { books } = world;
    const { timeoutMs } = world.settings.webhooks;
    delivery.tries += 1;
    books.webhooks.posts += 1;
    const isTaken = await post(agent, outbox.url, delivery, timeoutMs);
    outbox.inFlight -= 1;
    if (isClosed || world.books !== books) return;
    if (isTaken) {
      books.webhooks.delivered += delivery.updates;
      books.webhooks.pending -= delivery.updates;
      for (const taken of delivery.onTaken) taken();
    } else {
      books.webhooks.failed += 1;
      outbox.restUntil = performance.now() + restMs;
      retryLater(outbox, delivery);
    }
    pump(outbox);
  }

  function retryLater(outbox: Outbox, delivery: Delivery): void {
    const { retryMs, retryForMs } = world.settings.webhooks;
    const wait = retryMs[Math.min(delivery.tries, retryMs.length) - 1] ?? 0;
    if (now(world) + wait - delivery.firstAt > retryForMs) {
      world.books.webhooks.abandoned += delivery.updates;
      world.books.webhooks.pending -= delivery.updates;
      return;
    }
    world.agenda.after(wait, () => {
      outbox.again.push(delivery);
      pump(outbox);
    });
  }

  const clear = () => outboxes.clear();
  return {
    push,
    wake: () => {
      for (const outbox of outboxes.values()) pump(outbox);
    },
    verify: (callback) => verify(agent, callback),
    clear,
    async close() {
      isClosed = true;
      clear();
      const old = agent;
      agent = new Agent();
      await old.destroy();
    },
  };
}

/** Number before account before app, and only what was subscribed (reference: whatsapp-cloud-api, section 1.3). */
function targetOf(world: World, update: Update): string | undefined {
  const field = update.kind === 'status' ? 'messages' : update.field;
  const number = update.kind === 'status' ? update.message.number : update.number;
  const waba = number?.waba ?? (update.kind === 'field' ? update.waba : undefined);
  if (waba && !waba.isSubscribed) return undefined;
  const override = field === 'messages' ? (number?.override ?? waba?.override) : undefined;
  if (override) return override.url;
  if (world.settings.webhooks.url !== '') return world.settings.webhooks.url;
  return world.app.callback && world.app.fields.has(field) ? world.app.callback.url : undefined;
}

/** Under load as much as fits, else a few at a time. */
function nextDelivery(world: World, outbox: Outbox): Delivery | undefined {
  const waiting = outbox.queue.length - outbox.head;
  if (waiting === 0) return undefined;
  const { batchUsual, batchMax, concurrency, bytesMax } = world.settings.webhooks;
  const usual = batchUsual >= batchMax ? batchMax : 1 + Math.floor(world.random() * batchUsual);
  let size = Math.min(waiting, waiting > batchUsual * concurrency ? batchMax : usual);
  for (;;) {
    const updates = outbox.queue.slice(outbox.head, outbox.head + size);
    const body = Buffer.from(escape(JSON.stringify(envelope(world, updates))), 'latin1');
    if (body.length > bytesMax && size > 1) {
      size = Math.ceil(size / 2);
      continue;
    }
    outbox.head += size;
    if (outbox.head > 4_096 || outbox.head === outbox.queue.length) {
      outbox.queue = outbox.queue.slice(outbox.head);
      outbox.head = 0;
    }
    const onTaken = updates.flatMap((update) => (update.kind === 'status' && update.onTaken ? [update.onTaken] : []));
    return { body, headers: signed(world, body), updates: size, onTaken, tries: 0, firstAt: now(world) };
  }
}

/** Signed over the exact bytes, with the old hash beside the new one. */
function signed(world: World, body: Buffer): Record<string, string> {
  const secret = world.settings.webhooks.badSignature ? `not ${world.app.secret}` : world.app.secret;
  return {
    'content-type': 'application/json',
    'user-agent': 'facebookexternalua',
    'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
}

/** Meta escapes slashes and everything beyond ASCII, in lowercase (reference: whatsapp-cloud-api, section 7.1). */
function escape(json: string): string {
  return json.replaceAll(/[/\u007F-\uFFFF]/g, (found) =>
    found === '/' ? '\\/' : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

type Change = { value: unknown; field: string };
type StatusValue = { messaging_product: string; metadata: unknown; contacts?: unknown[]; statuses: unknown[] };

/** One entry for each account in the batch; neighbouring statuses of a number may share a change. */
function envelope(world: World, updates: Update[]): unknown {
  const entries = new Map<string, { id: string; time?: number; changes: Change[] }>();
  const open = new Map<PhoneNumber, StatusValue>();
  for (const update of updates) {
    const id = update.kind === 'status' ? update.message.number.waba.id : update.entryId;
    const time = update.kind === 'status' ? undefined : update.time;
    const key = `${id} ${time ?? ''}`;
    let entry = entries.get(key);
    if (!entry) {
      entry = { id, ...(time === undefined ? {} : { time }), changes: [] };
      entries.set(key, entry);
    }
    if (update.kind === 'field') {
      entry.changes.push({ value: update.value, field: update.field });
      if (update.number) open.delete(update.number);
      continue;
    }
    const { number } = update.message;
    const { status, contact } = renderStatus(world, update);
    const last = open.get(number);
    if (last && world.random() < world.settings.webhooks.mergeRate) {
      last.statuses.push(status);
      if (contact) (last.contacts ??= []).push(contact);
    } else {
      const value: StatusValue = {
        messaging_product: 'whatsapp',
        metadata: { display_phone_number: number.digits, phone_number_id: number.id },
        ...(contact ? { contacts: [contact] } : {}),
        statuses: [status],
      };
      open.set(number, value);
      entry.changes.push({ value, field: 'messages' });
    }
  }
  return { object: 'whatsapp_business_account', entry: [...entries.values()] };
}

/** True when the receiver answered 200 in time. */
async function post(agent: Agent, url: string, { body, headers }: Delivery, timeoutMs: number): Promise<boolean> {
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers,
      body,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    return false; // whatever the network did, it was not taken
  }
}

/** The handshake: the callback must give the challenge back. */
async function verify(agent: Agent, { url, verifyToken }: Callback): Promise<boolean> {
  const challenge = newId();
  const asked = new URL(url);
  asked.searchParams.set('hub.mode', 'subscribe');
  asked.searchParams.set('hub.challenge', challenge);
  asked.searchParams.set('hub.verify_token', verifyToken);
  try {
    const answer = await request(asked, { dispatcher: agent, headersTimeout: 5_000, bodyTimeout: 5_000 });
    const text = Buffer.from((await answer.body.text()).slice(0, 100));
    const expected = Buffer.from(challenge);
    return answer.statusCode === 200 && text.length === expected.length && timingSafeEqual(text, expected);
  } catch {
    return false; // a callback that cannot be reached is not verified
  }
}
