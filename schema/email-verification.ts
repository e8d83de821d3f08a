import { parseLinkToken } from '../domain/auth/link-token.ts';
import { resendVerification, verifyEmail } from '../domain/auth/verify-email.ts';
import { LinkInvalidError, PartnerOffError, RateLimitedError } from '../domain/errors.ts';
import { User } from './auth.ts';
import { builder } from './builder.ts';
import { requireMail } from './passwords.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const EmailVerified = builder.objectRef<{ at: Date }>('EmailVerified').implement({
  description: 'The address is known to be the person’s.',
  fields: (t) => ({ at: t.expose('at', { type: 'DateTime', description: 'Since when it is.' }) }),
});

const EmailVerifyInput = builder.inputType('EmailVerifyInput', {
  description: 'The mailed link.',
  fields: (t) => ({ token: t.string({ required: true, description: 'What stands in the link behind `#token=`.' }) }),
});

builder.mutationField('emailVerify', (t) =>
  t.field({
    type: EmailVerified,
    nullable: true,
    description: 'Proves the address by the link that was mailed at sign-up. Safe to repeat.',
    authScopes: { public: true },
    errors: { types: [LinkInvalidError, RateLimitedError] },
    args: { input: t.arg({ type: EmailVerifyInput, required: true, description: 'The mailed link.' }) },
    resolve: async (_root, { input }, ctx) => {
      const token = parseLinkToken(input.token);
      if (!token) throw new LinkInvalidError('This is not a link of ours.');
      const { now } = ctx.services;
      const at = await ctx.write((tx) => verifyEmail(tx, token, ctx.origin, now()), { userId: token.scopeId });
      return { at };
    },
  }),
);

const EmailVerificationResendInput = builder.inputType('EmailVerificationResendInput', {
  description: 'Asks for the link once more.',
  fields: (t) => ({ ...idempotencyKey(t) }),
});

builder.mutationField('emailVerificationResend', (t) =>
  t.field({
    type: User,
    nullable: true,
    description:
      'Mails the link to prove the own address once more; the one before stops working. It works for 3 days.',
    authScopes: { person: true },
    errors: { types: [...writeErrors, PartnerOffError, RateLimitedError] },
    args: {
      input: t.arg({ type: EmailVerificationResendInput, required: true, description: 'Asks for the link once more.' }),
    },
    resolve: async (_root, { input }, ctx, info) => {
      requireMail(ctx);
      const viewer = await ctx.person();
      return write(
        ctx,
        info,
        input,
        async (tx) => {
          await resendVerification(tx, viewer);
          return { id: viewer.userId };
        },
        ({ id }) => ctx.tx.user.findUnique({ ...selection(ctx, info, 'User'), where: { id } }),
      );
    },
  }),
);
