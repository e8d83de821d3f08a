import { NotFoundError } from '../domain/errors.ts';
import { expect, globalId, test } from '../test/fixtures.ts';
import { rowId } from './node.ts';

const missing = '0198c1d2-7f00-7abc-8def-0123456789ab';
const malformed = [
  '',
  '=',
  'x',
  'Tenant',
  globalId('Tenant', ''),
  globalId('', missing),
  globalId('Tenant', 'x'),
  globalId('Tenant', `${missing}:x`),
  globalId('Tenant', missing.toUpperCase()),
  globalId('Tenant', "' or true --"),
  globalId('Session', missing),
  globalId('Query', missing),
  globalId('String', missing),
  globalId('Node', missing),
  globalId('__proto__', missing),
  '\u{1F511}'.repeat(1_000),
];

test('a missing, a foreign and a malformed id are null, and spoil nothing else', async ({ signUp }) => {
  const [ana, bea] = [await signUp('Ana’s'), await signUp('Bea’s')];
  const own = globalId('Tenant', ana.tenantId);
  const bad = [
    globalId('Tenant', missing),
    globalId('Tenant', bea.tenantId),
    globalId('User', bea.userId),
    ...malformed,
  ];
  const nodes = await ana.graphql(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Tenant { name } } }',
    { ids: [...bad, own, ...bad, own] },
  );
  const found = { __typename: 'Tenant', id: own, name: 'Ana’s' };
  const nothing = bad.map(() => null);
  expect(nodes).toEqual({ data: { nodes: [...nothing, found, ...nothing, found] } });
  for (const id of bad) {
    expect(await ana.graphql('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ data: { node: null } });
  }
  expect((await ana.graphql('query ($id: ID!) { node(id: $id) { id } }', { id: own })).data['node']).toEqual({
    id: own,
  });
});

test('more than a hundred ids are refused, and nobody looks up anything unless signed in', async ({ api, shop }) => {
  const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
  const ids = Array.from({ length: 101 }, () => globalId('Tenant', shop.tenantId));
  expect(await shop.graphql(query, { ids })).toMatchObject({
    data: null,
    errors: [{ message: 'ids: Expected at most 100 ids.', extensions: { code: 'BAD_USER_INPUT' } }],
  });
  expect((await shop.graphql(query, { ids: ids.slice(1) })).data['nodes']).toHaveLength(100);
  expect((await api.graphql(query, { ids: ids.slice(1) })).errors).toMatchObject([
    { extensions: { code: 'UNAUTHENTICATED' } },
  ]);
});

test('an id in an input that is malformed, or of another type, is not found', () => {
  expect(rowId('Tenant', globalId('Tenant', missing))).toBe(missing);
  for (const id of [...malformed, globalId('User', missing)]) {
    expect(() => rowId('Tenant', id)).toThrow(NotFoundError);
  }
});
