import { getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { Histogram, type Registry } from 'prom-client';

export type ApiMetrics = {
  request(route: string, method: string, status: number, seconds: number): void;
  operation(type: string, outcome: 'ok' | 'errors', seconds: number): void;
};

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What the API counts. A route is a pattern of ours, so that no path of a client's becomes a label. */
export function createApiMetrics(registry: Registry): ApiMetrics {
  const registers = [registry];
  const requests = new Histogram({
    name: 'parley_http_request_seconds',
    help: 'Requests by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    buckets,
    registers,
  });
  const operations = new Histogram({
    name: 'parley_graphql_operation_seconds',
    help: 'GraphQL operations by type, and whether the answer held top-level errors.',
    labelNames: ['type', 'outcome'],
    buckets,
    registers,
  });
  return {
    request: (route, method, status, seconds) =>
      requests.observe({ route, method: knownMethods.has(method) ? method : 'other', status: String(status) }, seconds),
    operation: (type, outcome, seconds) => operations.observe({ type, outcome }, seconds),
  };
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']);

/** Counts every operation that was run, by what it was and how it ended. */
export function countOperations(metrics: ApiMetrics): Plugin {
  return {
    onExecute({ args: { document, operationName } }) {
      const began = performance.now();
      const type = getOperationAST(document, operationName)?.operation ?? 'unknown';
      return {
        onExecuteDone({ result }) {
          const failed = !(Symbol.asyncIterator in result) && (result.errors?.length ?? 0) > 0;
          metrics.operation(type, failed ? 'errors' : 'ok', (performance.now() - began) / 1_000);
        },
      };
    },
  };
}
