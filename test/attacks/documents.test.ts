import { getIntrospectionQuery } from 'graphql';
import { expect, type GraphQLAnswer, startTestApi, test } from '../fixtures.ts';

const codeOf = ({ errors }: GraphQLAnswer) => errors?.[0]?.extensions['code'];
const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');

/** Documents that ask for far more than they look like; each is refused before any of it runs. */
const tooMuch: Record<string, string> = {
  'a thousand aliases': `{ ${times(1_000, (i) => `a${i}: tenant { name }`)} }`,
  'a hundred sign-ins in one document': `mutation { ${times(100, (i) => `a${i}: signIn(input: { email: "a@example.com", password: "password${i}" }) { __typename }`)} }`,
  'aliases in fragments': `{ ${times(50, (i) => `...F${i}`)} } ${times(50, (i) => `fragment F${i} on Query { a${i}: tenant { name } }`)}`,
  'a circle through the graph': `{ contacts(first: 1) { nodes { ${'messages(first: 1) { nodes { contact { '.repeat(8)} id ${'} } }'.repeat(8)} } } }`,
  'depth hidden in fragments': `{ contacts(first: 1) { nodes { ...F0 } } } ${times(9, (i) => `fragment F${i} on Contact { messages(first: 1) { nodes { contact { ...F${i + 1} } } } }`)} fragment F9 on Contact { id }`,
  'a bomb of fragments': `{ ...F0 } ${times(40, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F40 on Query { tenant { name } }`,
  'a bomb of fragments in a page': `{ contacts(first: 1) { ...F0 } } ${times(40, (i) => `fragment F${i} on ContactConnection { ...F${i + 1} ...F${i + 1} }`)} fragment F40 on ContactConnection { nodes { id } }`,
  'a flood of directives': `{ tenant { name ${times(500, () => '@include(if: true)')} } }`,
  'five directives in one place': '{ tenant { name @a @b @c @d @e } }',
  'directives spread over fields': `{ tenant { ${times(40, (i) => `a${i % 20}: name @include(if: true)`)} } }`,
  'one field a hundred and one times': `{ tenant { ${times(101, () => 'name')} } }`,
  'a page of 100,000': '{ contacts(first: 100000) { nodes { id } } }',
  'a page of 100,000 from the end': '{ contacts(last: 100000) { nodes { id } } }',
  'pages in pages in pages':
    '{ contacts(first: 100) { nodes { messages(first: 100) { nodes { campaign { recipients(first: 100) { nodes { id } } } } } } } }',
  'a hundred thousand tokens': `{ ${times(100_000, () => 'x')} }`,
};

test('documents that ask for too much are refused, whoever asks, before any of them runs', async ({
  db,
  keys,
  storage,
  clock,
  shop,
}) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { costMax: 20_000 });
  for (const [what, document] of Object.entries(tooMuch)) {
    const answer = await api.graphql(document, {}, shop.accessToken);
    expect(codeOf(answer), `${what}: ${answer.errors?.[0]?.message}`).toBe('COST_LIMIT');
    expect(answer.data ?? null, what).toBeNull();
    expect(codeOf(await api.graphql(document)), what).toBe('COST_LIMIT');
  }
  const thousand = `{ tenant { ${times(1_000, () => 'name')} } }`; // graphql itself gives up comparing them
  expect(codeOf(await api.graphql(thousand, {}, shop.accessToken))).toBe('GRAPHQL_VALIDATION_FAILED');
  expect(codeOf(await api.graphql('{ tenant { name } }', {}, shop.accessToken))).toBeUndefined();
});

test('page sizes hide in variables no better', async ({ db, keys, storage, clock, shop }) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { costMax: 20_000 });
  const query = 'query ($n: Int = 100000) { contacts(first: $n) { nodes { id } } }';
  for (const variables of [{}, { n: 100_000 }, { n: 2_147_483_647 }]) {
    expect(codeOf(await api.graphql(query, variables, shop.accessToken))).toBe('COST_LIMIT');
  }
  expect(codeOf(await api.graphql(query, { n: 101 }, shop.accessToken))).toBe('BAD_USER_INPUT');
  expect(codeOf(await api.graphql(query, { n: -1 }, shop.accessToken))).toBe('BAD_USER_INPUT');
  expect(codeOf(await api.graphql(query, { n: 100 }, shop.accessToken))).toBeUndefined();
});

test('a fragment that holds itself, and names that belong to introspection, are no way around', async ({
  api,
  shop,
}) => {
  const circles = [
    '{ ...A } fragment A on Query { tenant { name } ...A }',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
    '{ contacts { ...A } } fragment A on ContactConnection { nodes { messages { nodes { contact { ...B } } } } } fragment B on Contact { messages { nodes { contact { ...B } } } }',
  ];
  for (const circle of circles) expect(codeOf(await shop.graphql(circle))).toBe('GRAPHQL_VALIDATION_FAILED');
  const deep = `${'messages(first: 1) { nodes { contact { '.repeat(8)} id ${'} } }'.repeat(8)}`;
  const named = `query __schema { ...__schema } fragment __schema on Query { contacts(first: 1) { nodes { ${deep} } } }`;
  expect(codeOf(await shop.graphql(named))).toBe('COST_LIMIT');
  const introspection = `{ __schema ${'{ types { fields { type '.repeat(6)} { name } ${'} } }'.repeat(6)} }`;
  expect(codeOf(await api.graphql(introspection))).toBe('GRAPHQL_VALIDATION_FAILED');
});

test('variables are bounded in number, in length and in sum', async ({ api }) => {
  const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
  expect(codeOf(await api.graphql(query, { ids: Array(2_001).fill('a') }))).toBe('COST_LIMIT');
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`v${i}`, 1]));
  expect(codeOf(await api.graphql('{ __typename }', many))).toBe('COST_LIMIT');
  const nested = { ids: [], x: Array(1_500).fill(Array(10).fill(1)) };
  expect(codeOf(await api.graphql(query, nested))).toBe('COST_LIMIT');
});

test('many operations in one request are refused as a whole', async ({ api }) => {
  const one = { query: 'mutation { signIn(input: { email: "a@example.com", password: "password1" }) { __typename } }' };
  for (const batch of [[one], Array.from({ length: 10 }, () => one), []]) {
    const answer = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(batch),
    });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as GraphQLAnswer).data ?? null).toBeNull();
  }
});

test('in production the schema is told to nobody, in whole or by guesses', async ({ db, keys, storage, clock }) => {
  await using api = await startTestApi({ db, keys, storage, clock }, { isProduction: true });
  const questions = [
    getIntrospectionQuery(),
    '{ __schema { queryType { name } } }',
    '{ __type(name: "User") { fields { name } } }',
    '{ ...F } fragment F on Query { x: __schema { types { name } } }',
  ];
  for (const question of questions) {
    const answer = await api.graphql(question);
    expect(codeOf(answer)).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(answer.data ?? null).toBeNull();
  }
  expect((await api.graphql('{ __typename }')).data).toEqual({ __typename: 'Query' });
  const guesses = [
    '{ contact { id } }',
    '{ tenan { name } }',
    '{ contacts { node { id } } }',
    '{ contacts(frist: 1) { nodes { id } } }',
    'mutation { signin(input: {}) { __typename } }',
    'query ($x: ContactFilte) { __typename }',
    '{ contacts(orderBy: { field: NAM }) { nodes { id } } }',
    '{ viewer { ... on Tenan { name } } }',
    'mutation { signIn(input: { emai: "a", password: "b" }) { __typename } }',
  ];
  for (const guess of guesses) {
    expect(JSON.stringify((await api.graphql(guess)).errors), guess).not.toMatch(/did you mean/i);
  }
  const variable = 'query ($order: ContactOrder) { contacts(orderBy: $order) { nodes { id } } }';
  for (const order of [{ fild: 'NAME' }, { field: 'NAM' }]) {
    expect(JSON.stringify((await api.graphql(variable, { order })).errors)).not.toMatch(/did you mean/i);
  }
  await using told = await startTestApi({ db, keys, storage, clock }, { isProduction: true, introspection: true });
  expect(codeOf(await told.graphql(getIntrospectionQuery()))).toBeUndefined();
});
