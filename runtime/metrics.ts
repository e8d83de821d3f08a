import type { RequestListener } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { listen, type RunningServer } from './listen.ts';
import type { Log } from './log.ts';

/** The metrics of one process. Labels are names from the code: never a tenant, an id or anybody's data. */
export function createRegistry(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}

/** What a check answers: the status and what stands in the body. */
export type Check = () => Promise<{ ok: boolean; body: object }>;

/** `GET /metrics` for Prometheus, and checks by their paths: a port for operators, not for clients. */
export function serveMetrics(
  options: { registry: Registry; checks?: Record<string, Check>; log: Log },
  port: number,
): Promise<RunningServer> {
  const { registry, checks = {}, log } = options;
  const answer = async (path: string): Promise<{ status: number; type: string; body: string }> => {
    if (path === '/metrics') return { status: 200, type: registry.contentType, body: await registry.metrics() };
    const check = Object.hasOwn(checks, path) ? checks[path] : undefined;
    if (!check) return { status: 404, type: 'text/plain', body: 'There is nothing here.\n' };
    const { ok, body } = await check();
    return { status: ok ? 200 : 503, type: 'application/json; charset=utf-8', body: JSON.stringify(body) };
  };
  const listener: RequestListener = (request, response) => {
    const send = ({ status, type, body }: Awaited<ReturnType<typeof answer>>) =>
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    answer(new URL(request.url ?? '/', 'http://localhost').pathname).then(send, (error: unknown) => {
      log.error({ err: error }, 'metrics could not be collected');
      send({ status: 500, type: 'text/plain', body: 'Something went wrong.\n' });
    });
  };
  return listen(listener, port).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    log.warn(
      { wanted: port },
      'the port for metrics is taken by another process of this machine: any free one is used',
    );
    return listen(listener, 0);
  });
}
