import type { GraphQLResolveInfo } from 'graphql';
import { audienceContactsMax, audienceSegmentsMax } from '../domain/campaigns/audience.ts';
import { createCampaign, deleteCampaign, updateCampaign } from '../domain/campaigns/campaigns.ts';
import { cancelCampaign, launchCampaign, pauseCampaign, resumeCampaign } from '../domain/campaigns/transitions.ts';
import { IllegalTransitionError } from '../domain/errors.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { builder, type Context, type InputFields } from './builder.ts';
import { Campaign, CampaignStatus, CampaignVariableField } from './campaigns.ts';
import { AssigneeCondition, readableId } from './contact-filter.ts';
import { OrderDirection } from './contact-list.ts';
import { Deleted } from './deleted.ts';
import { keyset } from './keyset.ts';
import { amongOwn, rowId } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const CampaignFilter = builder.inputType('CampaignFilter', {
  description: 'Which campaigns. Where several are given, all must hold.',
  fields: (t) => ({
    status: t.field({ type: [CampaignStatus], description: 'Those that stand at one of these.' }),
    nameStartsWith: t.string({ description: 'Those whose name begins so, whatever its case.' }),
    assignedTo: t.field({ type: AssigneeCondition, description: 'Those that are somebody’s.' }),
  }),
});

const CampaignOrderField = builder.enumType('CampaignOrderField', {
  description: 'What campaigns are listed by.',
  values: { CREATED_AT: { description: 'When they were created.' } } as const,
});

const CampaignOrder = builder.inputType('CampaignOrder', {
  description: 'The order of a list of campaigns.',
  fields: (t) => ({
    field: t.field({ type: CampaignOrderField, required: true, description: 'What by.' }),
    direction: t.field({ type: OrderDirection, description: 'Which way; from the newest when left out.' }),
  }),
});

function assignedWhere({ is, isSet }: typeof AssigneeCondition.$inferInput): string | null | { not: null } {
  if (typeof is === 'string') return readableId('User', is);
  return isSet ? { not: null } : null;
}

const byCreation = (descending: boolean): KeyColumn[] => [
  { field: 'createdAt', column: 'created_at', type: 'date', descending },
  { field: 'id', column: 'id', type: 'uuid', descending },
];

builder.queryField('campaigns', (t) =>
  t.connection(
    {
      type: Campaign,
      description: 'The tenant’s campaigns, the newest first unless ordered otherwise.',
      authScopes: { may: 'campaigns.read' },
      args: {
        filter: t.arg({ type: CampaignFilter, description: 'Which; all when left out.' }),
        orderBy: t.arg({ type: CampaignOrder, description: 'In which order.' }),
      },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        const { status, nameStartsWith, assignedTo } = args.filter ?? {};
        const filter = {
          ...(status ? { status: { in: status } } : {}),
          ...(nameStartsWith ? { name: { startsWith: nameStartsWith, mode: 'insensitive' as const } } : {}),
          ...(assignedTo ? { assignedTo: assignedWhere(assignedTo) } : {}),
        };
        return keyset(byCreation(args.orderBy?.direction !== 'ASC'), args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.campaign.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, filter, where] } });
        });
      },
    },
    { name: 'CampaignConnection', description: 'A page of campaigns.' },
    { name: 'CampaignEdge', description: 'A campaign on a page.' },
  ),
);

const CampaignAudienceInput = builder.inputType('CampaignAudienceInput', {
  description:
    'Whom a campaign is for: everybody of these segments and contacts, but nobody who is excluded. Each person is in it once.',
  fields: (t) => ({
    segmentIds: t.idList({
      description: `Everybody of these segments at the time of the launch; at most ${audienceSegmentsMax}.`,
    }),
    contactIds: t.idList({ description: `These contacts; at most ${audienceContactsMax}.` }),
    excludeSegmentIds: t.idList({ description: `Nobody of these segments; at most ${audienceSegmentsMax}.` }),
    excludeContactIds: t.idList({ description: `None of these contacts; at most ${audienceContactsMax}.` }),
  }),
});

const CampaignVariableInput = builder.inputType('CampaignVariableInput', {
  description:
    'What fills one parameter of the template: exactly one of `field`, `customField` and `value`. Line breaks, tabs and long runs of blanks become one blank, as WhatsApp demands.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description: 'The parameter, as `body.1`, `body.first_name`, `header.image` or `button.0`.',
    }),
    field: t.field({ type: CampaignVariableField, description: 'A field of the contact.' }),
    customField: t.string({ description: 'A custom field, by its key.' }),
    value: t.string({
      description:
        'The same for everybody. Media need one: an https link, or `id:` and the id of uploaded media; a location is JSON with latitude, longitude, name and address.',
    }),
    fallback: t.string({
      description: 'For contacts who have nothing in the field; without it they are skipped as `MISSING_VARIABLE`.',
    }),
  }),
});

const times = (t: InputFields) => ({
  scheduledAt: t.field({
    type: 'DateTime',
    description: 'When it is to start, once it was launched; without it, it starts with the launch.',
  }),
  validUntil: t.field({ type: 'DateTime', description: 'What has not left by then expires.' }),
});

const CampaignCreateInput = builder.inputType('CampaignCreateInput', {
  description: 'A new campaign, as a draft.',
  fields: (t) => ({
    name: t.string({ required: true, description: '1 to 200 characters.' }),
    templateId: t.id({ required: true, description: 'The template. What it says now is what is sent, or nothing.' }),
    numberId: t.id({
      required: true,
      description: 'The WhatsApp number to send from, of the account that the template belongs to.',
    }),
    audience: t.field({ type: CampaignAudienceInput, required: true, description: 'Whom it is for.' }),
    variables: t.field({
      type: [CampaignVariableInput],
      description: 'What fills the template; every parameter must be filled before the launch.',
    }),
    ...times(t),
    ...idempotencyKey(t),
  }),
});

const CampaignUpdateInput = builder.inputType('CampaignUpdateInput', {
  description: 'What to change of a draft; what is left out stays.',
  fields: (t) => ({
    campaignId: t.id({ required: true, description: 'Which campaign.' }),
    name: t.string({ description: '1 to 200 characters.' }),
    templateId: t.id({ description: 'The template; naming it, even the same, takes over what it says now.' }),
    numberId: t.id({ description: 'The WhatsApp number to send from.' }),
    audience: t.field({ type: CampaignAudienceInput, description: 'Whom it is for: replaces the whole audience.' }),
    variables: t.field({
      type: [CampaignVariableInput],
      description: 'What fills the template: replaces all of them.',
    }),
    ...times(t),
    ...idempotencyKey(t),
  }),
});

const which = (t: InputFields) => ({
  campaignId: t.id({ required: true, description: 'Which campaign.' }),
  ...idempotencyKey(t),
});

const CampaignDeleteInput = builder.inputType('CampaignDeleteInput', {
  description: 'The draft to delete.',
  fields: (t) => which(t),
});
const CampaignLaunchInput = builder.inputType('CampaignLaunchInput', {
  description: 'The draft to launch.',
  fields: (t) => ({
    ...which(t),
    atOnce: t.boolean({ description: 'Now, whatever `scheduledAt` says; also for one that is SCHEDULED already.' }),
  }),
});
const CampaignPauseInput = builder.inputType('CampaignPauseInput', {
  description: 'The campaign to pause.',
  fields: (t) => which(t),
});
const CampaignResumeInput = builder.inputType('CampaignResumeInput', {
  description: 'The campaign to go on with.',
  fields: (t) => ({
    ...which(t),
    acceptTemplateChange: t.boolean({
      description:
        'After `TEMPLATE_CHANGED`: send what the template says now. Refused where its parameters have changed as well; then a new campaign is needed.',
    }),
  }),
});
const CampaignCancelInput = builder.inputType('CampaignCancelInput', {
  description: 'The campaign to end for good.',
  fields: (t) => which(t),
});

const transitionErrors = [...writeErrors, IllegalTransitionError];

/** Reads the campaign that a mutation's answer is about, with what the client asked for of it. */
const answer =
  (ctx: Context, info: GraphQLResolveInfo) =>
  ({ id }: { id: string }) =>
    ctx.tx.campaign.findUnique({ ...selection(ctx, info, 'Campaign'), where: amongOwn(id, ctx) });

type AudienceIds = typeof CampaignAudienceInput.$inferInput;

const audienceIds = ({ segmentIds, contactIds, excludeSegmentIds, excludeContactIds }: AudienceIds) => ({
  segmentIds: rowIds('Segment', segmentIds),
  contactIds: rowIds('Contact', contactIds),
  excludeSegmentIds: rowIds('Segment', excludeSegmentIds),
  excludeContactIds: rowIds('Contact', excludeContactIds),
});

const rowIds = (type: string, ids: string[] | null | undefined) => ids?.map((id) => rowId(type, id));

builder.mutationFields((t) => ({
  campaignCreate: t.field({
    type: Campaign,
    nullable: true,
    description: 'Makes a draft of a campaign. Nothing is sent before it is launched.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: CampaignCreateInput, required: true, description: 'The campaign.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const campaign = {
        ...input,
        templateId: rowId('Template', input.templateId),
        numberId: rowId('WhatsAppNumber', input.numberId),
        audience: audienceIds(input.audience),
      };
      const now = ctx.services.now();
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId, actor }) => createCampaign(tx, tenantId, campaign, { createdBy: actor.id, now }),
        answer(ctx, info),
      );
    },
  }),
  campaignUpdate: t.field({
    type: Campaign,
    nullable: true,
    description: 'Changes a draft.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: transitionErrors },
    args: { input: t.arg({ type: CampaignUpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const campaignId = rowId('Campaign', input.campaignId);
      const change = {
        ...input,
        templateId: input.templateId ? rowId('Template', input.templateId) : undefined,
        numberId: input.numberId ? rowId('WhatsAppNumber', input.numberId) : undefined,
        audience: input.audience ? audienceIds(input.audience) : undefined,
      };
      const now = ctx.services.now();
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => updateCampaign(tx, tenantId, campaignId, change, now),
        answer(ctx, info),
      );
    },
  }),
  campaignDelete: t.field({
    type: Deleted,
    nullable: true,
    description: 'Deletes a draft. What was launched stays.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: CampaignDeleteInput, required: true, description: 'The draft.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const campaignId = rowId('Campaign', input.campaignId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => deleteCampaign(tx, viewer, campaignId),
        async () => ({ id: input.campaignId }),
      );
    },
  }),
  campaignLaunch: t.field({
    type: Campaign,
    nullable: true,
    description:
      'Launches a draft: it is `SCHEDULED`, or `LAUNCHING` while its audience is frozen, and `RUNNING` soon after. One that was launched already is left as it is and answered with, so that the request can be repeated.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: transitionErrors },
    args: { input: t.arg({ type: CampaignLaunchInput, required: true, description: 'Which, and when.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const launch = { campaignId: rowId('Campaign', input.campaignId), atOnce: input.atOnce ?? false };
      const now = ctx.services.now();
      return write(ctx, info, input, (tx, viewer) => launchCampaign(tx, viewer, launch, now), answer(ctx, info));
    },
  }),
  campaignPause: t.field({
    type: Campaign,
    nullable: true,
    description:
      'Pauses a running campaign: nothing more leaves. One that is paused already is answered with as it is.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: transitionErrors },
    args: { input: t.arg({ type: CampaignPauseInput, required: true, description: 'Which campaign.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const campaignId = rowId('Campaign', input.campaignId);
      return write(ctx, info, input, (tx, viewer) => pauseCampaign(tx, viewer, campaignId), answer(ctx, info));
    },
  }),
  campaignResume: t.field({
    type: Campaign,
    nullable: true,
    description:
      'Lets a paused campaign go on; refused while a template that is gone, rejected or changed stands in its way. One that runs already is answered with as it is.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: transitionErrors },
    args: { input: t.arg({ type: CampaignResumeInput, required: true, description: 'Which campaign, and how.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const resume = {
        campaignId: rowId('Campaign', input.campaignId),
        acceptTemplateChange: input.acceptTemplateChange ?? false,
      };
      const now = ctx.services.now();
      return write(ctx, info, input, (tx, viewer) => resumeCampaign(tx, viewer, resume, now), answer(ctx, info));
    },
  }),
  campaignCancel: t.field({
    type: Campaign,
    nullable: true,
    description:
      'Ends a campaign for good: nothing more leaves, what waits becomes `CANCELLED`. One that is cancelled already is answered with as it is.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: transitionErrors },
    args: { input: t.arg({ type: CampaignCancelInput, required: true, description: 'Which campaign.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const campaignId = rowId('Campaign', input.campaignId);
      return write(ctx, info, input, (tx, viewer) => cancelCampaign(tx, viewer, campaignId), answer(ctx, info));
    },
  }),
}));
