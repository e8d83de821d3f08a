import { expect, test } from '../test/fixtures.ts';

test('a migrated database is ready, and says so with a request id', async ({ api }) => {
  const answer = await fetch(`${api.url}/health/ready`);
  expect(await answer.json()).toEqual({ status: 'ok', missing: [] });
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
});

test('nobody is signed in without a token, and is told so', async ({ api }) => {
  const answer = await api.graphql('{ tenant { name } }');
  expect(answer.errors?.[0]?.extensions['code']).toBe('UNAUTHENTICATED');
});
