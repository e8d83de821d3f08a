import { getNamedType, isCompositeType, isInterfaceType, isObjectType, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../schema/index.ts';
import { listSizes } from '../schema/list-sizes.ts';
import { costOf, isList, isPaged } from './cost.ts';

function cost(query: string, variables: Record<string, unknown> = {}, name?: string): number {
  const document = parse(query);
  expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
  return costOf(schema, document, name).points(variables);
}

test('a field is a point, and in a list one for each of its length', () => {
  expect(cost('{ __typename }')).toBe(1);
  expect(cost('{ tenant { id name } }')).toBe(3);
  expect(cost('{ contacts(first: 20) { nodes { id name } } }')).toBe(1 + 1 + 20 * 2);
  expect(cost('{ contacts(first: 20) { nodes { id tags { id name } } } }')).toBe(2 + 20 * (1 + 1 + 5 * 2));
  expect(cost('{ contacts(first: 20) { edges { cursor node { id } } pageInfo { hasNextPage } } }')).toBe(
    1 + 1 + 20 * 3 + 2,
  );
  expect(cost('{ contacts(last: 30) { nodes { id } } }')).toBe(2 + 30);
  expect(cost('{ contacts { nodes { id } } }')).toBe(2 + 50);
  expect(cost('{ contacts(first: 0) { nodes { id } } }')).toBe(2);
  expect(cost('{ contacts(first: 10) { nodes { notes(first: 5) { nodes { id body } } } } }')).toBe(
    2 + 10 * (2 + 5 * 2),
  );
  expect(cost('{ nodes(ids: ["a", "b", "c"]) { id } }')).toBe(1 + 3);
  expect(cost('{ nodes(ids: "a") { id } }')).toBe(1 + 1);
});

test('what is worked for costs more', () => {
  expect(cost('{ contacts(first: 1) { totalCount } }')).toBeGreaterThan(20);
  expect(cost('{ __schema { types { name } } }')).toBe(200);
  expect(cost('{ a: __type(name: "A") { name } ...F } fragment F on Query { b: __type(name: "B") { name } }')).toBe(40);
  expect(cost('mutation { signOut(input: { refreshToken: "x" }) { __typename } }')).toBe(11);
});

test('variables say how long a list is', () => {
  const query = `query ($n: Int, $ids: [ID!]!, $five: Int = 5) {
    contacts(first: $n) { nodes { id } } campaigns(first: $five) { nodes { id } } nodes(ids: $ids) { id } }`;
  expect(cost(query, { n: 10, ids: ['a', 'b'] })).toBe(2 + 10 + (2 + 5) + (1 + 2));
  expect(cost(query, { ids: [], five: 7 })).toBe(2 + 50 + (2 + 7) + (1 + 1));
  expect(cost(query, { n: -100, ids: 'a' })).toBe(2 + 50 + (2 + 5) + (1 + 1)); // what is no size is refused when it is read
  expect(cost(query, { n: 1e300, ids: 'a' })).toBeGreaterThan(1e14);
});

test('fragments hide nothing, and of an object only what is said of its own type is counted', () => {
  const fields = 'fragment F on Contact { id name }';
  expect(cost(`{ contacts(first: 20) { nodes { ...F ... on Contact { email } } } } ${fields}`)).toBe(2 + 20 * 3);
  const page = 'fragment Page on ContactConnection { nodes { ...F } }';
  expect(cost(`{ contacts(first: 20) { ...Page ...Page } } ${page} ${fields}`)).toBe(1 + 2 * (1 + 20 * 2)); // twice asked, twice paid
  expect(cost('{ node(id: "x") { id ... on Contact { email phone } ... on Segment { name } } }')).toBe(1 + 1 + 2);
});

test('a bomb of fragments is counted in no time, with variables in it too', () => {
  const chain = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(' ');
  const bomb = `query ($n: Int) { ...F0 } ${chain} fragment F60 on Query { contacts(first: $n) { nodes { id } } }`;
  expect(cost(bomb, { n: 1 })).toBeGreaterThan(1e14);
  const inside = Array.from(
    { length: 60 },
    (_, i) => `fragment C${i} on ContactConnection { ...C${i + 1} ...C${i + 1} }`,
  );
  const within = `query ($n: Int) { contacts(first: $n) { ...C0 } } ${inside.join(' ')} fragment C60 on ContactConnection { nodes { id } }`;
  expect(cost(within, { n: 1 })).toBeGreaterThan(1e14);
});

test('of a document with several operations the one is counted that is run', () => {
  const query = 'query A { tenant { name } } query B { contacts(first: 20) { nodes { id } } }';
  expect([cost(query, {}, 'A'), cost(query, {}, 'B')]).toEqual([2, 22]);
});

test('every list of objects in the schema says how long it is, by an argument or in schema/list-sizes.ts', () => {
  const lists = Object.values(schema.getTypeMap())
    .filter((type) => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'))
    .flatMap((type) =>
      (isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [])
        .filter((field) => isList(field) && isCompositeType(getNamedType(field.type)))
        .map((field) => ({ type, field, name: `${type.name}.${field.name}` })),
    );
  const connections = new Set(
    Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type)
        ? Object.values(type.getFields())
            .filter(isPaged)
            .map((field) => getNamedType(field.type))
        : [],
    ),
  );
  const byHand = lists.filter(({ type }) => !isObjectType(type) || !connections.has(type)).map(({ name }) => name);
  expect(byHand.sort()).toEqual(Object.keys(listSizes).sort());
  const named = lists.flatMap(({ name, field }) => {
    const size = listSizes[name];
    return typeof size === 'object' ? [field.args.some((arg) => arg.name === size.argument)] : [];
  });
  expect(named).toEqual([true]); // `nodes` has its `ids`
});
