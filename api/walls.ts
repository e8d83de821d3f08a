import type { AttemptLimits } from '../domain/limits/attempts.ts';
import type { Db } from '../prisma/client.ts';
import type { EnvOf } from '../runtime/env.ts';
import type { Log } from '../runtime/log.ts';
import { schema } from '../schema/index.ts';
import { readProxies } from './address.ts';
import { createBudget } from './budget.ts';
import { readManifest } from './persisted.ts';
import type { ApiOptions } from './server.ts';

type Walls = Pick<
  ApiOptions,
  | 'isProduction'
  | 'graphiql'
  | 'introspection'
  | 'secureHeaders'
  | 'corsOrigins'
  | 'proxies'
  | 'bodyBytesMax'
  | 'bodyTimeoutMs'
  | 'timeoutMs'
  | 'queryLimits'
  | 'cost'
  | 'persisted'
>;

/** Everything that stands between a request and its operation, as the environment has it. */
export async function wallsOf(env: EnvOf<'api'>, { db, log }: { db: Db; log: Log }): Promise<Walls> {
  const isProduction = env.NODE_ENV === 'production';
  const { PERSISTED_OPERATIONS: mode, PERSISTED_OPERATIONS_FILE: file } = env;
  return {
    isProduction,
    graphiql: env.GRAPHIQL ?? !isProduction,
    introspection: env.INTROSPECTION ?? !isProduction,
    secureHeaders: true,
    corsOrigins: env.CORS_ORIGINS,
    proxies: readProxies(env.TRUSTED_PROXIES),
    bodyBytesMax: env.REQUEST_BODY_BYTES_MAX,
    bodyTimeoutMs: env.REQUEST_BODY_TIMEOUT_MS,
    timeoutMs: env.REQUEST_TIMEOUT_MS,
    queryLimits: {
      depthMax: env.QUERY_DEPTH_MAX,
      aliasesMax: env.QUERY_ALIASES_MAX,
      tokensMax: env.QUERY_TOKENS_MAX,
      directivesMax: env.QUERY_DIRECTIVES_MAX,
      rootFieldsMax: env.QUERY_ROOT_FIELDS_MAX,
      breadthMax: env.QUERY_BREADTH_MAX,
      fieldsMax: env.QUERY_FIELDS_MAX,
      variablesMax: env.QUERY_VARIABLES_MAX,
      valuesMax: env.QUERY_VALUES_MAX,
      listMax: env.QUERY_LIST_MAX,
    },
    cost: {
      costMax: env.QUERY_COST_MAX,
      budget: createBudget({ db, log }),
      allowances: {
        caller: { capacity: env.COST_CALLER_POINTS, rate: env.COST_CALLER_POINTS_PER_SECOND },
        tenant: { capacity: env.COST_TENANT_POINTS, rate: env.COST_TENANT_POINTS_PER_SECOND },
        network: { capacity: env.COST_NETWORK_POINTS, rate: env.COST_NETWORK_POINTS_PER_SECOND },
      },
    },
    persisted:
      mode === 'off' || file === undefined
        ? null
        : {
            mode,
            manifest: await readManifest(file, schema),
            keysMaySendAny: env.PERSISTED_OPERATIONS_FOR_KEYS === 'off',
          },
  };
}

/** How often something sensitive may be tried. */
export function attemptsOf(env: EnvOf<'api'>): AttemptLimits {
  return {
    perAccount: env.ATTEMPTS_PER_ACCOUNT,
    perNetwork: env.ATTEMPTS_PER_NETWORK,
    delayMs: env.ATTEMPT_DELAY_MS,
    accountDelayMsMax: env.ATTEMPT_ACCOUNT_DELAY_MS_MAX,
    networkDelayMsMax: env.ATTEMPT_NETWORK_DELAY_MS_MAX,
    forgottenAfterMs: env.ATTEMPTS_FORGOTTEN_AFTER_MS,
  };
}
