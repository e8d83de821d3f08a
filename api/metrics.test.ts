import { Registry } from 'prom-client';
import { createLog } from '../runtime/log.ts';
import { serveMetrics } from '../runtime/metrics.ts';
import { watchPools } from '../runtime/pool-metrics.ts';
import { expect, startTestApi, test } from '../test/fixtures.ts';
import { createApiMetrics } from './metrics.ts';

test('requests and operations are counted by route, status and type, and say nothing about anybody', async ({
  db,
  keys,
  storage,
  clock,
}) => {
  const registry = new Registry();
  watchPools(registry, { app: db.pool });
  await using api = await startTestApi({ db, keys, storage, clock }, { metrics: createApiMetrics(registry) });
  await using operators = await serveMetrics({ registry, log: createLog('silent') }, 0);

  await api.graphql('query Mine { viewer { role } }');
  await api.graphql('{ tenant { name } }');
  await api.graphql(
    'mutation { signIn(input: { email: "mary@example.com", password: "wrong password" }) { __typename } }',
  );
  await fetch(`${api.url}/uploads/c2VjcmV0LXRva2Vu`, { method: 'PUT', body: 'x' });
  await fetch(`${api.url}/mary@example.com`);

  const answer = await fetch(`http://localhost:${operators.port}/metrics`);
  const text = await answer.text();
  const count = (name: string, labels: string) =>
    Number(new RegExp(`^${name}_count\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1]);
  expect(answer.headers.get('content-type')).toContain('text/plain');
  expect(count('parley_graphql_operation_seconds', 'type="query",outcome="ok"')).toBe(1);
  expect(count('parley_graphql_operation_seconds', 'type="query",outcome="errors"')).toBe(1);
  expect(count('parley_graphql_operation_seconds', 'type="mutation",outcome="ok"')).toBe(1);
  expect(count('parley_http_request_seconds', 'route="/graphql",method="POST",status="200"')).toBe(3);
  expect(count('parley_http_request_seconds', 'route="/uploads/{token}",method="PUT",status="404"')).toBe(1);
  expect(text).toMatch(/parley_database_connections\{pool="app",state="idle"\} \d/);
  expect(text).not.toContain('mary');
  expect(text).not.toContain('c2VjcmV0LXRva2Vu');
});
