import { type GraphQLObjectType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from './index.ts';

type Options = { pothosOptions?: { authScopes?: unknown } };
const scopesOf = ({ extensions }: { extensions: unknown }) => (extensions as Options).pothosOptions?.authScopes;

/** What nobody has to be signed in for: reviewed here, one by one. */
const forEverybody = [
  'Query.viewer',
  'Mutation.signUp',
  'Mutation.signIn',
  'Mutation.sessionRefresh',
  'Mutation.signOut',
];

test('every field at the top says what it needs, and only the known ones need nothing', () => {
  const roots = [schema.getQueryType(), schema.getMutationType()].filter((root) => !!root);
  const fields = roots.flatMap((root) =>
    Object.values(root.getFields()).map((field) => ({ name: `${root.name}.${field.name}`, scopes: scopesOf(field) })),
  );
  expect(fields.filter(({ scopes }) => scopes === undefined)).toEqual([]);
  const open = fields.filter(({ scopes }) => typeof scopes !== 'object' || (scopes !== null && 'public' in scopes));
  expect(open.map(({ name }) => name).toSorted()).toEqual(forEverybody.toSorted());
});

test('every object that can be looked up by its id says what it needs, whichever way it is reached', () => {
  const nodes = Object.values(schema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node'),
  );
  expect(nodes.length).toBeGreaterThan(1);
  expect(nodes.filter((type) => scopesOf(type) === undefined).map(({ name }) => name)).toEqual([]);
});
