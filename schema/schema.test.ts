import { readFile } from 'node:fs/promises';
import {
  assertInputObjectType,
  assertObjectType,
  buildSchema,
  getNamedType,
  getNullableType,
  type GraphQLField,
  type GraphQLNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { expect, test } from 'vitest';
import { printedSchema, schemaFile } from '../scripts/print-schema.ts';
import { schema } from './index.ts';

type Field = GraphQLField<unknown, unknown>;

const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);
const queries = Object.values(assertObjectType(schema.getQueryType()).getFields());
const mutations = Object.values(assertObjectType(schema.getMutationType()).getFields());
const fieldsOf = (type: GraphQLNamedType): Field[] =>
  isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
const isNode = (type: GraphQLNamedType) =>
  isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');
const isRefusal = (type: GraphQLNamedType) =>
  isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'UserError');

/** What a type or a field says of who may read it: scopes by name, or a function that decides. */
function scopesOf({ extensions }: { extensions: object }): Record<string, unknown> {
  const { pothosOptions } = extensions as { pothosOptions?: { authScopes?: object } };
  const scopes = pothosOptions?.authScopes ?? {};
  return typeof scopes === 'function' ? { decided: true } : { ...scopes };
}

test('the committed schema is the current one (else: npm run schema)', async () => {
  expect(await readFile(schemaFile, 'utf8')).toBe(printedSchema());
});

test('the printed schema is the whole schema, in another order', () => {
  const sorted = (of: typeof schema) => printSchema(lexicographicSortSchema(of));
  expect(sorted(buildSchema(printedSchema()))).toBe(sorted(schema));
});

test('everything in the schema is described', () => {
  const described = (name: string, { description }: { description?: string | null | undefined }) =>
    (description ?? '').trim().length > 2 ? [] : [name];
  const silent = types.flatMap((type) => [
    ...described(type.name, isUnionType(type) ? { description: 'Its members speak for it.' } : type),
    ...fieldsOf(type).flatMap((field) => [
      ...described(`${type.name}.${field.name}`, field),
      ...field.args.flatMap((arg) => described(`${type.name}.${field.name}(${arg.name})`, arg)),
    ]),
    ...(isInputObjectType(type) ? Object.values(type.getFields()) : []).flatMap((field) =>
      described(`${type.name}.${field.name}`, field),
    ),
    ...(isEnumType(type) ? type.getValues() : []).flatMap((value) => described(`${type.name}.${value.name}`, value)),
  ]);
  expect(silent).toEqual([]);
});

test('every query, every mutation and every object that has an id says who may have it', () => {
  const silent = [
    ...[...queries, ...mutations].filter((field) => Object.keys(scopesOf(field)).length === 0),
    ...types.filter((type) => isNode(type) && Object.keys(scopesOf(type)).length === 0),
  ];
  expect(silent.map(({ name }) => name)).toEqual([]);

  const open = [...queries, ...mutations, ...types].filter((one) => scopesOf(one)['public']);
  expect(open.map(({ name }) => name).sort()).toEqual([
    'apiKeyReport',
    'emailVerify',
    'googleSignIn',
    'googleSignInBegin',
    'googleSignUp',
    'invitationAccept',
    'passwordReset',
    'passwordResetRequest',
    'sessionRefresh',
    'signIn',
    'signInConfirm',
    'signOut',
    'signUp',
    'viewer',
  ]);
});

test('a mutation is named by its noun, takes one input and answers with its object or typed errors', () => {
  const verbs =
    /^(add|block|cancel|create|delete|edit|get|import|launch|make|merge|move|remove|set|start|stop|sync|update)[A-Z]/;
  for (const { name, args, type } of mutations) {
    const capitalized = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    expect(name, 'the noun comes first').not.toMatch(verbs);
    expect(
      args.map((arg) => `${arg.name}: ${String(arg.type)}`),
      name,
    ).toEqual([`input: ${capitalized}Input!`]);
    expect(isNonNullType(type), `${name} is nullable, so that a failure does not silence the next field`).toBe(false);
    const result = getNamedType(type);
    if (!isUnionType(result)) throw new Error(`${name} does not answer with a union.`);
    expect(result.name).toBe(`${capitalized}Result`);
    expect(result.getTypes().some(isRefusal), `${name} has typed errors`).toBe(true);
    expect(
      result.getTypes().filter((member) => !isRefusal(member)),
      `${name} has one object`,
    ).toHaveLength(1);
  }
});

test('every mutation of somebody signed in can be repeated safely', () => {
  const signedIn = mutations.filter((field) => !scopesOf(field)['public']);
  const unsafe = signedIn.filter(({ args }) => {
    const [input] = args;
    return !input || !('idempotencyKey' in assertInputObjectType(getNamedType(input.type)).getFields());
  });
  expect(unsafe.map(({ name }) => name)).toEqual([]);
});

test('a list of objects is a connection, unless it cannot grow', () => {
  /** Lists that are no connections, and what bounds them. */
  const bounded: Record<string, string> = {
    'Query.nodes': 'As many as were asked for, at most 100.',
    'Viewer.memberships': 'At most 200 are listed.',
    'Query.customFields': 'A tenant has at most 100 of them.',
    'Contact.identities': 'At most 100.',
    'Contact.tags': 'At most 100.',
    'Contact.customFields': 'One for each custom field.',
    'Contact.consents': 'One for each purpose and channel.',
    'Contact.merged': 'At most 100.',
    'ContactsAssigned.contacts': 'As many as were given, at most 100.',
    'Segment.problems': 'One for each condition of its filter.',
    'Campaign.variables': 'One for each parameter of its template.',
    'CampaignPreflight.excluded': 'One for each reason.',
    'CampaignPreflight.warnings': 'One of each kind.',
    'ContactImportFormat.columns': 'A file has at most 100, unless configured otherwise.',
    'WhatsAppAccount.numbers': 'Meta allows 25 for an account.',
    'Template.parameters': 'One for each of its variables.',
    'TemplateVersion.parameters': 'One for each of its variables.',
    'InvalidInputError.fields': 'One for each value of the input.',
  };
  const lists = types.flatMap((type) => {
    if (type.name.endsWith('Connection')) return [];
    return fieldsOf(type)
      .filter(({ type: output }) => isListType(getNullableType(output)) && isCompositeType(getNamedType(output)))
      .map((field) => `${type.name}.${field.name}`);
  });
  expect(lists.sort()).toEqual(Object.keys(bounded).sort());
});

test('every connection is paged the same way', () => {
  for (const type of types) {
    for (const { name, args, type: output } of fieldsOf(type)) {
      const connection = getNamedType(output);
      if (!connection.name.endsWith('Connection')) continue;
      const node = connection.name.slice(0, -'Connection'.length);
      const [nodes, edges, pageInfo] = ['nodes', 'edges', 'pageInfo'].map(
        (part) => fieldsOf(connection).find((field) => field.name === part)?.type,
      );
      expect([nodes, edges, pageInfo].map(String)).toEqual([`[${node}!]!`, `[${node}Edge!]!`, 'PageInfo!']);
      const paging = args.filter((arg) => ['first', 'after', 'last', 'before'].includes(arg.name));
      expect(paging.map((arg) => `${arg.name}: ${String(arg.type)}`).sort(), `${type.name}.${name}`).toEqual([
        'after: String',
        'before: String',
        'first: Int',
        'last: Int',
      ]);
    }
  }
});
