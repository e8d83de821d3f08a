import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import { execute as defaultExecute, GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
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
import { documentLimits, type QueryLimits } from './limits.ts';

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
};

/** What the server hands to Yoga with each request. */
type Given = { requestId: string; log: Log };

/** `/graphql`: one operation, its transactions, its time limit and its masked errors. */
export function createGraphQL(options: GraphQLOptions): Handler {
  const { db, keys, services, isProduction, bodyBytesMax } = options;
  const yoga = createYoga<Given, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    graphiql: isProduction
      ? false
      : { title: 'Parley', defaultQuery: '{\n  viewer {\n    user { name }\n    tenant { name }\n    role\n  }\n}\n' },
    renderGraphiQL,
    batching: false,
    multipart: false,
    cors: options.corsOrigins.length > 0 ? { origin: options.corsOrigins, credentials: true } : false,
    logging: false,
    maskedErrors: { maskError: (error) => (error instanceof Error ? error : new Error(String(error))) }, // masked below, where the request's id is known
    context: async ({ request, requestId }) => {
      const claims = await readClaims(request.headers.get('authorization'), keys, services.now());
      return Object.assign(startOperation(db, claims, services.now), { requestId, signal: request.signal, services });
    },
    plugins: [...documentLimits(options.queryLimits, isProduction), oneOperation(options.timeoutMs), mask()],
  });

  return async ({ request, response, requestId, url, signal }) => {
    const method = request.method ?? 'GET';
    if (method === 'POST' && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the operation as application/json.'); // what needs no preflight runs nothing
    }
    const body = method === 'POST' ? await readBody(request, bodyBytesMax) : undefined;
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers))
      if (value !== undefined) headers.set(name, String(value));
    const init = { method, headers, signal, ...(body ? { body } : {}) };
    const answer = await yoga.fetch(url, init, { requestId, log: options.log.child({ requestId }) });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body) for await (const chunk of answer.body) response.write(chunk);
    response.end();
  };
}

/** Ends the operation's transactions however it ends, and gives up on it after a while. */
function oneOperation(timeoutMs: number): Plugin<Context> {
  return {
    onExecute({ executeFn, setExecuteFn, args }) {
      const run = (executeFn ?? defaultExecute) as (args: ExecutionArgs) => Promise<ExecutionResult>;
      setExecuteFn(async (given: ExecutionArgs) => {
        const timer = Promise.withResolvers<ExecutionResult>();
        const timeout = setTimeout(() => {
          const error = new GraphQLError(`The operation took longer than ${timeoutMs} ms.`, {
            extensions: { code: 'TIMEOUT' },
          });
          timer.resolve({ errors: [error], data: null });
        }, timeoutMs);
        try {
          return await Promise.race([run(given), timer.promise]);
        } finally {
          clearTimeout(timeout);
          await args.contextValue.end();
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
