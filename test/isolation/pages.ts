import { getNamedType } from 'graphql';
import { schema } from '../../schema/index.ts';
import { calls, type Variables } from './calls.ts';
import { nodeTypes, type PagedField, selectionOf } from './schema-walk.ts';
import { type Answer, roots, type Tenant } from './tenant.ts';

/** A tenant's own page of a list, by whatever leads there: a query, an object's id, or what a query answers with. */
export async function pageOf(
  { parent, field }: PagedField,
  tenant: Tenant,
): Promise<{ cursor: string; send: (way: 'after' | 'before', cursor: string, asker?: Tenant) => Promise<Answer> }> {
  const selection = `${field.name}(first: $first, after: $after, last: $last, before: $before) ${selectionOf(schema, getNamedType(field.type), 1, () => {})}`;
  let body = '';
  for (const { query, variables, path } of await waysTo(parent, selection, tenant)) {
    const send = (way: 'after' | 'before', cursor: string | null, asker = tenant) =>
      asker.send(query, { ...variables, [way === 'after' ? 'first' : 'last']: 3, [way]: cursor });
    const answer = await send('after', null);
    let found: unknown = answer.data;
    for (const name of [...path, field.name]) found = (found as Variables | null)?.[name];
    const { edges = [] } = (found ?? {}) as { edges?: { cursor: string }[] };
    const [edge] = edges;
    if (edge) return { cursor: edge.cursor, send };
    body = answer.body;
  }
  throw new Error(`${parent}.${field.name} is empty: let a call in test/isolation/calls.ts fill it. ${body}`);
}

const places = '$first: Int, $after: String, $last: Int, $before: String';

type Way = { query: string; variables: Variables; path: string[] };

/** Of an object's list, one way for each that there is: a draft has no recipients. */
async function waysTo(parent: string, selection: string, tenant: Tenant): Promise<Way[]> {
  if (parent === 'Query') return [{ query: `query (${places}) { ${selection} }`, variables: {}, path: [] }];
  if (nodeTypes(schema).includes(parent)) {
    const query = `query ($id: ID!, ${places}) { node(id: $id) { ... on ${parent} { ${selection} } } }`;
    const ids = new Set([await tenant.id(parent), ...(tenant.ids.get(parent) ?? [])]);
    return [...ids].map((id) => ({ query, variables: { id }, path: ['node'] }));
  }
  const root = [...roots.values()].find(
    ({ operation, field }) => operation === 'query' && getNamedType(field.type).name === parent,
  );
  const variables = root && (await calls[root.name]?.(tenant));
  if (!root || !variables) throw new Error(`No query leads to ${parent}: say how in test/isolation/pages.ts.`);
  const declared = root.field.args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const given = root.field.args.map(({ name }) => `${name}: $${name}`).join(', ');
  const query = `query (${declared}, ${places}) { ${root.name}(${given}) { ${selection} } }`;
  return [{ query, variables, path: [root.name] }];
}
