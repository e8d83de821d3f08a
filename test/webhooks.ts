import { createHmac, randomInt, randomUUID } from 'node:crypto';
import { createMeta, type Meta } from '../connectors/whatsapp/meta.ts';
import { applyRound, type Round } from '../domain/webhooks/apply.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import { test as base, type TestApi } from './fixtures.ts';
import { makeContact } from './make.ts';

export const appSecret = 'the-secret-of-the-app';
export const olderSecret = 'the-secret-before-it';
export const verifyToken = 'what-meta-must-say-to-us';

/** Tests whose API takes what Meta posts: signed here, without a partner. */
export const test = base.extend<{ meta: Meta | null }>({
  meta: async ({}, use) => {
    await using meta = createMeta({
      graphUrl: 'http://127.0.0.1:9',
      graphVersion: 'v25.0',
      appId: '1',
      verifyToken,
      appSecrets: [appSecret, olderSecret],
    });
    await use(meta);
  },
});

export type TestNumber = { tenantId: string; numberId: string; phoneNumberId: string; wabaId: string };

/** A connected WhatsApp number, with the routes that lead to its tenant. */
export async function makeNumber(db: Db, tenantId: string): Promise<TestNumber> {
  const digits = () => String(randomInt(10 ** 9, 10 ** 12));
  const [phoneNumberId, wabaId] = [digits(), digits()];
  const numberId = await inTenant(db, tenantId, async (tx) => {
    const connection = await tx.connection.create({ data: { tenantId, partner: 'WHATSAPP', externalId: wabaId } });
    const account = await tx.whatsAppAccount.create({
      data: { tenantId, connectionId: connection.id, wabaId, portfolioId: digits() },
    });
    const number = await tx.whatsAppNumber.create({
      data: { tenantId, accountId: account.id, phoneNumberId, displayNumber: '+551140000000', status: 'CONNECTED' },
    });
    await tx.numberPace.create({ data: { tenantId, numberId: number.id } });
    await tx.$queryRaw`select claim_partner_route('META_NUMBER', ${phoneNumberId}), claim_partner_route('META_WABA', ${wabaId})`;
    return number.id;
  });
  return { tenantId, numberId, phoneNumberId, wabaId };
}

/** A message on its way: its request has left, and nothing is known yet. */
export async function makeSentMessage(
  db: Db,
  { tenantId, numberId }: TestNumber,
  otherwise: { attempt?: number; contactId?: string; wamid?: string } = {},
): Promise<string> {
  const contactId = otherwise.contactId ?? (await makeContact(db, tenantId));
  const { id } = await inTenant(db, tenantId, (tx) =>
    tx.message.create({
      data: {
        tenantId,
        numberId,
        direction: 'OUTBOUND',
        type: 'TEMPLATE',
        status: 'DISPATCHING',
        attempt: 1,
        openUntil: new Date(Date.now() + 60_000),
        ...otherwise,
        contactId,
      },
    }),
  );
  return id;
}

type Json = Record<string, unknown>;

/** What Meta posts about messages of a number. */
export function valueOf({ phoneNumberId }: { phoneNumberId: string }, parts: Json): Json {
  const metadata = { display_phone_number: '551140000000', phone_number_id: phoneNumberId };
  return { messaging_product: 'whatsapp', metadata, ...parts };
}

export function envelope(wabaId: string, ...changes: { field?: string; value: unknown }[]): Json {
  return { object: 'whatsapp_business_account', entry: [{ id: wabaId, time: 1_790_000_000, changes }] };
}

/** A delivery with one change of the messages field. */
export function delivery(number: TestNumber, parts: Json): Json {
  return envelope(number.wabaId, { field: 'messages', value: valueOf(number, parts) });
}

export const newWamid = () => `wamid.${Buffer.from(randomUUID()).toString('base64')}`;

export function sign(body: string | Buffer, secret = appSecret): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** Posts as Meta does: what is not ASCII escaped, and the bytes signed. */
export function post(api: Pick<TestApi, 'url'>, body: Json | string | Buffer, signature?: string): Promise<Response> {
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : asMetaWrites(body);
  return fetch(`${api.url}/webhooks/meta`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature ?? sign(bytes) },
    body: typeof bytes === 'string' ? bytes : new Uint8Array(bytes),
  });
}

export function asMetaWrites(body: Json): string {
  return JSON.stringify(body)
    .replaceAll('/', '\\/')
    .replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Applies what is stored of a tenant, as the worker does. */
export async function applyAll(db: Db, tenantId: string, onProblem?: (error: unknown) => void): Promise<Round> {
  const sum: Round = { taken: 0, applied: 0, failed: 0, setAside: 0 };
  for (;;) {
    const round = await applyRound(db, tenantId, onProblem ? { onProblem } : {});
    for (const name of ['taken', 'applied', 'failed', 'setAside'] as const) sum[name] += round[name];
    if (round.taken === 0) return sum;
  }
}

export const seconds = (at: Date | number) => String(Math.floor(Number(at) / 1_000));
