import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, type Json, parseJson } from '../json.ts';
import { answer } from '../server.ts';
import type { Call } from './call.ts';
import { refuseGraph, traceId } from './errors.ts';
import type { Meta } from './meta.ts';
import { route, stumble } from './router.ts';

const noQuery = new URLSearchParams();

/** One HTTP request below `/meta`. */
export function serve(
  meta: Meta,
  request: IncomingMessage,
  bytes: Buffer,
  response: ServerResponse,
  path: string,
): void {
  const question = path.indexOf('?');
  const query = question < 0 ? noQuery : new URLSearchParams(path.slice(question + 1));
  const segments = (question < 0 ? path : path.slice(0, question)).split('/').filter(Boolean).map(decode);
  const [version = ''] = segments;
  const isVersioned = /^v\d+\.\d+$/.test(version);
  if (isVersioned) segments.shift();
  const type = request.headers['content-type'] ?? '';
  const isJson = type.includes('json') || type === '';
  const body =
    isJson && bytes.length > 0 ? parseJson(bytes) : type.includes('urlencoded') ? fromForm(bytes) : undefined;
  const call: Call = {
    method: request.method ?? 'GET',
    segments,
    query,
    headers: request.headers,
    bytes,
    params: paramsOf(query, body),
  };
  const exchange = {
    reply: (found: { status: number; body: string | Buffer; headers?: Record<string, string> }) => {
      if (response.destroyed) return;
      answer(response, found.status, found.body, {
        'facebook-api-version': isVersioned ? version : 'v25.0',
        'x-fb-request-id': traceId(),
        'x-fb-trace-id': traceId(),
        'x-fb-rev': '1030000000',
        ...found.headers,
      });
    },
    cut: () => void response.destroy(),
    isOpen: () => !response.destroyed && response.socket?.destroyed === false,
  };
  if (segments.length === 0)
    return exchange.reply(refuseGraph(100, 'Unsupported get request.', { type: 'GraphMethodException', subcode: 33 }));
  try {
    route(meta, call, body, exchange);
  } catch (error) {
    stumble(meta, exchange, error);
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // a broken escape is a node that does not exist
  }
}

/** What stands in the query, the form or the JSON body: the Graph API does not care where. */
function paramsOf(query: URLSearchParams, body: unknown): Json {
  if (query.size === 0) return isObject(body) ? body : {};
  return { ...Object.fromEntries(query), ...(isObject(body) ? body : {}) };
}

/** A form's values may be JSON themselves. */
function fromForm(bytes: Buffer): Json {
  return Object.fromEntries(
    [...new URLSearchParams(bytes.toString())].map(([name, value]) => [
      name,
      /^[[{]/.test(value) ? (parseJson(Buffer.from(value)) ?? value) : value,
    ]),
  );
}
