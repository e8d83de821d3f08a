import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createAgenda } from './agenda.ts';
import { isObject, type Json, parseJson } from './json.ts';
import { createMeta, type MetaControl } from './meta/control.ts';
import { controlMeta } from './meta/control-http.ts';
import { serve } from './meta/serve.ts';
import type { Profile, SettingsPatch } from './meta/settings.ts';
import { answer, listen } from './server.ts';

export type SimulatorsOptions = {
  /** 0, the default, takes any free one. */
  port?: number;
  host?: string;
  /** How others reach it, when that is not where it listens: the base of every URL that it hands out. */
  publicUrl?: string;
  profile: Profile;
  /** Under the same seed the same recipients have the same luck. */
  seed?: number;
  meta?: { appId?: string; appSecret?: string; verifyToken?: string; settings?: SettingsPatch };
  log?: (line: string) => void;
};

export type Simulators = AsyncDisposable & {
  url: string;
  meta: MetaControl;
  /** Moves the clock of every partner on. */
  advance(ms: number): void;
};

/** Plays the partners on one port: `/meta` is Meta's Graph API, `/__control` what a test or an operator wants of it. */
export async function startSimulators(options: SimulatorsOptions): Promise<Simulators> {
  const { port = 0, host = '127.0.0.1', log = () => undefined } = options;
  const agenda = createAgenda();
  let handle: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void = () => undefined;
  const server = await listen((request, body, response) => handle(request, body, response), port, host);
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  const url = options.publicUrl?.replace(/\/+$/, '') ?? `http://${reachable}:${server.port}`;
  const { meta, control, close } = createMeta(
    {
      profile: options.profile,
      seed: options.seed ?? 1,
      appId: options.meta?.appId ?? '1029384756102938',
      appSecret: options.meta?.appSecret ?? '5f1e8c0a9b7d4e3f2a6b1c8d7e0f9a4b',
      verifyToken: options.meta?.verifyToken ?? 'parley-verify-token',
      ...(options.meta?.settings ? { settings: options.meta.settings } : {}),
      log,
    },
    agenda,
    `${url}/meta`,
  );
  handle = (request, body, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/meta/')) serve(meta, request, body, response, path.slice(5));
    else if (path.startsWith('/__control/')) controlled(path.slice(11), request.method ?? 'GET', body, response);
    else answer(response, 404, '{"error":"There is nothing here."}');
  };

  function controlled(path: string, method: string, bytes: Buffer, response: ServerResponse): void {
    if (method === 'GET' && path === 'books/messages') return void tellMessages(control, response);
    const given = bytes.length > 0 ? parseJson(bytes) : {};
    if (!isObject(given)) return answer(response, 400, '{"error":"The body is a JSON object."}');
    try {
      const found = method === 'GET' ? ask(path) : method === 'POST' ? tell(path, given) : undefined;
      if (found === undefined) answer(response, 404, '{"error":"There is no such control."}');
      else answer(response, 200, JSON.stringify(found));
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error;
      answer(response, 400, JSON.stringify({ error: error.message }));
    }
  }

  function ask(path: string): unknown {
    if (path === 'books') return { meta: control.books() };
    if (path === 'settings') return { meta: control.settings() };
    if (path === 'clock') return { now: control.now().toISOString() };
    if (path === 'credentials') return { meta: control.credentials };
    return undefined;
  }

  function tell(path: string, body: Json): unknown {
    const [first, ...rest] = path.split('/');
    if (first === 'meta') return controlMeta(control, rest, body);
    if (path === 'settings') return { meta: control.set(body['meta'] ?? {}) };
    if (path === 'reset') {
      control.reset();
      return { success: true };
    }
    if (path !== 'clock') return undefined;
    if (typeof body['advanceMs'] !== 'number' || body['advanceMs'] < 0)
      throw new TypeError('`advanceMs` is a number of milliseconds.');
    agenda.advance(body['advanceMs']);
    return { now: control.now().toISOString() };
  }

  return {
    url,
    meta: control,
    advance: (ms) => agenda.advance(ms),
    async [Symbol.asyncDispose]() {
      agenda.clear();
      await close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Every accepted message, a line each, a piece at a time: there may be a million. */
async function tellMessages(control: MetaControl, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  await pipeline(Readable.from(pieces(control)), response).catch(() => {}); // whoever asked went away
}

function* pieces(control: MetaControl): Generator<string> {
  let piece = '';
  for (const message of control.messages()) {
    piece += `${JSON.stringify(message)}\n`;
    if (piece.length < 65_536) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
