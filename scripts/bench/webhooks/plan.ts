/** A number of the benchmark, as webhooks name it. */
export type PlanNumber = { phoneNumberId: string; displayNumber: string; wabaId: string };

/** A message that Meta took, and what webhooks say of it. */
export type PlanMessage = { id: string; number: number; wamid: string; recipient: string };

export type Plan = { numbers: PlanNumber[]; messages: PlanMessage[]; startedAt: number; eventsPerSecond: number };

type Name = 'sent' | 'delivered' | 'read' | 'failed';
export type Said = { name: Name; at: number };

/** Not on WhatsApp, or gone from it: the most usual failure, and one that stops nothing. */
export const failureCode = 131_026;

/** What Meta will have said of a message when all is said, by its place: of fifty one fails, of the others three in four are read. */
export function fateOf({ startedAt }: Plan, index: number): Said[] {
  const sent = startedAt + (index % 40);
  if (index % 50 === 0) return [said('sent', sent), said('failed', sent + 3)];
  const delivered = [said('sent', sent), said('delivered', sent + 2)];
  return index % 4 === 1 ? delivered : [...delivered, said('read', sent + 9)];
}

const said = (name: Name, at: number): Said => ({ name, at });

/** One POST: when it leaves, counted from the first, and what it holds. */
export type Delivery = { atMs: number; events: number; body: Buffer };

/** One of so many updates comes twice. */
const repeatedOneIn = 60;
const batchMax = 50;
/** How long after the first word of a message the next comes, in events of the whole stream. */
const apartEvents = { sent: 0, failed: 4_000, delivered: 4_000, read: 20_000 } as const;

/** Everything that is said of all messages, as one stream of POSTs of 1 to 50 updates at a steady rate of updates, a number at a time. */
export function* deliveriesOf(plan: Plan): Generator<Delivery> {
  const random = seeded(7);
  const perMessage = 2.75;
  const stream = plan.messages.flatMap((message, index) =>
    fateOf(plan, index).flatMap((event) => {
      const place = index * perMessage + apartEvents[event.name] * (0.5 + random());
      const once = { message, event, place };
      return random() * repeatedOneIn < 1 ? [once, { ...once, place: place + 1_000 * random() }] : [once];
    }),
  );
  stream.sort((a, b) => a.place - b.place);
  const waiting = plan.numbers.map((): typeof stream => []);
  const wanted = plan.numbers.map(() => 1 + Math.floor(random() * batchMax));
  let events = 0;
  const deliver = (index: number): Delivery => {
    const batch = waiting[index]?.splice(0) ?? [];
    wanted[index] = 1 + Math.floor(random() * batchMax);
    const atMs = (events / plan.eventsPerSecond) * 1_000;
    events += batch.length;
    return { atMs, events: batch.length, body: bodyOf(plan.numbers[index], batch) };
  };
  for (const one of stream) {
    const { number } = one.message;
    if ((waiting[number]?.push(one) ?? 0) >= (wanted[number] ?? 0)) yield deliver(number);
  }
  for (const [index, rest] of waiting.entries()) if (rest.length > 0) yield deliver(index);
}

type Update = { message: PlanMessage; event: Said };

/** As Meta writes it: mostly a change for each update, the person beside it (reference: whatsapp-cloud-api, sections 7.2 and 7.4). */
function bodyOf(number: PlanNumber | undefined, batch: readonly Update[]): Buffer {
  if (!number) throw new Error('There is no such number.');
  const metadata = { display_phone_number: number.displayNumber, phone_number_id: number.phoneNumberId };
  const values: { contacts: unknown[]; statuses: unknown[] }[] = [];
  for (const [index, { message, event }] of batch.entries()) {
    const last = values.at(-1);
    const value = last && index % 5 === 4 ? last : { contacts: [], statuses: [] };
    if (value !== last) values.push(value);
    const userId = `BR.${message.recipient}${number.wabaId}`;
    value.statuses.push({
      id: message.wamid,
      status: event.name,
      timestamp: String(event.at),
      recipient_id: message.recipient,
      recipient_user_id: userId,
      biz_opaque_callback_data: `${message.id}.1`,
      ...(event.name === 'failed'
        ? { errors: [failure] }
        : { pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' } }),
    });
    value.contacts.push({ profile: { name: 'João da Silva' }, wa_id: message.recipient, user_id: userId });
  }
  const changes = values.map((value) => ({
    value: { messaging_product: 'whatsapp', metadata, ...value },
    field: 'messages',
  }));
  const text = JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: number.wabaId, changes }],
  });
  return Buffer.from(text.replaceAll('/', '\\/').replaceAll('ã', '\\u00e3'));
}

const failure = {
  code: failureCode,
  title: 'Message undeliverable',
  message: 'Message undeliverable',
  error_data: { details: 'Message Undeliverable.' },
  href: 'https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/',
};

/** Random numbers that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
