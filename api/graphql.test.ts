// The trial fields come first: the schema is built when the fixtures import it.
import '../test/trial-fields.ts';
import { request } from 'node:http';
import { connect } from 'node:net';
import { getIntrospectionQuery } from 'graphql';
import { expect, type GraphQLAnswer, startTestApi, test } from '../test/fixtures.ts';

const json = { 'content-type': 'application/json' };

function post(url: string, body: BodyInit | null, headers: Record<string, string> = json): Promise<Response> {
  return fetch(`${url}/graphql`, { method: 'POST', headers, body });
}

async function errorOf(answer: Response) {
  const { errors, data } = (await answer.json()) as GraphQLAnswer;
  expect(data ?? null).toBeNull();
  expect(errors).toHaveLength(1);
  return errors?.[0];
}

/** Sends raw bytes and reads the head of what comes back. */
function sendRaw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test('a body of a megabyte is taken, and one byte more is refused before it is read', async ({ api }) => {
  const body = (bytes: number) => {
    const start = '{"query":"{ __typename }","x":"';
    return `${start}${'x'.repeat(bytes - start.length - 2)}"}`;
  };
  expect((await post(api.url, JSON.stringify({ query: `{ __typename } #${'x'.repeat(999_000)}` }))).status).toBe(200);
  const refused = await post(api.url, body(1_000_001));
  expect(refused.status).toBe(413);
  expect(await errorOf(refused)).toMatchObject({ extensions: { code: 'BODY_TOO_LARGE' } });
  // Announced and never sent: the answer comes all the same.
  const announced = 'POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n';
  expect(await sendRaw(api.url, `${announced}content-length: 2000000000\r\n\r\n{`)).toContain('413 Payload Too Large');
});

test('a body that says nothing of its length is refused as soon as it is too long', async ({ api }) => {
  const status = await new Promise((resolve, reject) => {
    const sending = request(`${api.url}/graphql`, { method: 'POST', headers: json }, (answer) => {
      resolve(answer.statusCode);
      sending.destroy();
    });
    sending.on('error', reject);
    const more = () => {
      while (!sending.destroyed && sending.write('x'.repeat(64_000)));
    };
    sending.on('drain', more);
    more(); // for ever, if nobody stops it
  });
  expect(status).toBe(413);
});

test('only JSON is read: what a browser sends without asking first runs nothing', async ({ api }) => {
  const query = '{"query":"mutation { signOut(input: {refreshToken: \\"x\\"}) { __typename } }"}';
  const others = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    '',
  ];
  for (const type of others) {
    const refused = await post(api.url, Buffer.from(query), type ? { 'content-type': type } : {});
    expect(refused.status, type).toBe(415);
    expect(await errorOf(refused)).toMatchObject({ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
  }
  expect((await post(api.url, query, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
});

test('other paths are not found, and other methods are not allowed', async ({ api }) => {
  for (const path of ['/', '/graphql/', '/graphql/x', '/.env', '//', '/health']) {
    const answer = await sendRaw(api.url, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(answer, path).toContain('404 Not Found');
  }
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
    const refused = await fetch(`${api.url}/graphql?query={__typename}`, { method });
    expect(refused.status, method).toBe(405);
    expect(refused.headers.get('allow')).toContain('POST');
  }
});

test('what is no GraphQL request is refused with a reason', async ({ api }) => {
  const bodies = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{}',
    '{"query":null}',
    '{"query":1}',
    '[{"query":"{ __typename }"}]',
    '{"query":"{ __typename }","variables":"x"}',
    '{"query":"{ __typename }","variables":[1]}',
    '\u0000',
    '[['.repeat(50_000),
  ];
  for (const body of bodies) {
    const refused = await post(api.url, body);
    const error = await errorOf(refused);
    expect(error?.extensions['code'], body.slice(0, 50)).toMatch(/^BAD_REQUEST|BAD_USER_INPUT$/);
    expect(error?.extensions['requestId']).toEqual(refused.headers.get('x-request-id'));
  }
  for (const query of ['', '{', 'query', '{ nope }', '{ viewer }', 'query A { __typename } query B { __typename }']) {
    const error = await errorOf(await post(api.url, JSON.stringify({ query })));
    expect(error?.extensions['code'], query).toMatch(
      /^GRAPHQL_|BAD_REQUEST|BAD_USER_INPUT|OPERATION_RESOLUTION_FAILURE/,
    );
  }
});

test('an operation may be so deep, so broad and so long, and no more', async ({ db, keys, storage, clock }) => {
  const queryLimits = { depthMax: 4, aliasesMax: 3, tokensMax: 60, directivesMax: 2, rootFieldsMax: 3 };
  await using api = await startTestApi({ db, keys, storage, clock }, { queryLimits });
  const allowed = [
    '{ __schema { types { name } } }',
    '{ a: __typename b: __typename c: __typename }',
    '{ __typename @include(if: true) @skip(if: false) }',
    'query { ...A } fragment A on Query { a: __typename ...B } fragment B on Query { b: __typename c: __typename }',
  ];
  for (const query of allowed) expect((await api.graphql(query)).errors, query).toBeUndefined();
  const refused: [query: string, message: string][] = [
    [
      '{ viewer { tenant { id ...A } } } fragment A on Node { ... on Tenant { ...B } } fragment B on Tenant { x { y { z } } }',
      'depth limit of 4',
    ],
    ['{ a: __typename b: __typename c: __typename d: __typename }', 'Aliases limit of 3'],
    [
      '{ ...A } fragment A on Query { a: __typename b: __typename ...B } fragment B on Query { c: __typename d: __typename }',
      'Aliases limit of 3',
    ],
    ['{ __typename @include(if: true) @include(if: true) @include(if: true) }', 'Directives limit of 2'],
    [`{ __typename ${'__typename '.repeat(60)} }`, 'Token limit of 60'],
    [
      '{ __typename ...A ... on Query { trialSeenBefore } } fragment A on Query { viewer { role } trialEcho }',
      'At most 3 fields can be asked for at the top, found 4',
    ],
  ];
  for (const [query, message] of refused) {
    const [error] = (await api.graphql(query)).errors ?? [];
    expect(error?.message, query).toContain(message);
    expect(error?.extensions['code'], query).toBe('COST_LIMIT');
  }
});

test('fragments cannot be used to multiply work past the limits, or to hang the server', async ({ api }) => {
  const chain = (of: number) =>
    Array.from({ length: of }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(' ');
  const bomb = (of: number) => api.graphql(`{ ...F0 } ${chain(of)} fragment F${of} on Query { __typename }`);
  expect((await bomb(5)).errors).toBeUndefined();
  expect((await bomb(60)).errors).toMatchObject([{ extensions: { code: 'COST_LIMIT' } }]);
  const circle = await api.graphql('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }');
  expect(circle.errors?.[0]?.extensions['code']).toBe('GRAPHQL_VALIDATION_FAILED');
  const nested = `{ __schema ${'{ types { fields { type '.repeat(5)} { name } ${'} } }'.repeat(5)} }`;
  expect((await api.graphql(nested)).errors?.[0]?.message).toContain('Maximum introspection depth exceeded');
});

test('the documentation in GraphiQL can be loaded', async ({ api }) => {
  const answer = await api.graphql(getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true }));
  expect(answer.errors).toBeUndefined();
});

test('input may be nested so deep and no more, however deep it comes', async ({ api }) => {
  const query = 'query ($any: JSON) { trialEcho(any: $any) }';
  const nest = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const send = (depth: number) => post(api.url, `{"query":"${query}","variables":{"any":${nest(depth)}}}`);
  expect(((await (await send(40)).json()) as GraphQLAnswer).errors).toBeUndefined();
  for (const depth of [60, 100_000]) {
    expect(await errorOf(await send(depth))).toMatchObject({ extensions: { code: 'COST_LIMIT' } });
  }
});

test('texts that cannot be kept are refused, wherever they stand', async ({ api }) => {
  const echo = 'query ($text: String, $any: JSON) { trialEcho(text: $text, any: $any) }';
  const lone = '\uD83D';
  const variables = [
    { text: 'a\u0000b' },
    { text: lone },
    { any: { deep: [{ text: 'a\u0000' }] } },
    { any: { 'a\u0000': 1 } },
    { any: lone },
  ];
  for (const given of variables) {
    const { errors } = await api.graphql(echo, given);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(errors?.[0]?.message).toContain('holds a character that no text can hold');
  }
  for (const literal of ['"a\\u0000b"', '"\\uD83D"', '{ a: "\\u0000" }']) {
    const { errors } = await api.graphql(`{ trialEcho(any: ${literal}) }`);
    expect(errors?.[0]?.extensions['code'], literal).toMatch(/BAD_USER_INPUT|GRAPHQL_PARSE_FAILED/);
  }
  const fine = { text: '\u{1F511} \u200F\u0001\uFFFF' };
  expect((await api.graphql(echo, fine)).data['trialEcho']).toEqual(fine);
});

test('numbers that are too large are refused', async ({ api }) => {
  for (const number of ['2147483648', '-2147483649', '1e400', '9007199254740993', '1.5', '"1"']) {
    const answer = await post(
      api.url,
      `{"query":"query ($n: Int) { trialEcho(number: $n) }","variables":{"n":${number}}}`,
    );
    expect(await errorOf(answer), number).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
  }
});

test('a document is parsed once', async ({ api }) => {
  const seenBefore = async (query: string) => (await api.graphql(query)).data['trialSeenBefore'];
  expect(await seenBefore('{ trialSeenBefore }')).toBe(false);
  expect(await seenBefore('{ trialSeenBefore }')).toBe(true);
  expect(await seenBefore('{ trialSeenBefore  }')).toBe(false);
});

test('browsers may call from the origins that are listed, and from no other', async ({ db, keys, storage, clock }) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { corsOrigins: ['https://app.example'] });
  const ask = async (origin: string, method: string) => {
    const headers = { origin, ...(method === 'OPTIONS' ? { 'access-control-request-method': 'POST' } : json) };
    const body = method === 'OPTIONS' ? null : '{"query":"{ __typename }"}';
    const answer = await fetch(`${api.url}/graphql`, { method, headers, body });
    return answer.headers.get('access-control-allow-origin');
  };
  for (const method of ['OPTIONS', 'POST']) {
    expect(await ask('https://app.example', method)).toBe('https://app.example');
    expect(await ask('https://evil.example', method)).toBeNull();
    expect(await ask('https://app.example.evil.example', method)).toBeNull();
  }
});

test('GraphiQL is there outside of production, without help from another host, and suggestions are too', async ({
  api,
  db,
  keys,
  storage,
  clock,
}) => {
  const page = (url: string) => fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
  const html = await (await page(api.url)).text();
  expect(html).toContain('Parley');
  expect(html).not.toMatch(/(?:src|href)="https?:/);
  const wrong = '{ viewr { role } }';
  expect((await api.graphql(wrong)).errors?.[0]?.message).toContain('Did you mean "viewer"');

  await using production = await startTestApi({ db, keys, storage, clock }, { isProduction: true });
  expect((await page(production.url)).status).toBe(405);
  expect((await production.graphql(wrong)).errors?.[0]?.message).not.toContain('viewer');
});

test('every answer says which request it belongs to, in the caller’s words if they are plain', async ({ api }) => {
  const idOf = async (given?: string) => {
    const answer = await post(api.url, '{"query":"{ nope }"}', {
      ...json,
      ...(given ? { 'x-request-id': given } : {}),
    });
    const { errors } = (await answer.json()) as GraphQLAnswer;
    expect(errors?.[0]?.extensions['requestId']).toBe(answer.headers.get('x-request-id'));
    return answer.headers.get('x-request-id');
  };
  expect(await idOf('order-4711.retry:2')).toBe('order-4711.retry:2');
  expect(await idOf()).toMatch(/^[\da-f-]{36}$/);
  expect(await idOf('x'.repeat(500))).toMatch(/^[\da-f-]{36}$/);
  expect(await idOf('"><script>')).toMatch(/^[\da-f-]{36}$/);
  expect(api.logLines.join('')).toContain('"requestId":"order-4711.retry:2"');
});
