import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { NumberCredentials } from './meta/control.ts';
import type { NumberInput } from './meta/seed.ts';
import type { Profile, SettingsPatch } from './meta/settings.ts';
import { type Simulators, startSimulators } from './start.ts';

/** A POST that the receiver got, byte for byte. */
export type Received = { bytes: Buffer; headers: IncomingHttpHeaders; json: Envelope };
export type Envelope = {
  object: string;
  entry: { id: string; time?: number; changes: { field: string; value: Value }[] }[];
};
export type Value = {
  metadata?: { phone_number_id: string };
  contacts?: Record<string, unknown>[];
  messages?: Record<string, unknown>[];
  statuses?: Status[];
  [name: string]: unknown;
};
export type Status = { id: string; status: string; timestamp: string; [name: string]: unknown };

export type GraphAnswer = { status: number; headers: Headers; body: Json };
// What an answer holds, the test knows better than a type.
export type Json = { [name: string]: any }; // oxlint-disable-line typescript/no-explicit-any -- the shape is the test's

/** A simulator, a receiver of its webhooks and a caller: what the simulators' own tests play on. */
export type Stage = AsyncDisposable & {
  simulators: Simulators;
  meta: Simulators['meta'];
  received: Received[];
  /** What the receiver answers; 200 unless told otherwise. */
  answerWith(status: (nth: number) => number): void;
  webhookUrl: string;
  /** A number that can send at once, with its account subscribed. */
  number: NumberCredentials;
  addNumber(input?: NumberInput): NumberCredentials;
  graph(method: string, path: string, body?: unknown, token?: string): Promise<GraphAnswer>;
  send(message: Json, from?: NumberCredentials): Promise<GraphAnswer>;
  /** Sends the text template `hello`, which every number's account has. */
  sendHello(to: string, more?: Json, from?: NumberCredentials): Promise<GraphAnswer>;
  changes(field?: string): Value[];
  statuses(): Status[];
};

export async function setStage(profile: Profile = 'quiet', settings: SettingsPatch = {}, seed = 1): Promise<Stage> {
  const received: Received[] = [];
  let statusOf = (_nth: number) => 200;
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked = new URL(request.url ?? '/', 'http://receiver');
      if (request.method === 'GET') {
        const isRight = asked.searchParams.get('hub.verify_token') === 'right';
        response.writeHead(isRight ? 200 : 403).end(asked.searchParams.get('hub.challenge'));
        return;
      }
      const bytes = Buffer.concat(chunks);
      received.push({ bytes, headers: request.headers, json: JSON.parse(bytes.toString()) as Envelope });
      response.writeHead(statusOf(received.length)).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const address = receiver.address();
  const webhookUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/hook`;
  const simulators = await startSimulators({ profile, seed, meta: { settings } });
  const { meta } = simulators;
  meta.set({ webhooks: { url: webhookUrl } });

  const addNumber = (input: NumberInput = {}) => {
    const isNew = input.wabaId === undefined;
    const added = meta.createNumber({
      level: 'HIGH',
      tier: 'TIER_UNLIMITED',
      isRegistered: true,
      isSubscribed: true,
      ...input,
    });
    if (isNew)
      meta.createTemplate(added.wabaId, {
        name: 'hello',
        language: 'pt_BR',
        category: 'UTILITY',
        components: [{ type: 'BODY', text: 'Olá {{1}}, tudo bem?', example: { body_text: [['Ana']] } }],
      });
    return added;
  };
  const number = addNumber();
  const graph = async (method: string, path: string, body?: unknown, token = number.accessToken) => {
    const answer = await fetch(`${simulators.url}/meta/v25.0/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json };
  };
  const send: Stage['send'] = (message, from = number) =>
    graph('POST', `${from.phoneNumberId}/messages`, { messaging_product: 'whatsapp', ...message }, from.accessToken);
  const changes = (field = 'messages') =>
    received.flatMap(({ json }) =>
      json.entry.flatMap(({ changes }) => changes.filter((change) => change.field === field).map(({ value }) => value)),
    );
  return {
    simulators,
    meta,
    received,
    answerWith: (status) => {
      statusOf = status;
    },
    webhookUrl,
    number,
    addNumber,
    graph,
    send,
    sendHello: (to, more = {}, from = number) => send({ to, type: 'template', template: hello, ...more }, from),
    changes,
    statuses: () => changes().flatMap(({ statuses = [] }) => statuses),
    async [Symbol.asyncDispose]() {
      await simulators[Symbol.asyncDispose]();
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    },
  };
}

export const hello = {
  name: 'hello',
  language: { code: 'pt_BR' },
  components: [{ type: 'body', parameters: [{ type: 'text', text: 'Ana' }] }],
};

export function signatureOf(secret: string, bytes: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`;
}

/** Waits until something is so. */
export async function until(isSo: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('It did not become so in time.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
