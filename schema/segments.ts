import { type ContactCount as Count, countContacts } from '../domain/contacts/count-contacts.ts';
import { type ResolvedFilter, resolveFilter } from '../domain/contacts/filter-definitions.ts';
import { readFilter } from '../domain/contacts/filter.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { createSegment, deleteSegment, openFilter, updateSegment } from '../domain/segments/segments.ts';
import { builder } from './builder.ts';
import { ContactFilter, readableFilter, writtenFilter } from './contact-filter.ts';
import { ContactConnection, ContactOrder, listContacts } from './contact-list.ts';
import { Contact } from './contacts.ts';
import { Deleted } from './deleted.ts';
import { FieldProblem } from './errors.ts';
import { keyset } from './keyset.ts';
import { maskedFilter, personal, refuseGuessing } from './masking.ts';
import { amongOwn, rowId } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const ContactCount = builder.objectRef<Count>('ContactCount').implement({
  description: 'How many contacts a filter means.',
  fields: (t) => ({
    value: t.exposeInt('value', { description: 'So many.' }),
    exact: t.exposeBoolean('exact', {
      description: 'Every one was counted; or, where that would take too long, it is an estimate from a sample.',
    }),
    asOf: t.expose('asOf', { type: 'DateTime', description: 'When it was so.' }),
  }),
});

const filterOutput =
  'The filter, in the shape of `ContactFilter`: it can be sent back as it is, with dates and times as texts.';

export const Segment = builder.prismaNode('Segment', {
  description: 'Contacts by a saved filter: whoever it means at the moment, never a fixed list.',
  authScopes: { may: 'segments.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Names that differ only in case are one.' }),
    filter: t.field({
      ...personal,
      type: 'JSON',
      description: filterOutput,
      select: { filter: true },
      resolve: ({ filter }, _args, ctx) => maskedFilter(ctx, writtenFilter(readFilter(filter))),
    }),
    problems: t.field({
      type: [FieldProblem],
      description:
        'What the filter asks for that is no longer there: a deleted tag, a custom field that is gone or has another type. Such a condition matches nobody, negated or not.',
      select: { filter: true },
      resolve: async ({ filter }, _args, ctx) => {
        const { tenantId } = await ctx.signedIn();
        return (await openFilter(ctx.tx, tenantId, filter)).problems;
      },
    }),
    count: t.field({
      type: ContactCount,
      description: 'How many contacts it means now.',
      authScopes: { may: 'contacts.read' },
      select: { filter: true },
      resolve: async ({ filter }, _args, ctx) => {
        const { tenantId } = await ctx.signedIn();
        return countContacts(ctx.tx, tenantId, await openFilter(ctx.tx, tenantId, filter));
      },
    }),
    preview: t.connection(
      {
        type: Contact,
        description: 'The contacts that it means now.',
        authScopes: { may: 'contacts.read' },
        select: { filter: true },
        args: {
          orderBy: t.arg({ type: ContactOrder, description: 'In which order; the newest first when left out.' }),
        },
        resolve: async ({ filter }, args, ctx, info) => {
          const { tenantId } = await ctx.signedIn();
          return listContacts(await openFilter(ctx.tx, tenantId, filter), args, ctx, info);
        },
      },
      ContactConnection,
    ),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was saved first.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its name or filter last changed.' }),
  }),
});

const byName: KeyColumn[] = [
  { field: 'nameKey', column: 'name_key', type: 'text', descending: false },
  { field: 'id', column: 'id', type: 'uuid', descending: false },
];

const SegmentPreview = builder.objectRef<ResolvedFilter>('SegmentPreview').implement({
  description: 'What a filter would mean as a segment; nothing is saved.',
  authScopes: { may: 'contacts.read' },
  fields: (t) => ({
    count: t.field({
      type: ContactCount,
      description: 'How many contacts it means now.',
      resolve: async (resolved, _args, ctx) => {
        const { tenantId } = await ctx.signedIn();
        return countContacts(ctx.tx, tenantId, resolved);
      },
    }),
    contacts: t.connection(
      {
        type: Contact,
        description: 'The contacts that it means now.',
        args: {
          orderBy: t.arg({ type: ContactOrder, description: 'In which order; the newest first when left out.' }),
        },
        resolve: (resolved, args, ctx, info) => listContacts(resolved, args, ctx, info),
      },
      ContactConnection,
    ),
  }),
});

builder.queryFields((t) => ({
  segments: t.connection(
    {
      type: Segment,
      description: 'The tenant’s segments, by name.',
      authScopes: { may: 'segments.read' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        return keyset(byName, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.segment.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
      },
    },
    { name: 'SegmentConnection', description: 'A page of segments.' },
    { name: 'SegmentEdge', description: 'A segment on a page.' },
  ),
  segmentPreview: t.field({
    type: SegmentPreview,
    description: 'Tries a filter out before it is saved: how many contacts it means, and which.',
    authScopes: { may: 'segments.read' },
    args: { filter: t.arg({ type: ContactFilter, required: true, description: 'The filter.' }) },
    resolve: async (_root, { filter }, ctx) => {
      const { tenantId } = await ctx.signedIn();
      refuseGuessing(ctx, filter);
      return resolveFilter(ctx.tx, tenantId, readableFilter(filter));
    },
  }),
}));

const SegmentCreateInput = builder.inputType('SegmentCreateInput', {
  description: 'A new segment.',
  fields: (t) => ({
    name: t.string({ required: true, description: '1 to 200 characters; unique, whatever its case.' }),
    filter: t.field({
      type: ContactFilter,
      required: true,
      description: 'Whom it means; everybody who is not blocked with `{ blocked: false }`.',
    }),
    ...idempotencyKey(t),
  }),
});

const SegmentUpdateInput = builder.inputType('SegmentUpdateInput', {
  description: 'What to change of a segment; what is left out stays.',
  fields: (t) => ({
    segmentId: t.id({ required: true, description: 'Which segment.' }),
    name: t.string({ description: '1 to 200 characters; unique, whatever its case.' }),
    filter: t.field({ type: ContactFilter, description: 'Whom it means from now on.' }),
    ...idempotencyKey(t),
  }),
});

const SegmentDeleteInput = builder.inputType('SegmentDeleteInput', {
  description: 'The segment to delete. Its contacts stay.',
  fields: (t) => ({ segmentId: t.id({ required: true, description: 'Which segment.' }), ...idempotencyKey(t) }),
});

builder.mutationFields((t) => ({
  segmentCreate: t.field({
    type: Segment,
    nullable: true,
    description: 'Saves a filter as a segment.',
    authScopes: { may: 'segments.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: SegmentCreateInput, required: true, description: 'The segment.' }) },
    resolve: (_root, { input }, ctx, info) => {
      refuseGuessing(ctx, input.filter);
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => createSegment(tx, tenantId, { ...input, filter: readableFilter(input.filter) }),
        ({ id }) => ctx.tx.segment.findUnique({ ...selection(ctx, info, 'Segment'), where: amongOwn(id, ctx) }),
      );
    },
  }),
  segmentUpdate: t.field({
    type: Segment,
    nullable: true,
    description: 'Renames a segment, gives it another filter, or both.',
    authScopes: { may: 'segments.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: SegmentUpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const segmentId = rowId('Segment', input.segmentId);
      if (input.filter) refuseGuessing(ctx, input.filter);
      const filter = input.filter ? readableFilter(input.filter) : undefined;
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => updateSegment(tx, tenantId, segmentId, { name: input.name, filter }, ctx.services.now()),
        ({ id }) => ctx.tx.segment.findUnique({ ...selection(ctx, info, 'Segment'), where: amongOwn(id, ctx) }),
      );
    },
  }),
  segmentDelete: t.field({
    type: Deleted,
    nullable: true,
    description: 'Deletes a segment.',
    authScopes: { may: 'segments.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: SegmentDeleteInput, required: true, description: 'The segment.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const segmentId = rowId('Segment', input.segmentId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => deleteSegment(tx, viewer, segmentId),
        async () => ({ id: input.segmentId }),
      );
    },
  }),
}));
