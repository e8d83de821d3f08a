import { expect, startTestApi, test } from '../fixtures.ts';
import { connect } from '../sql.ts';

const ours = 'https://app.example.com';
const signUp = (email: string) =>
  `mutation { signUp(input: { tenantName: "X", name: "X", email: "${email}", password: "correct horse battery", country: "BR", timeZone: "UTC" }) { __typename } }`;

test('nothing that a foreign page can send without asking runs', async ({ api, database }) => {
  await using superuser = await connect(database.superuserUrl);
  const query = signUp('victim@example.com');
  const form = new FormData();
  form.set('operations', JSON.stringify({ query }));
  form.set('map', '{"0":["variables.file"]}');
  form.set('0', new Blob(['x']), 'x.txt');
  const bodies: [body: BodyInit, type?: string][] = [
    [new URLSearchParams({ query })],
    [form],
    [JSON.stringify({ query }), 'text/plain'],
    [JSON.stringify({ query }), 'text/plain; application/json'],
    [JSON.stringify({ query }), 'application/x-www-form-urlencoded'],
    [JSON.stringify({ query }), 'application/jsonp'],
    [JSON.stringify({ query }), 'application/json-patch'],
    [query, 'application/graphql'],
    [new Blob([JSON.stringify({ query })])],
  ];
  for (const [body, type] of bodies) {
    const answer = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      body,
      ...(type ? { headers: { 'content-type': type } } : {}),
    });
    expect(answer.status, type).toBe(415);
  }
  const search = new URLSearchParams({ query });
  for (const method of ['GET', 'HEAD']) {
    for (const accept of ['application/json', '*/*', 'text/event-stream']) {
      const answer = await fetch(`${api.url}/graphql?${search}`, { method, headers: { accept } });
      expect(answer.status, `${method} ${accept}`).toBe(405);
    }
  }
  await fetch(`${api.url}/graphql?${search}`, { headers: { accept: 'text/html' } }); // GraphiQL's page, and no more than that
  const overridden = await fetch(`${api.url}/graphql?${search}`, {
    method: 'GET',
    headers: { 'x-http-method-override': 'POST' },
  });
  expect(overridden.status).toBe(405);
  const asking = await fetch(`${api.url}/graphql?${search}`, { headers: { 'x-csrf': '1' } }); // good for queries only
  expect(asking.status).toBe(405);
  expect(await superuser.sql`select 1 from users`).toEqual([]);
});

test('a foreign origin is told nothing, and what says that it is one runs nothing', async ({
  db,
  keys,
  storage,
  clock,
}) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { corsOrigins: [ours] });
  const send = (headers: Record<string, string>, method = 'POST') =>
    fetch(`${api.url}/graphql`, {
      method,
      headers: { ...(method === 'POST' ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(method === 'POST' ? { body: '{"query":"{ __typename }"}' } : {}),
    });
  const foreign = [
    'https://evil.example',
    'null',
    `${ours}.evil.example`,
    'http://app.example.com',
    `${ours}:444`,
    'https://APP.example.com.',
    'file://',
  ];
  for (const origin of foreign) {
    for (const method of ['POST', 'OPTIONS']) {
      const { headers } = await send({ origin }, method);
      expect(
        [...headers.keys()].filter((name) => name.startsWith('access-control')),
        origin,
      ).toEqual([]);
    }
    for (const site of ['cross-site', 'same-site', 'same-origin', undefined]) {
      const headers = { origin, ...(site ? { 'sec-fetch-site': site } : {}) };
      expect((await send(headers)).status, `${origin} ${site}`).toBe(403);
      const byGet = await fetch(`${api.url}/graphql?query={__typename}`, { headers: { ...headers, 'x-csrf': '1' } });
      expect(byGet.status, `${origin} ${site}`).toBe(403);
    }
  }
  expect((await send({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await send({ origin: api.url, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await send({ origin: api.url })).status).toBe(200); // the page with GraphiQL
  const { port } = new URL(api.url);
  expect((await send({ origin: `http://localhost:${port}`, 'sec-fetch-site': 'same-origin' })).status).toBe(403);
  for (const origin of [`http://localhost:${port}`, api.url]) {
    const byName = await fetch(`http://localhost:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: '{"query":"{ __typename }"}',
    });
    expect(byName.status, origin).toBe(200);
  }
  expect((await send({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);

  const asked = {
    origin: ours,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  const preflight = await send(asked, 'OPTIONS');
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe(ours);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  const answer = await send({ origin: ours, 'sec-fetch-site': 'cross-site' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('access-control-allow-origin')).toBe(ours);
  expect(answer.headers.get('vary')).toContain('origin');
});

test('every answer tells browsers what it is not to be used for', async ({ db, keys, storage, clock }) => {
  await using production = await startTestApi({ db, keys, storage, clock }, { isProduction: true });
  const answers = [
    await fetch(`${production.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    }),
    await fetch(`${production.url}/graphql`, { headers: { accept: 'text/html' } }),
    await fetch(`${production.url}/nowhere`),
    await fetch(`${production.url}/health/live`),
    await fetch(`${production.url}/uploads/x`, { method: 'PUT', body: 'x' }),
    await fetch(`${production.url}/imports/x/errors.csv`),
  ];
  for (const { headers, url } of answers) {
    expect(Object.fromEntries(headers), url).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-request-id': expect.any(String),
    });
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
    expect(headers.get('set-cookie')).toBeNull();
  }
  await using development = await startTestApi({ db, keys, storage, clock });
  const page = await fetch(`${development.url}/graphql`, { headers: { accept: 'text/html' } });
  expect(page.headers.get('strict-transport-security')).toBeNull();
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self' 'unsafe-inline'");
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
});
