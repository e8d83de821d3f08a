import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { createTemplate } from '../domain/templates/create-template.ts';
import { deleteTemplate } from '../domain/templates/delete-template.ts';
import { needMeta } from '../domain/connections/partner-answer.ts';
import { syncTemplates } from '../domain/templates/sync-templates.ts';
import type { Prisma } from '../prisma/client.ts';
import { builder } from './builder.ts';
import { Deleted } from './deleted.ts';
import { keyset, totalCountDescription } from './keyset.ts';
import { amongOwn, rowId } from './node.ts';
import { TemplateCreateInput, TemplateDeleteInput, TemplatesSyncInput } from './template-inputs.ts';
import { Template, TemplateCategory, TemplateStatus } from './template-types.ts';
import { WhatsAppAccount } from './whatsapp-types.ts';
import { partnerErrors, selection, writeAround } from './write.ts';

const newestFirst: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];

const TemplateFilter = builder.inputType('TemplateFilter', {
  description: 'Which templates: all that is said must fit. Deleted ones only when their status is asked for.',
  fields: (t) => ({
    whatsAppAccountId: t.id({ description: 'Of this WhatsApp account.' }),
    status: t.field({ type: [TemplateStatus], description: 'With one of these statuses.' }),
    category: t.field({ type: TemplateCategory, description: 'Of this category.' }),
    name: t.string({ description: 'Whose name contains this; case does not count.' }),
    language: t.string({ description: 'In this language, as `pt_BR`.' }),
  }),
});

type Filter = typeof TemplateFilter.$inferInput;

function whereOf(tenantId: string, filter: Filter): Prisma.TemplateWhereInput {
  const { whatsAppAccountId, status, category, name, language } = filter;
  return {
    tenantId,
    ...(whatsAppAccountId ? { accountId: rowId('WhatsAppAccount', whatsAppAccountId) } : {}),
    ...(status ? { status: { in: status } } : { deletedAt: null }),
    ...(category ? { category } : {}),
    ...(name ? { name: { contains: name.trim().toLowerCase() } } : {}),
    ...(language ? { language } : {}),
  };
}

builder.queryField('templates', (t) =>
  t.connection(
    {
      type: Template,
      description: 'The tenant’s templates, the newest first.',
      authScopes: { may: 'templates.read' },
      args: { filter: t.arg({ type: TemplateFilter, description: 'Which; all that are not deleted when left out.' }) },
      resolve: async (_root, { filter, ...args }, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        const wanted = whereOf(tenantId, filter ?? {});
        const connection = await keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.template.findMany({ ...query, ...rest, where: { AND: [wanted, where] } });
        });
        return { ...connection, totalCount: () => ctx.tx.template.count({ where: wanted }) };
      },
    },
    {
      name: 'TemplateConnection',
      description: 'A page of templates.',
      fields: (t) => ({
        totalCount: t.int({ description: totalCountDescription, resolve: ({ totalCount }) => totalCount() }),
      }),
    },
    { name: 'TemplateEdge', description: 'A template on a page.' },
  ),
);

builder.mutationFields((t) => ({
  templateCreate: t.field({
    type: Template,
    nullable: true,
    description:
      'Submits a template for Meta’s review. Its status may be APPROVED at once, and its category another one. Where Meta’s answer is lost it is SUBMITTING, and becomes clear by itself.',
    authScopes: { may: 'templates.write' },
    errors: { types: partnerErrors },
    args: { input: t.arg({ type: TemplateCreateInput, required: true, description: 'The template.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const accountId = rowId('WhatsAppAccount', input.whatsAppAccountId);
      return writeAround(
        ctx,
        info,
        input,
        (run, { tenantId }) => createTemplate({ run, ...ctx.services }, tenantId, accountId, input),
        ({ id }) => ctx.tx.template.findUnique({ ...selection(ctx, info, 'Template'), where: amongOwn(id, ctx) }),
      );
    },
  }),
  templatesSync: t.field({
    type: WhatsAppAccount,
    nullable: true,
    description:
      'Compares an account’s templates with Meta’s now; it also happens by itself every day. Campaigns that are under way with a template whose words changed, or that is gone, are paused.',
    authScopes: { may: 'templates.write' },
    errors: { types: partnerErrors },
    args: { input: t.arg({ type: TemplatesSyncInput, required: true, description: 'Whose.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const accountId = rowId('WhatsAppAccount', input.whatsAppAccountId);
      return writeAround(
        ctx,
        info,
        input,
        async (run, { tenantId }) => {
          const { meta, keyring } = ctx.services;
          await syncTemplates({ run, meta: needMeta(meta), keyring }, tenantId, accountId);
          return { id: accountId };
        },
        ({ id }) =>
          ctx.tx.whatsAppAccount.findUnique({ ...selection(ctx, info, 'WhatsAppAccount'), where: amongOwn(id, ctx) }),
      );
    },
  }),
  templateDelete: t.field({
    type: Deleted,
    nullable: true,
    description:
      'Deletes a template at Meta and here. A name that was approved cannot be used again for 30 days. Refused while a campaign is under way with it.',
    authScopes: { may: 'templates.write' },
    errors: { types: partnerErrors },
    args: { input: t.arg({ type: TemplateDeleteInput, required: true, description: 'The template.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const templateId = rowId('Template', input.templateId);
      return writeAround(
        ctx,
        info,
        input,
        (run, viewer) => deleteTemplate({ run, ...ctx.services }, viewer, templateId),
        async () => ({ id: input.templateId }),
      );
    },
  }),
}));
