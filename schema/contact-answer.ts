import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from './builder.ts';
import { amongOwn } from './node.ts';
import { selection } from './write.ts';

/** Reads the contact that a mutation's answer is about, with what the client asked for of it. */
export function contactAnswer(ctx: Context, info: GraphQLResolveInfo) {
  return ({ id }: { id: string }) =>
    ctx.tx.contact.findUnique({
      ...selection(ctx, info, 'Contact'),
      where: { ...amongOwn(id, ctx), mergedIntoId: null },
    });
}
