import { encodeGlobalID } from '@pothos/plugin-relay';
import { type Audience, audienceContactsMax, audienceSegmentsMax, readAudience } from '../domain/campaigns/audience.ts';
import { explainBlock } from '../domain/campaigns/obstacles.ts';
import {
  preflight,
  type Preflight,
  preflightWarningCodes,
  type PreflightWarning as Warning,
} from '../domain/campaigns/preflight.ts';
import type { CampaignStatus as Status } from '../domain/campaigns/status.ts';
import { countTotals, type Totals } from '../domain/campaigns/totals.ts';
import { storedVariables, type Variable, type VariableField } from '../domain/campaigns/variables.ts';
import { type Reason, reasons } from '../domain/messages/failures.ts';
import type { KeyColumn } from '../domain/page.ts';
import type { Prisma } from '../prisma/client.ts';
import { batched } from './batch.ts';
import { builder } from './builder.ts';
import { connectionOf, nestedPage, readPage } from './keyset.ts';
import { Message, MessageConnection, MessageStatus } from './messages.ts';
import { amongOwn } from './node.ts';
import { Template } from './template-types.ts';
import { visibleContacts, visibleMessages } from './visible.ts';

export const CampaignStatus = builder.enumType('CampaignStatus', {
  description:
    'Where a campaign stands: `DRAFT → SCHEDULED → LAUNCHING → RUNNING ⇄ PAUSED → FINISHED`. Until it is finished it can be cancelled.',
  values: {
    DRAFT: { description: 'It can still be changed, and deleted.' },
    SCHEDULED: { description: 'It starts at `scheduledAt`.' },
    LAUNCHING: { description: 'Its audience is being frozen into messages.' },
    RUNNING: { description: 'Messages leave; where they do not, `blockedReason` says why.' },
    PAUSED: { description: 'Nothing leaves until it is resumed.' },
    CANCELLED: { description: 'Ended by somebody. What had left stays sent.' },
    FINISHED: { description: 'Nothing of it is open any more.' },
    FAILED: { description: 'It could not be started: `blockedReason` says why.' },
  } satisfies Record<Status, { description: string }>,
});

export const CampaignVariableField = builder.enumType('CampaignVariableField', {
  description: 'A field of the contact that can fill a template.',
  values: {
    NAME: { description: 'The whole name.' },
    FIRST_NAME: { description: 'The first word of the name.' },
    EMAIL: { description: 'The e-mail address.' },
    PHONE: { description: 'The telephone number that the message goes to, in E.164.' },
    LANGUAGE: { description: 'The language, as `pt-BR`.' },
    STREET: { description: 'Street and number.' },
    CITY: { description: 'The city.' },
    REGION: { description: 'State or province.' },
    POSTAL_CODE: { description: 'The postal code.' },
    COUNTRY: { description: 'The country, as `BR`.' },
    EXTERNAL_ID: { description: 'The tenant’s own id for the contact.' },
  } satisfies Record<VariableField, { description: string }>,
});

const CampaignVariable = builder.objectRef<Variable>('CampaignVariable').implement({
  description: 'What fills one parameter of the template.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The parameter, as `body.1` or `header.image`.' }),
    field: t.field({
      type: CampaignVariableField,
      nullable: true,
      description: 'The contact’s field that fills it.',
      resolve: ({ field }) => field ?? null,
    }),
    customField: t.string({
      nullable: true,
      description: 'The key of the custom field that fills it.',
      resolve: ({ customField }) => customField ?? null,
    }),
    value: t.string({
      nullable: true,
      description: 'What fills it for everybody.',
      resolve: ({ value }) => value ?? null,
    }),
    fallback: t.string({
      nullable: true,
      description: 'What fills it where the contact has nothing in the field.',
      resolve: ({ fallback }) => fallback ?? null,
    }),
  }),
});

const globalIds = (type: string, ids: string[]) => ids.map((id) => encodeGlobalID(type, id));

const CampaignAudience = builder.objectRef<Audience>('CampaignAudience').implement({
  description: 'Whom a campaign is for: everybody of its segments and contacts, but nobody who is excluded.',
  fields: (t) => ({
    segmentIds: t.idList({
      description: `The segments, at most ${audienceSegmentsMax}.`,
      resolve: ({ segmentIds }) => globalIds('Segment', segmentIds),
    }),
    contactIds: t.idList({
      description: `Single contacts, at most ${audienceContactsMax}; without those that the caller may not see.`,
      resolve: async ({ contactIds }, _args, ctx) => globalIds('Contact', await visibleContacts(ctx, contactIds)),
    }),
    excludeSegmentIds: t.idList({
      description: 'Nobody of these segments.',
      resolve: ({ excludeSegmentIds }) => globalIds('Segment', excludeSegmentIds),
    }),
    excludeContactIds: t.idList({
      description: 'None of these contacts; without those that the caller may not see.',
      resolve: async ({ excludeContactIds }, _args, ctx) =>
        globalIds('Contact', await visibleContacts(ctx, excludeContactIds)),
    }),
  }),
});

type Reached = Pick<Totals, 'sent' | 'delivered' | 'read'>;
const CampaignReached = builder.objectRef<Reached>('CampaignReached').implement({
  description: 'How far messages have come at least: who has read is counted as delivered and as sent, too.',
  fields: (t) => ({
    sent: t.exposeInt('sent', { description: 'WhatsApp has sent it, at least.' }),
    delivered: t.exposeInt('delivered', { description: 'It has arrived, at least.' }),
    read: t.exposeInt('read', { description: 'It was read.' }),
  }),
});

const CampaignTotals = builder.objectRef<Totals>('CampaignTotals').implement({
  description:
    'The recipients by where they stand now, counted from the messages themselves. Each is counted once: who has read is in `read` and not in `delivered`. All but `audience` add up to `audience`.',
  fields: (t) => ({
    audience: t.exposeInt('audience', { description: 'All recipients, those included who get nothing.' }),
    queued: t.exposeInt('queued', { description: 'Waiting to be sent.' }),
    inFlight: t.exposeInt('inFlight', { description: 'On their way to WhatsApp.' }),
    accepted: t.exposeInt('accepted', { description: 'Taken by WhatsApp, and nothing more known yet.' }),
    sent: t.exposeInt('sent', { description: 'Sent, not delivered yet.' }),
    delivered: t.exposeInt('delivered', { description: 'Delivered, not read yet.' }),
    read: t.exposeInt('read', { description: 'Read.' }),
    failed: t.exposeInt('failed', { description: 'Refused, or not deliverable.' }),
    skipped: t.exposeInt('skipped', { description: 'Not sent, for a reason that the recipient says.' }),
    unknown: t.exposeInt('unknown', { description: 'Nobody knows whether they arrived; they are not sent again.' }),
    cancelled: t.exposeInt('cancelled', { description: 'Not sent, because the campaign was cancelled.' }),
    expired: t.exposeInt('expired', { description: 'Not sent in time.' }),
    reached: t.field({
      type: CampaignReached,
      description: 'The same, cumulated: for funnels.',
      resolve: ({ sent, delivered, read }) => ({ sent: sent + delivered + read, delivered: delivered + read, read }),
    }),
  }),
});

const reasonDescriptions = Object.fromEntries(
  Object.entries(reasons).map(([code, { title }]) => [code, { description: `${title}.` }]),
) as Record<Reason, { description: string }>;

const MessageReason = builder.enumType('MessageReason', {
  description: 'Why a recipient got nothing.',
  values: reasonDescriptions,
});

const PreflightExclusion = builder.objectRef<Preflight['excluded'][number]>('PreflightExclusion').implement({
  description: 'Recipients who would get nothing, for one reason.',
  fields: (t) => ({
    reason: t.field({ type: MessageReason, description: 'Why.', resolve: ({ reason }) => reason }),
    count: t.exposeInt('count', { description: 'How many.' }),
    title: t.string({ description: 'The reason in words.', resolve: ({ reason }) => reasons[reason].title }),
    action: t.string({ description: 'What can be done.', resolve: ({ reason }) => reasons[reason].action }),
  }),
});

const warnings: Record<Warning['code'], { description: string }> = {
  AUDIENCE_INVALID: { description: 'A segment is gone, or asks for something that is: it cannot be launched so.' },
  VARIABLES_INVALID: { description: 'A parameter of the template is not filled: it cannot be launched so.' },
  NOBODY_TO_SEND_TO: { description: 'Nobody would get a message.' },
  TEMPLATE_NOT_READY: { description: 'The template is not approved, or not what it was.' },
  SENDING_BLOCKED: { description: 'Nothing can leave the number at the moment.' },
  VARIABLES_MISSING: { description: 'Some contacts lack a value for the template.' },
  UNITED_STATES: { description: 'WhatsApp delivers no marketing to numbers in the United States.' },
  NUMBER_QUALITY_LOW: { description: 'Meta rates the number’s quality as low.' },
  PORTFOLIO_LIMIT_EXCEEDED: { description: 'It takes more than a day, for the portfolio’s limit.' },
  SCHEDULED_IN_THE_PAST: { description: 'The scheduled time is over.' },
  VALIDITY_TOO_SHORT: { description: 'It will not be done in time.' },
  NIGHT: { description: 'It would start at night, by the tenant’s time zone.' },
};

const PreflightWarningCode = builder.enumType('PreflightWarningCode', {
  description: 'What to think about before a launch. Codes are added over time.',
  values: Object.fromEntries(preflightWarningCodes.map((code) => [code, warnings[code]])) as typeof warnings,
});

const PreflightWarning = builder.objectRef<Warning>('PreflightWarning').implement({
  description: 'Something to think about before a launch.',
  fields: (t) => ({
    code: t.field({ type: PreflightWarningCode, description: 'For programs.', resolve: ({ code }) => code }),
    message: t.exposeString('message', { description: 'For people, in English.' }),
  }),
});

const PortfolioShare = builder.objectRef<Preflight['portfolioShare']>('PortfolioShare').implement({
  description: 'What a campaign takes of the number of people that the business portfolio may write to in 24 hours.',
  fields: (t) => ({
    used: t.exposeInt('used', {
      description: 'People written to in the last 24 hours, through any number of the portfolio.',
    }),
    limit: t.exposeInt('limit', { nullable: true, description: 'How many it may be; null when there is no limit.' }),
    share: t.exposeFloat('share', {
      nullable: true,
      description:
        'Used and needed, as a part of the limit: above 1 it takes more than a day. Null when there is no limit.',
    }),
  }),
});

const CampaignPreflight = builder.objectRef<Preflight>('CampaignPreflight').implement({
  description: 'What launching now would do: counted by the same statement that launches.',
  fields: (t) => ({
    audience: t.exposeInt('audience', { description: 'Everybody whom the audience means, after its exclusions.' }),
    sendable: t.exposeInt('sendable', { description: 'Those who would get a message.' }),
    excluded: t.expose('excluded', {
      type: [PreflightExclusion],
      description: 'Those who would get none, by reason; the most frequent first.',
    }),
    estimatedDuration: t.exposeInt('estimatedDuration', {
      description:
        'Seconds from the first message to the last, at this number’s pace and within the portfolio’s limit.',
    }),
    portfolioShare: t.expose('portfolioShare', {
      type: PortfolioShare,
      description: 'What it takes of the 24-hour limit.',
    }),
    warnings: t.expose('warnings', { type: [PreflightWarning], description: 'What to think about first.' }),
  }),
});

const CampaignBlock = builder.objectRef<ReturnType<typeof explainBlock>>('CampaignBlock').implement({
  description: 'Why a campaign does not move, in words.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'The same as the campaign’s `blockedReason`.' }),
    title: t.exposeString('title', { description: 'What it is, in a few words of English.' }),
    action: t.exposeString('action', { description: 'What the tenant can do about it.' }),
    metaCode: t.exposeInt('metaCode', { nullable: true, description: 'Meta’s code, where Meta has said something.' }),
  }),
});

export const RecipientFilter = builder.inputType('RecipientFilter', {
  description: 'Which recipients of a campaign. Where several are given, all must hold.',
  fields: (t) => ({
    status: t.field({ type: [MessageStatus], description: 'Those whose message stands at one of these.' }),
    failureCode: t.int({ description: 'Those whose message failed with this code of Meta’s.' }),
    reason: t.field({ type: MessageReason, description: 'Those who got nothing for this reason.' }),
  }),
});

function recipientWhere(filter: typeof RecipientFilter.$inferInput | null | undefined): Prisma.MessageWhereInput {
  const { status, failureCode, reason } = filter ?? {};
  const isTrouble =
    Boolean(reason) || typeof failureCode === 'number' || status?.every((one) => one === 'FAILED' || one === 'SKIPPED');
  return {
    AND: [
      status ? { status: { in: status } } : {},
      typeof failureCode === 'number' ? { status: 'FAILED', failureCode } : {},
      reason ? { status: 'SKIPPED', reason } : {},
      // True of all of these; said so that their own index serves them.
      isTrouble ? { OR: [{ failedAt: { not: null } }, { reason: { not: null } }] } : {},
    ],
  };
}

const inOrder: KeyColumn[] = [{ field: 'id', column: 'id', type: 'uuid', descending: false }];

export const Campaign = builder.prismaNode('Campaign', {
  description: 'One template to an audience, once to each person.',
  authScopes: { may: 'campaigns.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What the tenant calls it.' }),
    status: t.field({
      type: CampaignStatus,
      description: 'Where it stands.',
      select: { status: true },
      resolve: ({ status }) => status as Status,
    }),
    template: t.field({
      type: Template,
      description: 'The template that it sends, as it is now.',
      select: (_args, _ctx, nested) => ({ templateVersion: { select: { template: nested() } } }),
      resolve: ({ templateVersion }) => templateVersion.template as { id: string },
    }),
    number: t.relation('number', { description: 'The WhatsApp number that it sends from.' }),
    audience: t.field({
      type: CampaignAudience,
      description: 'Whom it is for, as it was asked for. At the launch it is frozen into `recipients`.',
      select: { audience: true },
      resolve: ({ audience }) => readAudience(audience),
    }),
    variables: t.field({
      type: [CampaignVariable],
      description: 'What fills the template’s parameters.',
      select: { variables: true },
      resolve: ({ variables }) => storedVariables(variables),
    }),
    totals: t.field({
      type: CampaignTotals,
      description: 'Where the recipients stand. All zero before the launch.',
      select: { id: true },
      resolve: async ({ id }, _args, ctx) => {
        const { tenantId } = await ctx.signedIn();
        const totals = await batched(ctx, 'campaign totals', id, (ids) => countTotals(ctx.tx, tenantId, ids));
        if (!totals) throw new Error('A campaign was not counted.');
        return totals;
      },
    }),
    preflight: t.field({
      type: CampaignPreflight,
      nullable: true,
      description:
        'What launching now would do, among the contacts that the caller may see; null once it was launched. It reads the whole audience: ask for it for one campaign.',
      select: { id: true, status: true },
      resolve: async ({ id, status }, _args, ctx) => {
        if (status !== 'DRAFT' && status !== 'SCHEDULED') return null;
        const { tenantId } = await ctx.signedIn();
        return preflight(ctx.tx, tenantId, id, ctx.services.now());
      },
    }),
    recipients: t.connection(
      {
        type: Message,
        description:
          'Everybody of the audience, each with the message and what became of it. Of contacts that the caller may not see, none.',
        authScopes: { may: 'messages.read' },
        args: { filter: t.arg({ type: RecipientFilter, description: 'Which; all when left out.' }) },
        select: (args, ctx, nested) => ({
          messages: nestedPage(inOrder, args, nested, 'Message', {
            AND: [visibleMessages(ctx), recipientWhere(args.filter)],
          }),
        }),
        resolve: ({ messages }, args) => connectionOf(inOrder, readPage(inOrder, args), messages),
      },
      MessageConnection,
    ),
    scheduledAt: t.expose('scheduledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is to start; null: when it is launched.',
    }),
    validUntil: t.expose('validUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'What has not left by then expires; null: there is no such time.',
    }),
    launchedAt: t.expose('launchedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the audience was frozen.',
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the first message left.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When nothing of it was open any more.',
    }),
    stalledSince: t.expose('stalledSince', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when nothing has left although something is due; null while it moves.',
    }),
    blockedReason: t.exposeString('blockedReason', {
      nullable: true,
      description:
        'Why it does not move, was paused by Parley, or failed, as `TEMPLATE_PAUSED`, `PORTFOLIO_LIMIT`, or `META_131042` for a code of Meta’s; null when nothing stands in its way.',
    }),
    blocked: t.field({
      type: CampaignBlock,
      nullable: true,
      description: 'The `blockedReason` in words, with what can be done.',
      select: { blockedReason: true },
      resolve: ({ blockedReason }) => (blockedReason === null ? null : explainBlock(blockedReason)),
    }),
    assignedTo: t.id({
      nullable: true,
      description: 'The id of the person whose campaign it is; null: everybody’s.',
      select: { assignedTo: true },
      resolve: ({ assignedTo }) => assignedTo && encodeGlobalID('User', assignedTo),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed, or its status was.' }),
  }),
});
