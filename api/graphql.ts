import type { IncomingMessage } from 'node:http';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { createReadKey } from '../domain/auth/key-claims.ts';
import type { KeyUses } from '../domain/auth/key-uses.ts';
import type { AuthKeys } from '../domain/auth/keys.ts';
import { isPerson } from '../domain/auth/viewer.ts';
import type { Db } from '../prisma/client.ts';
import type { Log } from '../runtime/log.ts';
import type { Context, Services } from '../schema/builder.ts';
import { schema } from '../schema/index.ts';
import { startOperation } from '../schema/operation.ts';
import { clientAddress, type Proxies } from './address.ts';
import { type Bill, type CostOptions, createCharge } from './charge.ts';
import { readClaims } from './context.ts';
import { maskError } from './errors.ts';
import { pagePolicy } from './headers.ts';
import { allowOrigin, type Exchange, type Handler, HttpError, readBody } from './http.ts';
import { persistedOperations, type PersistedOptions } from './persisted.ts';
import { hideSchema, operationLimits, type QueryLimits } from './limits.ts';
import { type ApiMetrics, countOperations } from './metrics.ts';

export type GraphQLOptions = {
  db: Db;
  log: Log;
  keys: AuthKeys;
  keyUses: KeyUses;
  services: Services;
  isProduction: boolean;
  /** Whether GraphiQL is served, and whether the schema can be asked for. */
  graphiql: boolean;
  introspection: boolean;
  corsOrigins: string[];
  /** Whose word is taken for where a request came from. */
  proxies: Proxies;
  /** Null only to measure what they cost. */
  queryLimits: QueryLimits | null;
  cost: CostOptions | null;
  /** Null: there is no list of operations. */
  persisted: PersistedOptions | null;
  bodyBytesMax: number;
  bodyTimeoutMs: number;
  timeoutMs: number;
  metrics: ApiMetrics;
};

/** What the server hands to Yoga with each request. */
type Given = { requestId: string; address: string | null; log: Log; clientGone: AbortSignal; bill: Bill };

const graphiqlPage = {
  title: 'Parley',
  defaultQuery: '{\n  viewer {\n    user { name }\n    tenant { name }\n    role\n  }\n}\n',
};

/** `/graphql`: one operation, its transactions, its time limit and its masked errors. */
export function createGraphQL(options: GraphQLOptions): Handler {
  const { db, keys, services, bodyBytesMax, bodyTimeoutMs, corsOrigins, proxies, queryLimits, cost } = options;
  const readKey = createReadKey(db);
  const charge = cost && createCharge(cost);
  const yoga = createYoga<Given, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    graphiql: options.graphiql ? graphiqlPage : false,
    renderGraphiQL,
    batching: false,
    multipart: false,
    cors: false, // answered below
    logging: false,
    maskedErrors: { maskError: (error) => (error instanceof Error ? error : new Error(String(error))) }, // masked below, where the request's id is known
    context: async ({ request, requestId, address, bill }) => {
      const origin = { requestId, address, userAgent: request.headers.get('user-agent')?.slice(0, 500) ?? null };
      const claims = await readClaims(request.headers.get('authorization'), { keys, readKey }, services.now());
      if (charge) Object.assign(bill, { claims, accounts: charge.accountsOf(claims, address) });
      return Object.assign(startOperation(db, claims, origin, services.now), { requestId, services });
    },
    extraParamNames: ['documentId'],
    plugins: [
      ...(options.persisted ? persistedOperations(options.persisted) : []),
      ...(queryLimits ? operationLimits(queryLimits) : []),
      ...(options.introspection ? [] : [hideSchema()]),
      ...(charge ? [charge.plugin] : []),
      countOperations(options.metrics),
      oneOperation(options.timeoutMs, options.keyUses),
      finish({ withHints: !options.isProduction }),
    ],
  });

  return async (exchange) => {
    const { request, response, requestId, url, signal } = exchange;
    if (allowOrigin(exchange, corsOrigins, 'GET, POST')) return;
    const { method = 'GET', headers } = request;
    const isPage = method === 'GET' && options.graphiql && (headers.accept ?? '').includes('text/html');
    if (isPage) response.setHeader('content-security-policy', pagePolicy);
    else refuseForeign(exchange, corsOrigins, services.publicUrl);
    const body = method === 'POST' ? await readBody(request, bodyBytesMax, bodyTimeoutMs) : undefined;
    const given = {
      requestId,
      address: clientAddress(request, proxies),
      log: options.log.child({ requestId }),
      clientGone: signal,
      bill: { accounts: [], claims: null },
    };
    const answer = await yoga.fetch(url, { method, headers: headersOf(request), ...(body ? { body } : {}) }, given);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
}

/** What a page of somebody else can have a browser send: what needs no question beforehand runs nothing, and neither does what says that it is foreign. */
function refuseForeign(
  { request: { method, headers }, response }: Exchange,
  corsOrigins: string[],
  publicUrl: string,
): void {
  if (method === 'GET' && headers['x-csrf'] === undefined) {
    response.setHeader('allow', 'POST');
    throw new HttpError(
      405,
      'METHOD_NOT_ALLOWED',
      'Send the operation by POST; a query also by GET with a header x-csrf.',
    );
  }
  if (method === 'POST' && !/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the operation as application/json.');
  }
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && corsOrigins.includes(origin)) return;
  const isForeign = site === 'cross-site' || site === 'same-site';
  // The page with GraphiQL, by whichever name it was opened; a proxy may have put another host into the request.
  const isOwn =
    origin === undefined || [host, URL.parse(publicUrl)?.host].includes(URL.parse(origin)?.host ?? 'nowhere');
  if (isForeign || !isOwn) throw new HttpError(403, 'FORBIDDEN', 'This origin is not allowed to call.');
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, String(value));
  }
  return headers;
}

/** Ends the operation's transactions however it ends, and gives up on it when it takes too long or nobody waits for it. Notes the key it came with. */
function oneOperation(timeoutMs: number, keyUses: KeyUses): Plugin<Context & Given> {
  return {
    onExecute({ executeFn, setExecuteFn, args: { contextValue: operation } }) {
      setExecuteFn(async (args: ExecutionArgs): Promise<ExecutionResult> => {
        const { clientGone } = operation;
        const abandoned = Promise.withResolvers<ExecutionResult>();
        const abandon = (because: 'gone' | 'timeout', message: string) => {
          operation.abandon(because);
          const code = because === 'gone' ? 'CLIENT_GONE' : 'TIMEOUT';
          abandoned.resolve({ data: null, errors: [new GraphQLError(message, { extensions: { code } })] });
        };
        const onGone = () => abandon('gone', 'The client went away.');
        const timer = setTimeout(abandon, timeoutMs, 'timeout', `The operation took longer than ${timeoutMs} ms.`);
        if (clientGone.aborted) onGone();
        else clientGone.addEventListener('abort', onGone);
        const execute = async () => {
          try {
            return (await executeFn(args)) as ExecutionResult;
          } finally {
            void operation.end(); // the answer need not wait for it: nothing is lost with a transaction that only read
            const viewer = operation.knownViewer();
            if (viewer && !isPerson(viewer)) keyUses.note(viewer);
          }
        };
        try {
          return await Promise.race([execute(), abandoned.promise]);
        } finally {
          clearTimeout(timer);
          clientGone.removeEventListener('abort', onGone);
        }
      });
    },
  };
}

/** What graphql says to whoever misspells a field, an argument, a type, a value of an enum or an input's field, in a document or a variable. */
const hint = / ?Did you mean .*\?/s;

/** Masks every error of every answer, of parsing, validation and execution alike, and says what the operation cost. */
function finish({ withHints }: { withHints: boolean }): Plugin<Context & Given> {
  return {
    onResultProcess({ result, setResult, serverContext }) {
      const { log, requestId, bill } = serverContext as unknown as Given;
      const masked = (error: GraphQLError) => {
        const told = maskError(error, log, requestId);
        if (!withHints) told.message = told.message.replace(hint, '');
        return told;
      };
      const finished = (one: ExecutionResult): ExecutionResult => ({
        ...one,
        ...(one.errors ? { errors: one.errors.map(masked) } : {}),
        ...(bill.cost ? { extensions: { ...one.extensions, cost: bill.cost } } : {}),
      });
      if (Array.isArray(result)) setResult(result.map(finished));
      else if (!(Symbol.asyncIterator in result)) setResult(finished(result));
    },
  };
}
