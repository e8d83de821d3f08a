import type { GraphQLResolveInfo } from 'graphql';
import { countContacts } from '../domain/contacts/count-contacts.ts';
import { type ResolvedFilter, resolveFilter } from '../domain/contacts/filter-definitions.ts';
import { contactOrder, type contactOrders, findContacts } from '../domain/contacts/find-contacts.ts';
import { builder, type Context } from './builder.ts';
import { ContactFilter, readableFilter } from './contact-filter.ts';
import { Contact } from './contacts.ts';
import { type ConnectionArgs, keyset } from './keyset.ts';
import { refuseGuessing } from './masking.ts';

export const ContactConnection = builder.connectionObject(
  {
    type: Contact,
    name: 'ContactConnection',
    description: 'A page of contacts.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many there are on all pages together. It is counted only when asked for, and costs.',
        resolve: ({ totalCount }) => totalCount?.() ?? 0,
      }),
    }),
  },
  { name: 'ContactEdge', description: 'A contact on a page.' },
);

export const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which way a list goes.',
  values: {
    ASC: { description: 'The first, the oldest or the smallest at the top.' },
    DESC: { description: 'The last, the newest or the largest at the top.' },
  } as const,
});

const ContactOrderField = builder.enumType('ContactOrderField', {
  description: 'What contacts are listed by.',
  values: {
    CREATED_AT: { description: 'When they were created.' },
    UPDATED_AT: { description: 'When they were last changed.' },
    NAME: { description: 'Their names, without case and accents; contacts without a name come before all others.' },
  } satisfies Record<keyof typeof contactOrders, { description: string }>,
});

export const ContactOrder = builder.inputType('ContactOrder', {
  description: 'The order of a list of contacts.',
  fields: (t) => ({
    field: t.field({ type: ContactOrderField, required: true, description: 'What by.' }),
    direction: t.field({
      type: OrderDirection,
      description: 'Which way; when left out, names from A to Z and times from the newest.',
    }),
  }),
});

type ContactsArgs = ConnectionArgs & { orderBy?: typeof ContactOrder.$inferInput | null | undefined };

/** A connection of the contacts that a filter means. */
export async function listContacts(
  resolved: ResolvedFilter | null,
  args: ContactsArgs,
  ctx: Context,
  info: GraphQLResolveInfo,
) {
  const { tenantId } = await ctx.signedIn();
  const by = args.orderBy?.field ?? 'CREATED_AT';
  const descending = (args.orderBy?.direction ?? (by === 'NAME' ? 'ASC' : 'DESC')) === 'DESC';
  const connection = await keyset(contactOrder(by, descending), args, ctx, info, (page, query) =>
    findContacts(ctx.tx, tenantId, resolved, page, (wanted) => ctx.tx.contact.findMany({ ...query, ...wanted })),
  );
  const totalCount = async () => (await countContacts(ctx.tx, tenantId, resolved, Infinity)).value;
  return { ...connection, totalCount };
}

builder.queryField('contacts', (t) =>
  t.connection(
    {
      type: Contact,
      description: 'The tenant’s contacts, the newest first unless ordered otherwise. What was merged is left out.',
      authScopes: { may: 'contacts.read' },
      args: {
        filter: t.arg({ type: ContactFilter, description: 'Which; everybody when left out.' }),
        orderBy: t.arg({ type: ContactOrder, description: 'In which order.' }),
      },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        if (args.filter) refuseGuessing(ctx, args.filter);
        const resolved = args.filter ? await resolveFilter(ctx.tx, tenantId, readableFilter(args.filter)) : null;
        return listContacts(resolved, args, ctx, info);
      },
    },
    ContactConnection,
  ),
);
