import { changePassword } from '../domain/auth/change-password.ts';
import { markOf } from '../domain/auth/keys.ts';
import { parseLinkToken } from '../domain/auth/link-token.ts';
import { hashPassword } from '../domain/auth/password.ts';
import { readReset, refuseWeak, requestReset, resetPassword } from '../domain/auth/reset-password.ts';
import {
  ConfirmationRequiredError,
  InvalidInputError,
  LinkInvalidError,
  PartnerOffError,
  RateLimitedError,
} from '../domain/errors.ts';
import { builder, type Context } from './builder.ts';
import { idempotencyKey, writeAround, writeErrors } from './write.ts';

/** Refuses what cannot be done without mails, where they are off. */
export function requireMail(ctx: Context): void {
  if (!ctx.services.hasMail) throw new PartnerOffError('Mails are not set up on this installation.');
}

const PasswordResetRequested = builder.objectRef<{ at: Date }>('PasswordResetRequested').implement({
  description: 'If somebody has an account with this address, a link to choose a new password is on its way.',
  fields: (t) => ({ at: t.expose('at', { type: 'DateTime', description: 'When it was asked for.' }) }),
});

const PasswordResetRequestInput = builder.inputType('PasswordResetRequestInput', {
  description: 'Who has lost the password.',
  fields: (t) => ({ email: t.string({ required: true, description: 'The address the person signs in with.' }) }),
});

builder.mutationField('passwordResetRequest', (t) =>
  t.field({
    type: PasswordResetRequested,
    nullable: true,
    description:
      'Mails a link to choose a new password: it works once, for 30 minutes, and only the newest does. The answer is the same whether or not anybody has the address.',
    authScopes: { public: true },
    errors: { types: [PartnerOffError, RateLimitedError] },
    args: {
      input: t.arg({ type: PasswordResetRequestInput, required: true, description: 'Who has lost the password.' }),
    },
    resolve: async (_root, { input }, ctx) => {
      requireMail(ctx);
      const at = ctx.services.now();
      await ctx.write((tx) => requestReset(tx, input.email, at), {});
      return { at };
    },
  }),
);

const PasswordWasReset = builder.objectRef<{ at: Date }>('PasswordWasReset').implement({
  description: 'The new password holds, and every session of the person has ended. Sign in with it.',
  fields: (t) => ({ at: t.expose('at', { type: 'DateTime', description: 'When it was set.' }) }),
});

const PasswordResetInput = builder.inputType('PasswordResetInput', {
  description: 'The mailed link and the new password.',
  fields: (t) => ({
    token: t.string({ required: true, description: 'What stands in the link behind `#token=`.' }),
    password: t.string({ required: true, description: 'The new password; the rules are those of `signUp`.' }),
  }),
});

builder.mutationField('passwordReset', (t) =>
  t.field({
    type: PasswordWasReset,
    nullable: true,
    description: 'Sets a new password by a mailed link, ends every session of the person and tells them by mail.',
    authScopes: { public: true },
    errors: { types: [InvalidInputError, LinkInvalidError, RateLimitedError] },
    args: { input: t.arg({ type: PasswordResetInput, required: true, description: 'The link and the password.' }) },
    resolve: async (_root, { input }, ctx) => {
      const token = parseLinkToken(input.token);
      if (!token) throw new LinkInvalidError('This is not a link of ours.');
      const { now, hashing } = ctx.services;
      const scope = { userId: token.scopeId };
      const known = await ctx.write((tx) => readReset(tx, token, now()), scope);
      refuseWeak('password', input.password, known);
      const newHash = await hashPassword(input.password, hashing); // too slow for a transaction
      const at = now();
      await ctx.write((tx) => resetPassword(tx, token, newHash, ctx.origin, at), scope);
      return { at };
    },
  }),
);

const PasswordChanged = builder.objectRef<{ at: string }>('PasswordChanged').implement({
  description: 'The new password holds, and every other session of the person has ended.',
  fields: (t) => ({
    at: t.field({ type: 'DateTime', description: 'When it was set.', resolve: ({ at }) => new Date(at) }),
  }),
});

const PasswordChangeInput = builder.inputType('PasswordChangeInput', {
  description: 'The old password and the new one.',
  fields: (t) => ({
    currentPassword: t.string({ required: true, description: 'The password that holds now.' }),
    newPassword: t.string({ required: true, description: 'The new one; the rules are those of `signUp`.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('passwordChange', (t) =>
  t.field({
    type: PasswordChanged,
    nullable: true,
    description:
      'Replaces the own password, ends all other sessions and tells the person by mail. Takes a fresh proof of who you are where you have an authenticator app.',
    authScopes: { person: true },
    errors: { types: [...writeErrors, ConfirmationRequiredError, RateLimitedError] },
    args: { input: t.arg({ type: PasswordChangeInput, required: true, description: 'The two passwords.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const { services } = ctx;
      const { idempotencyKey, currentPassword, newPassword } = input;
      const viewer = await ctx.person();
      const marked = {
        idempotencyKey,
        currentPassword: markOf(services.keys, currentPassword),
        newPassword: markOf(services.keys, newPassword),
      };
      return writeAround(
        ctx,
        info,
        marked,
        async (run) => {
          const at = await changePassword(run, viewer, { currentPassword, newPassword }, services);
          return { at: at.toISOString() };
        },
        (outcome) => Promise.resolve(outcome),
      );
    },
  }),
);
