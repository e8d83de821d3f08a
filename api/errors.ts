import { GraphQLError } from 'graphql';
import { DomainError, InvalidInputError } from '../domain/errors.ts';
import { Prisma } from '../prisma/client.ts';
import type { Log } from '../runtime/log.ts';

/** Codes of refusals whose own text a client may read. */
const readable = new Set([
  'UNAUTHENTICATED',
  'FORBIDDEN',
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
  'PERSISTED_QUERY_NOT_FOUND',
]);

/**
 * What of an error a client sees: its own mistakes in full, everything else as "something went wrong" with the request's id.
 * Prisma's messages carry table names and values: none of it leaves.
 */
export function maskError(error: unknown, log: Log, requestId: string): GraphQLError {
  const at = error instanceof GraphQLError ? error : undefined;
  const cause = innermost(error);
  if (cause instanceof DomainError) {
    const invalid = cause instanceof InvalidInputError;
    return clientError(at, cause.message, {
      code: invalid ? 'BAD_USER_INPUT' : cause.code,
      ...(invalid ? { fields: cause.fields } : {}),
      requestId,
    });
  }
  if (cause instanceof GraphQLError) {
    const { code = 'BAD_USER_INPUT' } = cause.extensions; // without a code: raised by graphql itself, on syntax, validation or coercion
    if (typeof code === 'string' && readable.has(code))
      return clientError(at, cause.message, { ...cause.extensions, code, requestId });
  }
  if (isBusy(cause)) {
    log.warn({ err: cause }, 'the database was too busy');
    return clientError(at, 'Too much is going on. Please try again.', { code: 'TIMEOUT', requestId });
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

/** No connection in time (P2028), the transaction took too long, or a statement ran into the role's time limit (57014). */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  return error.code === 'P2028' || error.message.includes('57014') || error.message.includes('statement timeout');
}
