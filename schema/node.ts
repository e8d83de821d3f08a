import { resolveNodes } from '@pothos/plugin-relay';
import { type GraphQLSchema, isObjectType } from 'graphql';
import { InvalidInputError, NotFoundError } from '../domain/errors.ts';
import { builder, type Context, type Viewer } from './builder.ts';
import { UnauthorizedError } from './unauthorized.ts';

const nodesMax = 100;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The row's own id behind the global id of an object of this type, for a mutation or a filter to work with. What cannot be such an
 * id, or is of another type, is not found: exactly like an object that is not there, or somebody else's.
 */
export function rowId(typename: string, globalId: string): string {
  const known = readGlobalId(globalId);
  if (known?.typename !== typename) throw new NotFoundError('There is no such object.');
  return known.id;
}

/** The same for an object of any type: where it is only compared with ids that rows hold. */
export function rowIdOfAny(globalId: string): string {
  const known = readGlobalId(globalId);
  if (!known) throw new NotFoundError('There is no such object.');
  return known.id;
}

/** How a node's row is looked up: among the caller's own. For `findUnique` of a `prismaNode` whose table belongs to tenants. */
export function amongOwn(id: string, context: Context): { tenantId_id: { tenantId: string; id: string } } {
  return { tenantId_id: { tenantId: known(context).tenantId, id } };
}

/** Who is asking, where it has been found out: `node` and every mutation have by then. */
export function known(context: Context): Viewer {
  const viewer = context.knownViewer();
  if (!viewer) throw new UnauthorizedError(null);
  return viewer;
}

/** What a global id says, without having looked; undefined when we cannot have made it. */
function readGlobalId(globalId: string): { typename: string; id: string } | undefined {
  const [typename, id, ...rest] = Buffer.from(globalId, 'base64').toString('utf8').split(':');
  if (!typename || id === undefined || rest.length > 0 || !uuid.test(id)) return undefined;
  return { typename, id };
}

/** The same, of a type that can be looked up by its id; null when there is none. */
function readNodeId(schema: GraphQLSchema, globalId: string): { typename: string; id: string } | null {
  const known = readGlobalId(globalId);
  const type = known && schema.getType(known.typename);
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node') ? (known ?? null) : null;
}

builder.queryFields((t) => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'Any one object by its id; null when there is none, or none of yours.',
    authScopes: { signedIn: true },
    args: { id: t.arg.id({ required: true, description: 'The global id.' }) },
    resolve: async (_root, { id }, ctx, info) => {
      const [node] = await resolveNodes(builder, ctx, info, [readNodeId(info.schema, id)]);
      return node;
    },
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description: 'Several objects by their ids, null where there is none. One bad id spoils nothing else.',
    authScopes: { signedIn: true },
    args: { ids: t.arg.idList({ required: true, description: `The global ids, at most ${nodesMax}.` }) },
    resolve: async (_root, { ids }, ctx, info) => {
      if (ids.length > nodesMax)
        throw new InvalidInputError([{ path: 'ids', message: `Expected at most ${nodesMax} ids.` }]);
      const nodes = await resolveNodes(
        builder,
        ctx,
        info,
        ids.map((id) => readNodeId(info.schema, id)),
      );
      return nodes as Promise<object | null>[];
    },
  }),
}));
