import type { MetaConfig } from '../../connectors/whatsapp/meta.ts';
import { readWebhook, unreadable, type WebhookElement } from '../../connectors/whatsapp/read-webhook.ts';
import { isSigned, isToken } from '../../connectors/whatsapp/signature.ts';
import type { Log } from '../../runtime/log.ts';
import { type Exchange, type Handler, HttpError, readBody } from '../http.ts';
import type { Intake } from './intake.ts';
import type { WebhookMetrics } from './metrics.ts';

export type WebhookOptions = {
  intake: Intake;
  metrics: WebhookMetrics;
  /** Of one delivery; Meta's largest have 3 MB. */
  bodyBytesMax: number;
  /** Of all deliveries in hand together: beyond it Meta is asked to come again. */
  heldBytesMax: number;
};

type MetaWebhookOptions = WebhookOptions & {
  log: Log;
  /** Null: Meta is off. */
  config: Pick<MetaConfig, 'appSecrets' | 'verifyToken'> | null;
};

/**
 * `/webhooks/meta`: answers Meta's question whether the address is ours, and takes what it delivers. Nothing is answered 200 that is not
 * durably stored, and all of it is, understood or not; anything else makes Meta deliver it again, for a week.
 */
export function createMetaWebhooks(options: MetaWebhookOptions): Handler {
  const { config } = options;
  let heldBytes = 0;

  const receive = async (exchange: Exchange, secrets: readonly string[]): Promise<void> => {
    const { request } = exchange;
    const expected = Number(request.headers['content-length'] ?? options.bodyBytesMax);
    const held = Math.min(Number.isFinite(expected) ? expected : options.bodyBytesMax, options.bodyBytesMax);
    if (heldBytes + held > options.heldBytesMax) throw unavailable(exchange, options);
    heldBytes += held;
    try {
      const body = await readBody(request, options.bodyBytesMax);
      const signature = request.headers['x-hub-signature-256'];
      if (!isSigned(body, typeof signature === 'string' ? signature : undefined, secrets)) {
        options.metrics.delivery('META', 'refused');
        throw new HttpError(401, 'INVALID_SIGNATURE', 'The body is not signed by Meta.');
      }
      await store(exchange, body, options);
    } finally {
      heldBytes -= held;
    }
  };

  return async (exchange) => {
    if (!config) throw unavailable(exchange, options);
    if (exchange.request.method === 'GET') return shakeHands(exchange, config.verifyToken);
    await receive(exchange, config.appSecrets);
    answerText(exchange, 'EVENT_RECEIVED');
  };
}

async function store(exchange: Exchange, body: Buffer, { intake, metrics, log }: MetaWebhookOptions): Promise<void> {
  const { elements, isReadable } = read(body.toString('utf8'));
  try {
    await intake.store(elements);
  } catch (error) {
    log.warn({ requestId: exchange.requestId, err: error }, 'a delivery could not be stored');
    throw unavailable(exchange, { metrics });
  }
  metrics.delivery('META', isReadable ? 'stored' : 'unreadable');
}

/** What Meta signed and nobody can read is kept as it came: asking for it again would bring the same. */
function read(body: string): { elements: WebhookElement[]; isReadable: boolean } {
  try {
    return { elements: readWebhook(body), isReadable: true };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { elements: [unreadable(body)], isReadable: false };
  }
}

/** Meta asks whether the address is ours (reference: whatsapp-cloud-api, section 7.1). */
function shakeHands(exchange: Exchange, verifyToken: string): void {
  const { searchParams } = exchange.url;
  const challenge = searchParams.get('hub.challenge') ?? '';
  const isOurs = isToken(searchParams.get('hub.verify_token') ?? '', verifyToken);
  if (searchParams.get('hub.mode') !== 'subscribe' || !isOurs || !/^[\w.-]{1,256}$/.test(challenge)) {
    throw new HttpError(403, 'FORBIDDEN', 'The verify token is not the expected one.');
  }
  answerText(exchange, challenge);
}

function answerText({ response }: Exchange, text: string): void {
  response
    .writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
    .end(text);
}

function unavailable({ response }: Exchange, { metrics }: Pick<WebhookOptions, 'metrics'>): HttpError {
  metrics.delivery('META', 'unavailable');
  response.setHeader('retry-after', '5');
  return new HttpError(503, 'UNAVAILABLE', 'It cannot be taken now. Deliver it again later.');
}
