import { getNamedType, type GraphQLObjectType, type GraphQLSchema, isAbstractType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from './index.ts';

type Options = { pothosOptions?: { authScopes?: unknown } };
const scopesOf = ({ extensions }: { extensions: unknown }) => (extensions as Options).pothosOptions?.authScopes;

/** What nobody has to be signed in for: reviewed here, one by one. */
const forEverybody = [
  'Query.viewer',
  'Mutation.signUp',
  'Mutation.signIn',
  'Mutation.signInConfirm',
  'Mutation.googleSignInBegin',
  'Mutation.googleSignIn',
  'Mutation.googleSignUp',
  'Mutation.emailVerify',
  'Mutation.passwordReset',
  'Mutation.passwordResetRequest',
  'Mutation.sessionRefresh',
  'Mutation.signOut',
  'Mutation.apiKeyReport',
  'Mutation.invitationAccept',
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

/**
 * Types that say nothing themselves and have no id: parts of these, which say who may read them. Whoever may read the whole may read its
 * parts; a part that turns up elsewhere is to be listed there as well.
 */
const partsOf: Readonly<Record<string, readonly string[]>> = {
  AuditActor: ['AuditEntry'],
  AuditTarget: ['AuditEntry'],
  CampaignAudience: ['Campaign'],
  CampaignBlock: ['Campaign'],
  CampaignPreflight: ['Campaign'],
  CampaignReached: ['CampaignTotals'],
  CampaignTotals: ['Campaign'],
  CampaignVariable: ['Campaign'],
  ConsentEntry: ['Contact'],
  ContactAddress: ['Contact'],
  ContactConsent: ['Contact'],
  ContactCount: ['Segment', 'SegmentPreview'],
  ContactIdentity: ['Contact'],
  ContactImportColumn: ['ContactImportFormat'],
  ContactImportError: ['ContactImport'],
  ContactImportFailure: ['ContactImport'],
  ContactImportFormat: ['ContactImport'],
  CustomFieldValue: ['Contact'],
  FieldProblem: ['InvalidInputError', 'Segment'],
  Membership: ['Viewer'],
  MergedContact: ['Contact'],
  MessageFailure: ['Message'],
  PortfolioShare: ['CampaignPreflight'],
  PreflightExclusion: ['CampaignPreflight'],
  PreflightWarning: ['CampaignPreflight'],
  TemplateParameter: ['Template', 'TemplateVersion'],
  TemplateRejection: ['Template'],
  TemplateVersion: ['Template'],
  WhatsAppBlock: ['WhatsAppAccount', 'WhatsAppNumber'],
};

/** Nothing of a tenant is in them. */
const isWithoutData = (type: GraphQLObjectType) =>
  type.name === 'PageInfo' || type.getInterfaces().some(({ name }) => name === 'UserError');

/** A page of a list, or a row of one: a way to its nodes, whose type says who may read them. */
const isWay = (type: GraphQLObjectType) => /(Connection|Edge)$/.test(type.name);

/**
 * What is not declared. A query or a mutation is by scopes of its own. A field of an object is if the type of the object is; and that is by
 * scopes of its own, which hold whichever way it is reached, or as the answer of nothing but queries and mutations, or as a part.
 */
function undeclared(of: GraphQLSchema): string[] {
  const roots = [of.getQueryType(), of.getMutationType()].filter((root) => !!root);
  const fieldsOf = (type: GraphQLObjectType) => Object.values(type.getFields());
  const objects = Object.values(of.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__') && !roots.includes(type),
  );
  const leadsTo = (from: GraphQLObjectType, to: GraphQLObjectType) =>
    fieldsOf(from).some((field) => {
      const type = getNamedType(field.type);
      return type === to || (isAbstractType(type) && of.getPossibleTypes(type).includes(to));
    });
  const wholesOf = (part: GraphQLObjectType): string[] =>
    objects
      .filter((type) => leadsTo(type, part))
      .flatMap((type) => (isWay(type) ? wholesOf(type) : [type.name]))
      .filter((name, index, names) => names.indexOf(name) === index)
      .toSorted();
  const isSilent = (type: GraphQLObjectType) =>
    scopesOf(type) === undefined && !isWithoutData(type) && !isWay(type) && wholesOf(type).length > 0;
  return [
    ...roots.flatMap((root) =>
      fieldsOf(root)
        .filter((field) => scopesOf(field) === undefined)
        .map(({ name }) => `${root.name}.${name}`),
    ),
    ...objects
      .filter((type) => isSilent(type) && partsOf[type.name]?.toSorted().join() !== wholesOf(type).join())
      .map((type) => `${type.name}, a part of ${wholesOf(type).join(', ')}`),
    ...Object.keys(partsOf).filter((name) => !objects.some((type) => type.name === name && isSilent(type))),
  ];
}

test('every query, mutation, node, page and field says who may have it, by itself, its type or what it is a part of', () => {
  expect(undeclared(schema), 'give it authScopes, or list what it is a part of').toEqual([]);
});

/**
 * Lists that can be had without the right to their nodes: cursors and counts tell of these, and no node has to be asked for. A list says
 * what its nodes say; below an object whose type says it too, or of which the nodes are parts, that is said.
 */
function openLists(of: GraphQLSchema): string[] {
  const typeOf = (name: string) => of.getType(name) as GraphQLObjectType;
  return Object.values(of.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) =>
      Object.values(type.getFields()).map((field) => ({ type, field, list: getNamedType(field.type) })),
    )
    .filter(({ list }) => isObjectType(list) && list.name.endsWith('Connection'))
    .filter(({ type, field, list }) => {
      const { nodes } = typeOf(list.name).getFields();
      const needed = scopesOf(getNamedType(nodes?.type) ?? { extensions: {} });
      const said = [field, type].map((one) => JSON.stringify(scopesOf(one)));
      return needed !== undefined && !said.includes(JSON.stringify(needed));
    })
    .map(({ type, field }) => `${type.name}.${field.name}`);
}

test('every list says what its nodes say, for it tells of them by itself', () => {
  expect(openLists(schema), 'give it the authScopes of its nodes').toEqual([]);
  const recipients = (schema.getType('Campaign') as GraphQLObjectType).getFields()['recipients'];
  expect(silenced(recipients, openLists)).toEqual(['Campaign.recipients']);
});

/** What is found when a field or a type says nothing any more. */
function silenced(one: { extensions: object } | undefined, look = undeclared): string[] {
  if (!one) throw new Error('There is no such field or type.');
  const { extensions } = one;
  one.extensions = {};
  try {
    return look(schema);
  } finally {
    one.extensions = extensions;
  }
}

test('a query, a mutation, a node or a part that no longer says anything is noticed', () => {
  expect(silenced(schema.getQueryType()?.getFields()['contacts'])).toEqual(['Query.contacts']);
  expect(silenced(schema.getMutationType()?.getFields()['contactMerge'])).toEqual(['Mutation.contactMerge']);
  expect(silenced(schema.getType('Contact') as GraphQLObjectType)).toContainEqual(
    expect.stringMatching(/^Contact, a part of .*Message/),
  );
});
