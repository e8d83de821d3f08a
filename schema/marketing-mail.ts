import { setMarketingMail } from '../domain/auth/marketing-mail.ts';
import { User } from './auth.ts';
import { builder } from './builder.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const MarketingMailSetInput = builder.inputType('MarketingMailSetInput', {
  description: 'Whether you want news and offers by mail.',
  fields: (t) => ({
    optIn: t.boolean({ required: true, description: 'Yes or no. Without an answer it is no.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('marketingMailSet', (t) =>
  t.field({
    type: User,
    nullable: true,
    description:
      'Opts in to or out of news and offers by mail. Mails about the account and its safety come in any case.',
    authScopes: { person: true },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: MarketingMailSetInput, required: true, description: 'Yes or no.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const { userId } = await ctx.person();
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          await setMarketingMail(tx, userId, input.optIn, ctx.services.now());
          return { id: userId };
        },
        ({ id }) => ctx.tx.user.findUnique({ ...selection(ctx, info, 'User'), where: { id } }),
      );
    },
  }),
);
