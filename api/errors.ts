import { GraphQLError } from 'graphql';
import { DomainError, InvalidInputError } from '../domain/errors.ts';
import { Prisma } from '../prisma/client.ts';
import { sqlStateOf } from '../prisma/sql-state.ts';
import type { Log } from '../runtime/log.ts';

/** Codes of refusals whose own text a client may read. */
const readable = new Set([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'SECOND_FACTOR_SETUP_REQUIRED',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'CONFLICT',
  'RATE_LIMITED',
  'COST_LIMIT',
  'TIMEOUT',
  'CLIENT_GONE',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_OPERATION_REQUIRED',
]);

/**
 * What of an error a client sees: its own mistakes in full, everything else as "something went wrong" with the request's id.
 * Prisma's messages carry table names and values: none of it leaves.
 */
export function maskError(error: unknown, log: Log, requestId: string): GraphQLError {
  const at = error instanceof GraphQLError ? error : undefined;
  const cause = innermost(error);
  if (cause instanceof DomainError) {
    return clientError(at, cause.message, {
      code: cause instanceof InvalidInputError ? 'BAD_USER_INPUT' : cause.code,
      ...('fields' in cause ? { fields: cause.fields } : {}),
      ...('retryAfter' in cause ? { retryAfter: cause.retryAfter } : {}),
      requestId,
    });
  }
  if (cause instanceof GraphQLError) {
    const { code = 'BAD_USER_INPUT' } = cause.extensions; // without a code: raised by graphql itself, on syntax, validation or coercion
    if (typeof code === 'string' && readable.has(code))
      return clientError(at, cause.message, { ...cause.extensions, code, requestId });
  }
  const sqlState = sqlStateOf(cause);
  if (isBusy(cause, sqlState)) {
    log.warn({ err: cause }, 'the database was too busy');
    return clientError(at, 'Too much is going on. Please try again.', { code: 'TIMEOUT', requestId });
  }
  if (sqlState?.startsWith('22')) {
    log.warn({ err: cause }, 'the database refused a value that should have been refused before');
    return clientError(at, 'A value in the input is out of range.', { code: 'BAD_USER_INPUT', requestId });
  }
  log.error({ err: cause }, 'an operation failed');
  return clientError(at, 'Something went wrong.', { code: 'INTERNAL', requestId });
}

/** What was thrown, below the errors that graphql wraps around it to say where. */
function innermost(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? innermost(error.originalError) : error;
}

function clientError(at: GraphQLError | undefined, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes = null, source = null, positions = null, path = null } = at ?? {};
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

/** Of the states that pass by themselves: serialization, deadlock, no connection left, no lock in time, cancelled, starting or stopping. */
const passing = new Set(['40001', '40P01', '53300', '55P03', '57014', '57P01', '57P02', '57P03']);

/** No connection or no end of the transaction in time (P2028), no server (P1001, P1017), or a state that passes. */
function isBusy(error: unknown, sqlState: string | undefined): boolean {
  if (sqlState !== undefined) return passing.has(sqlState);
  return error instanceof Prisma.PrismaClientKnownRequestError && ['P2028', 'P1001', 'P1017'].includes(error.code);
}
