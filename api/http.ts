import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Origin } from '../domain/auth/viewer.ts';
import { clientAddress, type Proxies } from './address.ts';

/** One request on its way through the server. */
export type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  url: URL;
  signal: AbortSignal;
};

export type Handler = (exchange: Exchange) => Promise<void>;

/** A refusal by HTTP status, for what is not GraphQL. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Where a request came from, for the audit log. */
export function originOf({ request, requestId }: Exchange, proxies: Proxies): Origin {
  const userAgent = request.headers['user-agent']?.slice(0, 500) ?? null;
  return { requestId, address: clientAddress(request, proxies), userAgent };
}

/** Answers with JSON. */
export function sendJson({ response }: Exchange, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** The whole body of a request: 413 as soon as it is longer than allowed, 408 when it does not come to an end. */
export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
  timeoutMs = 10_000,
): Promise<Buffer<ArrayBuffer>> {
  const tooLarge = () => new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than ${bytesMax} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge();
  const slow = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    slow.reject(new HttpError(408, 'BODY_TOO_SLOW', `The body did not come within ${timeoutMs} ms.`));
  }, timeoutMs);
  const read = async () => {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bytesMax) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  };
  try {
    const reading = read();
    reading.catch(() => {}); // of a body that was too slow already
    return await Promise.race([reading, slow.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The last part of the path: the token in the URLs that carry one. */
export function lastSegment({ url }: Exchange, fromTheEnd = 1): string {
  return url.pathname.split('/').at(-fromTheEnd) ?? '';
}

/** Lets the configured front ends call from a browser. True: it was the browser's question, and it is answered. */
export function allowOrigin({ request, response }: Exchange, origins: string[], methods: string): boolean {
  const { origin } = request.headers;
  response.setHeader('vary', 'origin');
  if (origin !== undefined && origins.includes(origin)) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-methods', methods);
    response.setHeader('access-control-allow-headers', 'authorization, content-type, x-csrf, x-request-id');
    response.setHeader('access-control-expose-headers', 'x-request-id, retry-after');
    response.setHeader('access-control-max-age', '600');
  }
  if (request.method !== 'OPTIONS') return false;
  response.writeHead(204).end();
  return true;
}
