import { createTag, deleteTag, renameTag } from '../domain/contacts/tags.ts';
import type { KeyColumn } from '../domain/page.ts';
import { prismaPage } from '../domain/page.ts';
import { builder } from './builder.ts';
import { Deleted } from './deleted.ts';
import { keyset, totalCountDescription } from './keyset.ts';
import { amongOwn, rowId } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

export const Tag = builder.prismaNode('Tag', {
  description: 'A label of the tenant’s own, to put on contacts.',
  authScopes: { may: 'contacts.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As it is shown. Names that differ only in case are one tag.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
});

const byName: KeyColumn[] = [
  { field: 'nameKey', column: 'name_key', type: 'text', descending: false },
  { field: 'id', column: 'id', type: 'uuid', descending: false },
];

builder.queryField('tags', (t) =>
  t.connection(
    {
      type: Tag,
      description: 'The tenant’s tags, by name.',
      authScopes: { may: 'contacts.read' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        const connection = await keyset(byName, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.tag.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
        return { ...connection, totalCount: () => ctx.tx.tag.count({ where: { tenantId } }) };
      },
    },
    {
      name: 'TagConnection',
      description: 'A page of tags.',
      fields: (t) => ({
        totalCount: t.int({ description: totalCountDescription, resolve: ({ totalCount }) => totalCount() }),
      }),
    },
    { name: 'TagEdge', description: 'A tag on a page.' },
  ),
);

const TagCreateInput = builder.inputType('TagCreateInput', {
  description: 'A new tag.',
  fields: (t) => ({
    name: t.string({ required: true, description: '1 to 100 characters.' }),
    ...idempotencyKey(t),
  }),
});

const TagUpdateInput = builder.inputType('TagUpdateInput', {
  description: 'A tag’s new name.',
  fields: (t) => ({
    tagId: t.id({ required: true, description: 'Which tag.' }),
    name: t.string({ required: true, description: '1 to 100 characters.' }),
    ...idempotencyKey(t),
  }),
});

const TagDeleteInput = builder.inputType('TagDeleteInput', {
  description: 'The tag to delete.',
  fields: (t) => ({ tagId: t.id({ required: true, description: 'Which tag.' }), ...idempotencyKey(t) }),
});

builder.mutationFields((t) => ({
  tagCreate: t.field({
    type: Tag,
    nullable: true,
    description: 'Creates a tag.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: TagCreateInput, required: true, description: 'The tag.' }) },
    resolve: (_root, { input }, ctx, info) =>
      write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => createTag(tx, tenantId, input),
        ({ id }) => ctx.tx.tag.findUnique({ ...selection(ctx, info, 'Tag'), where: amongOwn(id, ctx) }),
      ),
  }),
  tagUpdate: t.field({
    type: Tag,
    nullable: true,
    description: 'Renames a tag, on every contact that has it.',
    authScopes: { may: 'settings.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: TagUpdateInput, required: true, description: 'The tag and its name.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const tagId = rowId('Tag', input.tagId);
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => renameTag(tx, tenantId, tagId, input),
        ({ id }) => ctx.tx.tag.findUnique({ ...selection(ctx, info, 'Tag'), where: amongOwn(id, ctx) }),
      );
    },
  }),
  tagDelete: t.field({
    type: Deleted,
    nullable: true,
    description: 'Deletes a tag and takes it off every contact.',
    authScopes: { may: 'settings.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: TagDeleteInput, required: true, description: 'The tag.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const tagId = rowId('Tag', input.tagId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => deleteTag(tx, viewer, tagId),
        async () => ({ id: input.tagId }),
      );
    },
  }),
}));
