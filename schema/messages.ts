import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import { leadOf } from '../domain/contacts/lead.ts';
import { explainFailure, type ExplainedFailure } from '../domain/messages/failures.ts';
import { messagesOfContacts } from '../domain/messages/messages-of-contacts.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import type { Prisma } from '../prisma/client.ts';
import { batched, nameOfField } from './batch.ts';
import { builder, type Context } from './builder.ts';
import { Contact } from './contacts.ts';
import { connectionOf, type ConnectionArgs, keyset, type NodeQuery, nodePaths, readPage } from './keyset.ts';
import { masked, maskedContent, personal, withheld } from './masking.ts';
import { amongOwn, rowId } from './node.ts';
import { Template } from './template-types.ts';
import { messagesOfCampaign, visibleMessages } from './visible.ts';
import { selection } from './write.ts';

const statuses = {
  QUEUED: { description: 'It waits to be sent.' },
  DISPATCHING: { description: 'It is on its way to WhatsApp.' },
  ACCEPTED: { description: 'WhatsApp has taken it.' },
  SENT: { description: 'WhatsApp has sent it.' },
  DELIVERED: { description: 'It has arrived on the person’s phone.' },
  READ: { description: 'The person has read it.' },
  FAILED: { description: 'It was refused or could not be delivered: `failure` says why and what to do.' },
  SKIPPED: { description: 'It was not sent, for a reason that `failure` says.' },
  EXPIRED: { description: 'It was not sent by the time until which it was valid.' },
  CANCELLED: { description: 'Its campaign was cancelled before it was sent.' },
  UNKNOWN: { description: 'WhatsApp did not answer: it may have gone out, and is not sent again.' },
  RECEIVED: { description: 'It came in.' },
} as const;

export const MessageStatus = builder.enumType('MessageStatus', {
  description: 'Where a message stands.',
  values: statuses,
});

const MessageDirection = builder.enumType('MessageDirection', {
  description: 'Which way a message went.',
  values: {
    OUTBOUND: { description: 'From the tenant to a person.' },
    INBOUND: { description: 'From a person to the tenant.' },
  } as const,
});

const MessageFailure = builder.objectRef<ExplainedFailure>('MessageFailure').implement({
  description: 'Why a message did not arrive, or is not known to have, and what can be done.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'For programs: a reason of ours as `NO_CONSENT`, or the kind of Meta’s refusal. Codes are added over time.',
    }),
    title: t.exposeString('title', { description: 'What happened, in a few words of English.' }),
    action: t.exposeString('action', { description: 'What the tenant can do about it.' }),
    metaCode: t.exposeInt('metaCode', { nullable: true, description: 'Meta’s code, where Meta has said something.' }),
  }),
});

type Time =
  'validUntil' | 'dispatchedAt' | 'acceptedAt' | 'sentAt' | 'deliveredAt' | 'readAt' | 'playedAt' | 'failedAt';

/** How a message is looked up: among those that the caller sees. */
export const visibleMessage = (id: string, ctx: Context) => ({ ...amongOwn(id, ctx), ...visibleMessages(ctx) });

export const Message = builder.prismaNode('Message', {
  description: 'A message to or from a person, and what became of it.',
  authScopes: { may: 'messages.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: visibleMessage,
  nullable: true,
  fields: (t) => {
    const time = (field: Time, description: string) =>
      t.expose(field, { type: 'DateTime', nullable: true, description });
    return {
      direction: t.field({
        type: MessageDirection,
        description: 'Which way it went.',
        select: { direction: true },
        resolve: ({ direction }) => direction as 'OUTBOUND' | 'INBOUND',
      }),
      status: t.field({
        type: MessageStatus,
        description: 'Where it stands. It only moves forward.',
        select: { status: true },
        resolve: ({ status }) => status as keyof typeof statuses,
      }),
      type: t.exposeString('type', { description: '`TEMPLATE`, `TEXT`, or what came in, as `IMAGE`.' }),
      contact: t.field({
        type: Contact,
        nullable: true,
        description:
          'With whom. One that was merged since is the contact that it was merged into; null once it was deleted.',
        select: (_args, _ctx, nested) => ({ contact: nested({ select: { id: true, mergedIntoId: true } }) }),
        resolve: async ({ contact }, _args, ctx, info) => {
          if (!contact?.mergedIntoId) return contact;
          const { tenantId } = await ctx.signedIn();
          const id = await leadOf(ctx.tx, tenantId, contact.mergedIntoId);
          return ctx.tx.contact.findUnique({ ...selection(ctx, info, 'Contact'), where: amongOwn(id, ctx) });
        },
      }),
      address: t.string({
        ...personal,
        nullable: true,
        description: 'The phone number in E.164, or WhatsApp’s id of the person; null once the contact was deleted.',
        select: { address: true, contactId: true },
        resolve: ({ address, contactId }, _args, ctx) => masked(ctx, contactId, 'whole', address),
      }),
      template: t.field({
        type: Template,
        nullable: true,
        description: 'The template that it was made of, as it is now; null for anything else.',
        select: { templateVersionId: true },
        resolve: ({ templateVersionId }, _args, ctx, info) =>
          templateVersionId === null ? null : templateOf(templateVersionId, ctx, info),
      }),
      campaign: t.relation('campaign', { nullable: true, description: 'The campaign that it belongs to, if any.' }),
      number: t.relation('number', { description: 'The tenant’s number that it went through.' }),
      parameters: t.stringList({
        ...personal,
        description: 'What the template is filled with, in the order of its parameters.',
        select: { parameters: true, contactId: true },
        resolve: ({ parameters, contactId }, _args, ctx) =>
          parameters.map((value) => masked(ctx, contactId, 'whole', value)),
      }),
      content: t.field({
        ...personal,
        type: 'JSON',
        nullable: true,
        description: 'A text, or what came in; null for templates and where the tenant keeps no text.',
        select: { content: true, contactId: true },
        resolve: ({ content, contactId }, _args, ctx) => maskedContent(ctx, contactId, content),
      }),
      wamid: t.string({
        ...personal,
        nullable: true,
        description:
          'WhatsApp’s id of the message. The person’s telephone number can be read from it: null where that is shown in part.',
        select: { wamid: true, contactId: true },
        resolve: ({ wamid, contactId }, _args, ctx) => withheld(ctx, contactId, wamid),
      }),
      failure: t.field({
        type: MessageFailure,
        nullable: true,
        description: 'Why it was not sent or did not arrive; null where nothing went wrong.',
        select: { status: true, reason: true, failureCode: true },
        resolve: explainFailure,
      }),
      queuedAt: t.field({
        type: 'DateTime',
        description: 'When it was written down here: queued, or received.',
        select: { createdAt: true },
        resolve: ({ createdAt }) => createdAt,
      }),
      dispatchedAt: time('dispatchedAt', 'When it last left for WhatsApp.'),
      acceptedAt: time('acceptedAt', 'When WhatsApp took it.'),
      sentAt: time('sentAt', 'When WhatsApp sent it, by WhatsApp’s time.'),
      deliveredAt: time('deliveredAt', 'When it arrived, by WhatsApp’s time.'),
      readAt: time('readAt', 'When it was read, by WhatsApp’s time.'),
      playedAt: time('playedAt', 'When a voice message was played, by WhatsApp’s time.'),
      failedAt: time('failedAt', 'When it failed.'),
      validUntil: time('validUntil', 'It is not sent later than this.'),
      occurredAt: t.expose('occurredAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When an inbound message was sent, by WhatsApp’s time.',
      }),
    };
  },
});

/** A version's template, read together with those of the other messages of its list. */
async function templateOf(versionId: string, ctx: Context, info: GraphQLResolveInfo): Promise<{ id: string } | null> {
  const { tenantId } = await ctx.signedIn();
  const query = selection(ctx, info, 'Template') as NodeQuery;
  const found = await batched(ctx, nameOfField(info), versionId, async (ids) => {
    const versions = await ctx.tx.templateVersion.findMany({
      where: { tenantId, id: { in: ids } },
      select: { id: true, template: query },
    });
    return new Map(versions.map(({ id, template }) => [id, template]));
  });
  return found ?? null;
}

export const MessageConnection = builder.connectionObject(
  { type: Message, name: 'MessageConnection', description: 'A page of messages.' },
  { name: 'MessageEdge', description: 'A message on a page.' },
);

/** Ids are made in the order of time. */
const newestFirst: KeyColumn[] = [{ field: 'id', column: 'id', type: 'uuid', descending: true }];

const MessageFilter = builder.inputType('MessageFilter', {
  description: 'Which messages. Where several are given, all must hold.',
  fields: (t) => ({
    status: t.field({ type: [MessageStatus], description: 'Those that stand at one of these.' }),
    direction: t.field({ type: MessageDirection, description: 'Those that went this way.' }),
    numberId: t.id({ description: 'Those through this number of the tenant’s.' }),
    campaignId: t.id({ description: 'Those of this campaign.' }),
    contactId: t.id({
      description: 'Those with this contact; what it had before a merge is at the contact’s own `messages`.',
    }),
  }),
});

function messageWhere(
  ctx: Context,
  filter: typeof MessageFilter.$inferInput | null | undefined,
): Prisma.MessageWhereInput {
  const { status, direction, numberId, campaignId, contactId } = filter ?? {};
  return {
    ...(status ? { status: { in: status } } : {}),
    ...(direction ? { direction } : {}),
    ...(numberId ? { numberId: rowId('WhatsAppNumber', numberId) } : {}),
    ...(campaignId ? messagesOfCampaign(ctx, rowId('Campaign', campaignId)) : {}),
    ...(contactId ? { contactId: rowId('Contact', contactId) } : {}),
  };
}

builder.queryField('messages', (t) =>
  t.connection(
    {
      type: Message,
      description: 'The tenant’s messages, the newest first.',
      authScopes: { may: 'messages.read' },
      args: { filter: t.arg({ type: MessageFilter, description: 'Which; all when left out.' }) },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        const filter = { AND: [visibleMessages(ctx), messageWhere(ctx, args.filter)] };
        return keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.message.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, filter, where] } });
        });
      },
    },
    MessageConnection,
  ),
);

builder.prismaObjectField('Contact', 'messages', (t) =>
  t.connection(
    {
      type: Message,
      description: 'All messages with the contact, the newest first; those of contacts merged into it included.',
      authScopes: { may: 'messages.read' },
      select: { id: true },
      resolve: ({ id }, args, ctx, info) => messagesOf(id, args, ctx, info),
    },
    MessageConnection,
  ),
);

/** A page of one contact's messages, found and read together with those of the other contacts of its list. */
async function messagesOf(contactId: string, args: ConnectionArgs, ctx: Context, info: GraphQLResolveInfo) {
  const { tenantId } = await ctx.signedIn();
  const page = readPage(newestFirst, args);
  const query = queryFromInfo({ context: ctx, info, select: { id: true }, paths: nodePaths }) as unknown as NodeQuery;
  const found = await batched(ctx, nameOfField(info), contactId, async (contactIds) => {
    const pages = await messagesOfContacts(ctx.tx, tenantId, contactIds, page);
    const rows = await ctx.tx.message.findMany({
      ...query,
      where: { tenantId, id: { in: [...pages.values()].flat() } },
    });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return new Map([...pages].map(([of, ids]) => [of, ids.flatMap((id) => byId.get(id) ?? [])]));
  });
  return connectionOf(newestFirst, page, found ?? []);
}
