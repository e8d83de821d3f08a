import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { Log } from '../runtime/log.ts';
import { createGraphQL, type GraphQLOptions } from './graphql.ts';
import { type Handler, HttpError, sendJson } from './http.ts';
import { createHealth, type HealthOptions } from './health.ts';
import { createUploads, type UploadOptions } from './uploads.ts';

export type ApiOptions = GraphQLOptions & HealthOptions & UploadOptions;

/** The whole HTTP side of the API; knows no port and no environment. */
export function createApi(options: ApiOptions): RequestListener {
  const graphql = createGraphQL(options);
  const health = createHealth(options);
  const uploads = createUploads(options);
  const routes: [path: RegExp, methods: string[], handler: Handler][] = [
    [/^\/graphql$/, ['GET', 'POST', 'OPTIONS'], graphql],
    [/^\/uploads\/[\w-]+$/, ['PUT', 'OPTIONS'], uploads],
    [/^\/health\/live$/, ['GET', 'HEAD'], health.live],
    [/^\/health\/ready$/, ['GET', 'HEAD'], health.ready],
  ];
  return serve(routes, options.log);
}

/** Finds the handler of a request, gives it an id and a log line, and answers for it when it fails. */
function serve(routes: [path: RegExp, methods: string[], handler: Handler][], log: Log): RequestListener {
  return (request, response) => {
    const started = performance.now();
    const requestId = requestIdOf(request.headers['x-request-id']);
    const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost/-'); // `//` is no URL
    const aborted = new AbortController();
    response.setHeader('x-request-id', requestId);
    response.once('close', () => {
      if (!response.writableFinished) aborted.abort();
      const route = routes.find(([path]) => path.test(url.pathname))?.[0].source ?? 'none';
      const ms = Math.round(performance.now() - started);
      log.info(
        {
          requestId,
          method: request.method,
          route,
          status: response.statusCode,
          ms,
          aborted: !response.writableFinished,
        },
        'request',
      );
    });
    const exchange = { request, response, requestId, url, signal: aborted.signal };
    const handle = async () => {
      const route = routes.find(([path]) => path.test(url.pathname));
      if (!route) throw new HttpError(404, 'NOT_FOUND', 'There is nothing here.');
      const [, methods, handler] = route;
      if (!methods.includes(request.method ?? '')) {
        response.setHeader('allow', methods.join(', '));
        throw new HttpError(405, 'METHOD_NOT_ALLOWED', `Use ${methods.join(' or ')}.`);
      }
      await handler(exchange);
    };
    handle().catch((error: unknown) => {
      if (aborted.signal.aborted) return void log.info({ requestId }, 'the client went away');
      const known = error instanceof HttpError ? error : new HttpError(500, 'INTERNAL', 'Something went wrong.');
      if (known.status >= 500) log.error({ requestId, err: error }, 'a request failed');
      if (response.headersSent) return void response.destroy();
      if (!request.complete) discardRest(request);
      sendJson(exchange, known.status, {
        errors: [{ message: known.message, extensions: { code: known.code, requestId } }],
      });
    });
  };
}

/** Reads and drops what still comes of a refused body, for a while: a connection closed in its midst would take the answer with it. */
function discardRest(request: IncomingMessage): void {
  const cutOff = setTimeout(() => request.destroy(), 5_000);
  request.once('close', () => clearTimeout(cutOff));
  request.resume();
}

/** The caller's own id where it is a plain one, so that logs can be joined; else a new one. */
function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{8,128}$/.test(given) ? given : randomUUID();
}

export type RunningServer = AsyncDisposable & { port: number };

/** Listens; disposing it answers what is in hand and then stops. Port 0 takes any free one. */
export async function listen(listener: RequestListener, port: number, host?: string): Promise<RunningServer> {
  const server: Server = createServer(
    { headersTimeout: 10_000, requestTimeout: 300_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 1_000 },
    listener,
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearTimeout(force);
    },
  };
}
