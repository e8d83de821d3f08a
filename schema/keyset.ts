import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { InvalidInputError } from '../domain/errors.ts';
import { type KeyColumn, type Page, prismaPage } from '../domain/page.ts';
import type { Context } from './builder.ts';

export const pageSizeDefault = 50;
export const pageSizeMax = 100;

export type ConnectionArgs = {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
};

/** What a page's rows are selected with: the columns of their cursors, and what the client asked for. Typed as what is sure of it. */
export type NodeQuery<Key extends string = 'id'> = { select: Record<Key, true> };

/** Where the nodes of a connection stand in what a client selects of it. */
export const nodePaths = [[{ name: 'nodes' }], [{ name: 'edges' }, { name: 'node' }]];

const selectOrder = (order: KeyColumn[]) => Object.fromEntries(order.map(({ field }) => [field, true]));

/**
 * A page of a connection by keyset: the cursor holds the order values and the id, so it survives the deletion of its row.
 * `find` is given where the page begins, how many rows to take and what to select; it may return one row more than the page.
 */
export async function keyset<Row extends object, Key extends string = 'id'>(
  order: KeyColumn[],
  args: ConnectionArgs,
  context: Context,
  info: GraphQLResolveInfo,
  find: (page: Page, query: NodeQuery<Key>) => Promise<Row[]>,
) {
  const page = readPage(order, args);
  const query = queryFromInfo({ context, info, select: selectOrder(order), paths: nodePaths });
  return connectionOf(order, page, await find(page, query as unknown as NodeQuery<Key>));
}

/** A list's `totalCount`, which its `resolve` gives as a function: called only when a client asks. */
export const totalCountDescription =
  'How many there are on all pages. Counting takes time: ask for it only where it is shown.';

/**
 * The page of a connection below a Prisma object, for `select`: part of the parents' own statement, limited there for each parent.
 * `nested` is what `select` is given, `typename` the type of the nodes, and `where` which of them.
 */
export function nestedPage<Key extends string = 'id'>(
  order: KeyColumn[],
  args: ConnectionArgs,
  nested: (selection: never, path: never) => unknown,
  typename: string,
  where: object = {},
): { select: Record<Key, true> } {
  const page = prismaPage(readPage(order, args));
  const query = { ...page, where: { AND: [where, page.where] }, select: selectOrder(order) };
  const below = { getType: () => typename, paths: nodePaths }; // the plugin's own connections say it so; its types know one path only
  return nested(query as never, below as never) as { select: Record<Key, true> };
}

/** Where a page begins and how long it is, from the arguments of a connection. */
export function readPage(order: KeyColumn[], args: ConnectionArgs): Page {
  const { first, after, last, before } = args;
  if (typeof first === 'number' && typeof last === 'number') refuse('last', 'Expected first or last, not both.');
  if (after && before) refuse('before', 'Expected after or before, not both.');
  const backward = typeof last === 'number' || (Boolean(before) && typeof first !== 'number');
  if (backward && after) refuse('after', 'Expected it with first.');
  if (!backward && before) refuse('before', 'Expected it with last.');
  const size = (backward ? last : first) ?? pageSizeDefault;
  if (!Number.isInteger(size) || size < 0 || size > pageSizeMax) {
    refuse(backward ? 'last' : 'first', `Expected a number from 0 to ${pageSizeMax}.`);
  }
  const cursor = backward ? before : after;
  return { order, size, backward, from: cursor ? decodeCursor(order, cursor, backward ? 'before' : 'after') : null };
}

/** Turns the rows found (one more than the page where there is more) into a connection. */
export function connectionOf<Row extends object>(order: KeyColumn[], page: Page, found: Row[]) {
  const rows = found.slice(0, page.size);
  if (page.backward) rows.reverse();
  const hasMore = found.length > page.size;
  const edges = rows.map((node) => ({ cursor: encodeCursor(order, node as Record<string, unknown>), node }));
  return {
    edges,
    pageInfo: {
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
      hasNextPage: page.backward ? page.from !== null : hasMore,
      hasPreviousPage: page.backward ? hasMore : page.from !== null,
    },
  };
}

function encodeCursor(order: KeyColumn[], row: Record<string, unknown>): string {
  const values = order.map(({ field }) => {
    const value = row[field];
    return value instanceof Date ? value.toISOString() : value;
  });
  return Buffer.from(JSON.stringify([nameOf(order), ...values])).toString('base64url');
}

const valueOf = {
  date: z.iso.datetime().transform((text) => new Date(text)),
  text: z
    .string()
    .max(10_000)
    .refine((text) => !text.includes('\0')),
  number: z.int(),
  uuid: z.uuid(),
};

function decodeCursor(order: KeyColumn[], cursor: string, argument: string): (string | Date | number)[] {
  try {
    const [name, ...values] = z.array(z.unknown()).parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (name !== nameOf(order) || values.length !== order.length) throw new Error('another order');
    return order.map(({ type }, index) => valueOf[type].parse(values[index]));
  } catch {
    return refuse(argument, 'Expected a cursor of this list in this order.');
  }
}

/** A cursor belongs to one order of one list. */
function nameOf(order: KeyColumn[]): string {
  return order.map(({ field, descending }) => (descending ? `-${field}` : field)).join(',');
}

function refuse(path: string, message: string): never {
  throw new InvalidInputError([{ path, message }]);
}
