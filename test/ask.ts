import type { GraphQLAnswer, Person } from './fixtures.ts';

type Caller = Pick<Person, 'graphql'>;

const refusals = `... on UserError { code message } ... on InvalidInputError { fields { path message } }
  ... on ConflictError { path conflictingId }`;

/** Sends one mutation, whose input type is named after it; `parts` are what to select of its object, as in `... on Tag { id }`. */
export function mutate(
  caller: Caller,
  mutation: string,
  input: Record<string, unknown>,
  parts = '',
): Promise<GraphQLAnswer['data']> {
  return askFor(caller, mutation, input, `${parts} ${refusals}`);
}

/** The same for a mutation of somebody who need not be signed in, which has no conflicts. */
export async function askFor(
  caller: Caller,
  mutation: string,
  input: Record<string, unknown>,
  parts = '... on UserError { code message }',
): Promise<GraphQLAnswer['data']> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) { ${mutation}(input: $input) { __typename ${parts} } }`;
  const answer = await caller.graphql(query, { input });
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data[mutation];
}

/** The code of the error that refused an operation as a whole. */
export async function refusalOf(caller: Caller, query: string, variables?: Record<string, unknown>): Promise<unknown> {
  const answer = await caller.graphql(query, variables);
  return answer.errors?.[0]?.extensions['code'];
}

/** Everything of a contact that clients can read. */
export const wholeContact = `id name phone email externalId birthDate language blocked blockedAt createdAt updatedAt
  address { street city region postalCode country } identities { kind value } tags { id name }
  customFields { key value field { label type } } consents { purpose channel granted source givenAt }
  consentHistory(first: 20) { nodes { purpose channel granted source proof givenAt } }
  notes(first: 20) { nodes { id body authorName } } merged { contactId name }`;

/** A contact by its global id, in whole; null when it is not there. */
export async function readContact(caller: Caller, id: string): Promise<GraphQLAnswer['data'] | null> {
  const answer = await caller.graphql(`query ($id: ID!) { node(id: $id) { ... on Contact { ${wholeContact} } } }`, {
    id,
  });
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data['node'];
}

/** Creates a contact that must be accepted, and gives its global id. */
export async function newContact(caller: Caller, input: Record<string, unknown>): Promise<string> {
  const contact = await mutate(caller, 'contactCreate', input, '... on Contact { id }');
  if (contact['__typename'] !== 'Contact') throw new Error(JSON.stringify(contact));
  return contact['id'];
}

export async function newTag(caller: Caller, name: string): Promise<string> {
  const tag = await mutate(caller, 'tagCreate', { name }, '... on Tag { id }');
  return tag['id'];
}

/** How many answers were of which type. */
export function tally(answers: GraphQLAnswer['data'][]): Record<string, number> {
  const types = answers.map(({ __typename }) => String(__typename));
  return Object.fromEntries(types.map((type) => [type, types.filter((other) => other === type).length]));
}
