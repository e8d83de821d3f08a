import { expect, startTestApi, test, type TestApi } from '../fixtures.ts';

/** What came back: whatever of it could be read. */
type Reply = { status: number; text: string; data: Record<string, unknown>; errors: { message: string }[] };

async function read(sent: Promise<Response>): Promise<Reply> {
  const answer = await sent;
  const text = await answer.text();
  const body = (text.startsWith('{') ? JSON.parse(text) : {}) as Partial<Reply>;
  return { status: answer.status, text, data: body.data ?? {}, errors: body.errors ?? [] };
}

const post = ({ url }: TestApi, body: unknown) =>
  read(
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
const ask = (api: TestApi, query: string) => post(api, { query });
const inUrl = ({ url }: TestApi, query: string, method: 'GET' | 'POST') =>
  read(fetch(`${url}/graphql?${new URLSearchParams({ query })}`, { method }));
const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');

/** What the scanner graphql-cop tries, as it tries it, and what it would call a finding. */
const checks: Record<string, (api: TestApi) => Promise<boolean>> = {
  'aliases without end': async (api) =>
    'alias100' in (await ask(api, `query cop { ${times(101, (i) => `alias${i}:__typename`)} }`)).data,
  'a batch of operations': async (api) => {
    const { text } = await post(
      api,
      Array.from({ length: 11 }, () => ({ query: 'query cop { __typename }' })),
    );
    return text.startsWith('[') || text.includes('__typename');
  },
  'ten directives in one place, each with its own error': async (api) =>
    (await ask(api, 'query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }')).errors.length === 10,
  'one field five hundred times': async (api) =>
    '__typename' in (await ask(api, `query cop { ${times(500, () => '__typename')} }`)).data,
  'the schema in circles': async (api) => {
    const query = `query cop { __schema { types { ${'fields { type { '.repeat(4)} name ${'} } '.repeat(4)} } } }`;
    return '__schema' in (await ask(api, query)).data;
  },
  'fragments in circles': async (api) => {
    const fragments = 'fragment A on __Schema { __typename ...B } fragment B on __Schema { ...A }';
    return (await ask(api, `query cop { __schema { ...A } } ${fragments}`)).errors.length === 0;
  },
  suggestions: async (api) => /did you mean/i.test((await ask(api, 'query cop { __schema { directive } }')).text),
  'the schema': async (api) => '__schema' in (await ask(api, 'query cop { __schema { types { name } } }')).data,
  'a mutation by GET': async (api) => '__typename' in (await inUrl(api, 'mutation cop { __typename }', 'GET')).data,
  'a query by GET': async (api) => '__typename' in (await inUrl(api, 'query cop { __typename }', 'GET')).data,
  'a query in the address of a POST': async (api) =>
    '__typename' in (await inUrl(api, 'query cop { __typename }', 'POST')).data,
  'a page to try queries on': async ({ url }) => {
    const paths = ['/', '/graphiql', '/playground', '/console', '/graphql', '/v1/graphql/explorer'];
    const pages = await Promise.all(
      paths.map((path) => read(fetch(`${url}${path}`, { headers: { accept: 'text/html' } }))),
    );
    return pages.some(({ text }) => /graphiql|playground/i.test(text));
  },
  traces: async (api) => /tracing|stack ?trace/i.test((await ask(api, 'query cop { __typename }')).text),
  'errors that nobody handled': async (api) =>
    /exception|stack|node_modules/i.test((await ask(api, 'qwerty cop { abc }')).text),
};

test('a scanner finds nothing in production', async ({ db, keys, storage, clock }) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { isProduction: true });
  const findings: string[] = [];
  for (const [what, isFinding] of Object.entries(checks)) if (await isFinding(api)) findings.push(what);
  expect(findings).toEqual([]);
});

test('the scanner does find what is open on purpose elsewhere', async ({ api }) => {
  const open = ['suggestions', 'the schema', 'a page to try queries on'];
  for (const what of open) expect(await checks[what]?.(api), what).toBe(true);
});
