import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { AuthKeys } from '../domain/auth/keys.ts';
import type { Db } from '../prisma/client.ts';
import type { Log } from '../runtime/log.ts';
import type { Context, Services } from '../schema/builder.ts';
import { schema } from '../schema/index.ts';
import { startOperation } from '../schema/operation.ts';
import { readClaims } from './context.ts';
import { maskError } from './errors.ts';
import { type Handler, HttpError, readBody } from './http.ts';
import { operationLimits, type QueryLimits } from './limits.ts';
import { type ApiMetrics, countOperations } from './metrics.ts';

export type GraphQLOptions = {
  db: Db;
  log: Log;
  keys: AuthKeys;
  services: Services;
  isProduction: boolean;
  corsOrigins: string[];
  queryLimits: QueryLimits;
  bodyBytesMax: number;
  timeoutMs: number;
  metrics: ApiMetrics;
};

/** What the server hands to Yoga with each request. */
type Given = { requestId: string; log: Log; clientGone: AbortSignal };

const graphiql = {
  title: 'Parley',
  defaultQuery: '{\n  viewer {\n    user { name }\n    tenant { name }\n    role\n  }\n}\n',
};

/** `/graphql`: one operation, its transactions, its time limit and its masked errors. */
export function createGraphQL(options: GraphQLOptions): Handler {
  const { db, keys, services, isProduction, bodyBytesMax } = options;
  const yoga = createYoga<Given, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    graphiql: isProduction ? false : graphiql,
    renderGraphiQL,
    batching: false,
    multipart: false,
    cors: options.corsOrigins.length > 0 ? { origin: options.corsOrigins, exposedHeaders: ['x-request-id'] } : false,
    logging: false,
    maskedErrors: { maskError: (error) => (error instanceof Error ? error : new Error(String(error))) }, // masked below, where the request's id is known
    context: async ({ request, requestId }) => {
      const claims = await readClaims(request.headers.get('authorization'), keys, services.now());
      return Object.assign(startOperation(db, claims, services.now), { requestId, services });
    },
    plugins: [
      ...operationLimits(options.queryLimits, isProduction),
      countOperations(options.metrics),
      oneOperation(options.timeoutMs),
      mask(),
    ],
  });

  return async ({ request, response, requestId, url, signal }) => {
    const { method = 'GET', headers } = request;
    const wantsPage = method === 'GET' && (headers.accept ?? '').includes('text/html');
    if (method === 'GET' && (isProduction || !wantsPage)) {
      response.setHeader('allow', 'POST');
      throw new HttpError(405, 'METHOD_NOT_ALLOWED', 'Send the operation by POST.');
    }
    if (method === 'POST' && !/^application\/json\b/i.test(headers['content-type'] ?? '')) {
      throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the operation as application/json.'); // what needs no preflight runs nothing
    }
    const body = method === 'POST' ? await readBody(request, bodyBytesMax) : undefined;
    const given = { requestId, log: options.log.child({ requestId }), clientGone: signal };
    const answer = await yoga.fetch(url, { method, headers: headersOf(request), ...(body ? { body } : {}) }, given);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, String(value));
  }
  return headers;
}

/** Ends the operation's transactions however it ends, and gives up on it when it takes too long or nobody waits for it. */
function oneOperation(timeoutMs: number): Plugin<Context & Given> {
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

/** Masks every error of every answer: of parsing, validation and execution alike. */
function mask(): Plugin<Context & Given> {
  return {
    onResultProcess({ result, setResult, serverContext }) {
      const { log, requestId } = serverContext as unknown as Given;
      const masked = (one: ExecutionResult) =>
        one.errors ? { ...one, errors: one.errors.map((error) => maskError(error, log, requestId)) } : one;
      if (Array.isArray(result)) setResult(result.map(masked));
      else if (!(Symbol.asyncIterator in result)) setResult(masked(result));
    },
  };
}
