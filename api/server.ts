import type { IncomingMessage, RequestListener } from 'node:http';
import { randomUUID } from 'node:crypto';
import { type AuditExportOptions, createAuditExport } from './audit-export.ts';
import { createGraphQL, type GraphQLOptions } from './graphql.ts';
import { type Handler, HttpError, sendJson } from './http.ts';
import { secureHeaders } from './headers.ts';
import { createHealth, type HealthOptions } from './health.ts';
import { createImportErrors, type ImportErrorsOptions } from './import-errors.ts';
import { createUploads, type UploadOptions } from './uploads.ts';
import { createMetaWebhooks, type WebhookOptions } from './webhooks/meta.ts';

export type ApiOptions = GraphQLOptions &
  HealthOptions &
  UploadOptions &
  AuditExportOptions &
  ImportErrorsOptions & {
    webhooks: WebhookOptions;
    /** Left off only to measure what they cost. */
    secureHeaders: boolean;
  };

/** A name for logs and metrics, what it matches, and who answers. */
type Route = [name: string, path: RegExp, methods: string[], handler: Handler];

/** The whole HTTP side of the API; knows no port and no environment. */
export function createApi(options: ApiOptions): RequestListener {
  const graphql = createGraphQL(options);
  const health = createHealth(options);
  const uploads = createUploads(options);
  const importErrors = createImportErrors(options);
  const auditExport = createAuditExport(options);
  const { log, services, webhooks } = options;
  const meta = createMetaWebhooks({ ...webhooks, log, config: services.meta?.config ?? null });
  const routes: Route[] = [
    ['/graphql', /^\/graphql$/, ['GET', 'POST', 'OPTIONS'], graphql],
    ['/uploads/{token}', /^\/uploads\/[\w-]+$/, ['PUT', 'OPTIONS'], uploads],
    ['/imports/{token}/errors.csv', /^\/imports\/[\w-]+\/errors\.csv$/, ['GET', 'HEAD', 'OPTIONS'], importErrors],
    ['/audit/{token}/audit.csv', /^\/audit\/[\w-]+\/audit\.csv$/, ['GET', 'OPTIONS'], auditExport],
    ['/webhooks/meta', /^\/webhooks\/meta$/, ['GET', 'POST'], meta],
    ['/health/live', /^\/health\/live$/, ['GET', 'HEAD'], health.live],
    ['/health/ready', /^\/health\/ready$/, ['GET', 'HEAD'], health.ready],
  ];
  return serve(routes, options);
}

/** As nginx writes it down: nobody was there any more to read an answer. */
const clientWentAway = 499;

/** Finds the handler of a request, gives it an id and a log line, and answers for it when it fails. */
function serve(routes: Route[], options: ApiOptions): RequestListener {
  const { log, metrics } = options;
  const setHeaders = options.secureHeaders ? secureHeaders(options.isProduction) : () => {};
  return (request, response) => {
    const started = performance.now();
    const requestId = requestIdOf(request.headers['x-request-id']);
    const url = URL.parse(request.url ?? '/', 'http://localhost') ?? new URL('http://localhost/-'); // `//` is no URL
    const route = routes.find(([, path]) => path.test(url.pathname));
    const aborted = new AbortController();
    response.setHeader('x-request-id', requestId);
    setHeaders(request, response);
    response.once('close', () => {
      if (!response.writableFinished) aborted.abort();
      const name = route?.[0] ?? 'none';
      const status = response.writableFinished || response.headersSent ? response.statusCode : clientWentAway;
      const ms = performance.now() - started;
      metrics.request(name, request.method ?? '', status, ms / 1_000);
      log.info({ requestId, method: request.method, route: name, status, ms: Math.round(ms) }, 'request');
    });
    const exchange = { request, response, requestId, url, signal: aborted.signal };
    const handle = async () => {
      if (!route) throw new HttpError(404, 'NOT_FOUND', 'There is nothing here.');
      const [, , methods, handler] = route;
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
      if (known.status === 408) response.setHeader('connection', 'close');
      else if (!request.complete) discardRest(request);
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
