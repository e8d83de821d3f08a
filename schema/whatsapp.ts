import { connectWhatsApp } from '../domain/connections/connect-whatsapp.ts';
import { refreshNumber } from '../domain/connections/refresh-number.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { builder } from './builder.ts';
import { keyset } from './keyset.ts';
import { amongOwn, rowId } from './node.ts';
import { WhatsAppAccount, WhatsAppNumber } from './whatsapp-types.ts';
import { idempotencyKey, partnerErrors, selection, writeAround } from './write.ts';

const newestFirst: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];

builder.queryFields((t) => ({
  whatsAppAccounts: t.connection(
    {
      type: WhatsAppAccount,
      description: 'The tenant’s WhatsApp accounts, the newest first.',
      authScopes: { may: 'whatsapp.read' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        return keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.whatsAppAccount.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
      },
    },
    { name: 'WhatsAppAccountConnection', description: 'A page of WhatsApp accounts.' },
    { name: 'WhatsAppAccountEdge', description: 'A WhatsApp account on a page.' },
  ),
  whatsAppNumbers: t.connection(
    {
      type: WhatsAppNumber,
      description: 'The tenant’s WhatsApp numbers, the newest first.',
      authScopes: { may: 'whatsapp.read' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        return keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.whatsAppNumber.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
      },
    },
    { name: 'WhatsAppNumberConnection', description: 'A page of WhatsApp numbers.' },
    { name: 'WhatsAppNumberEdge', description: 'A WhatsApp number on a page.' },
  ),
}));

const WhatsAppConnectInput = builder.inputType('WhatsAppConnectInput', {
  description:
    'What to connect: with the code of an Embedded Signup, or with the access token of a system user. A repeat goes on where the first try stopped.',
  fields: (t) => ({
    code: t.string({
      description:
        'The code that Embedded Signup gave the browser. It lives for 30 seconds; a repeat of this very code is safe.',
    }),
    accessToken: t.string({
      description: 'A system user’s access token, instead of a code. It is stored sealed, and never shown.',
    }),
    wabaId: t.string({
      description: 'Meta’s id of the account. May be left out where the token opens just one.',
    }),
    phoneNumberId: t.string({
      description: 'Meta’s id of the number to register. Without it, all that need it, if there is a PIN.',
    }),
    pin: t.string({
      description:
        'The number’s two-step PIN, six digits: it is set by this, or must be the one that is set. Not needed for a number that is in use.',
    }),
    ...idempotencyKey(t),
  }),
});

const WhatsAppNumberRefreshInput = builder.inputType('WhatsAppNumberRefreshInput', {
  description: 'The number to read anew.',
  fields: (t) => ({ numberId: t.id({ required: true, description: 'Which number.' }), ...idempotencyKey(t) }),
});

builder.mutationFields((t) => ({
  whatsAppConnect: t.field({
    type: WhatsAppAccount,
    nullable: true,
    description:
      'Connects a WhatsApp account: trades the code, checks the token, has its webhooks sent here, registers the number, and reads its throughput, quality and limits. Connecting again renews the token and everything that was read.',
    authScopes: { may: 'whatsapp.write' },
    errors: { types: partnerErrors },
    args: {
      input: t.arg({ type: WhatsAppConnectInput, required: true, description: 'What to connect, and with what.' }),
    },
    resolve: (_root, { input }, ctx, info) =>
      writeAround(
        ctx,
        info,
        input,
        (run, viewer) => connectWhatsApp({ run, ...ctx.services }, viewer, input),
        ({ id }) =>
          ctx.tx.whatsAppAccount.findUnique({ ...selection(ctx, info, 'WhatsAppAccount'), where: amongOwn(id, ctx) }),
      ),
  }),
  whatsAppNumberRefresh: t.field({
    type: WhatsAppNumber,
    nullable: true,
    description:
      'Reads a number and its account anew at Meta, and lifts what blocks them here where Meta says that they may send.',
    authScopes: { may: 'whatsapp.write' },
    errors: { types: partnerErrors },
    args: { input: t.arg({ type: WhatsAppNumberRefreshInput, required: true, description: 'Which number.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const numberId = rowId('WhatsAppNumber', input.numberId);
      return writeAround(
        ctx,
        info,
        input,
        (run, { tenantId }) => refreshNumber({ run, ...ctx.services }, tenantId, numberId),
        ({ id }) =>
          ctx.tx.whatsAppNumber.findUnique({ ...selection(ctx, info, 'WhatsAppNumber'), where: amongOwn(id, ctx) }),
      );
    },
  }),
}));
