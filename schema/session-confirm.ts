import { RequestCache } from '@pothos/plugin-scope-auth';
import { confirmSession } from '../domain/auth/confirm-session.ts';
import type { PersonViewer } from '../domain/auth/viewer.ts';
import { InvalidCredentialsError, RateLimitedError, SessionEndedError } from '../domain/errors.ts';
import { builder, type Context } from './builder.ts';
import { idempotencyKey, writeAround, writeErrors } from './write.ts';

/** Who asks is read anew by what follows in the same operation: a proof is fresh, or nothing is owed any more. */
export function forgetViewer(ctx: Context, { tenantId, userId, sessionId }: PersonViewer): void {
  ctx.becomes({ tenantId, userId, sessionId });
  RequestCache.clearForContext(ctx);
}

const SessionConfirmInput = builder.inputType('SessionConfirmInput', {
  description: 'A proof of who you are: a code where you have an authenticator app, else your password.',
  fields: (t) => ({
    password: t.string({ description: 'Your password, where you have no authenticator app.' }),
    code: t.string({ description: 'The six digits that your authenticator app shows.' }),
    ...idempotencyKey(t),
  }),
});

const SessionConfirmed = builder.objectRef<{ confirmedAt: Date; expiresAt: Date }>('SessionConfirmed').implement({
  description: 'It is known to be you.',
  fields: (t) => ({
    confirmedAt: t.expose('confirmedAt', { type: 'DateTime', description: 'Since when.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when the proof counts as fresh.' }),
  }),
});

builder.mutationField('sessionConfirm', (t) =>
  t.field({
    type: SessionConfirmed,
    nullable: true,
    description:
      'Proves once more who you are, for what asks for a fresh proof (`ConfirmationRequiredError`). Five wrong proofs end the session.',
    authScopes: { person: true },
    errors: { types: [...writeErrors, InvalidCredentialsError, RateLimitedError, SessionEndedError] },
    args: { input: t.arg({ type: SessionConfirmInput, required: true, description: 'The proof.' }) },
    resolve: async (_root, { input }, ctx, info) => {
      const person = await ctx.person();
      const { keyring, hashing, now, limits } = ctx.services;
      const { idempotencyKey } = input; // nothing that is made of the password is stored, not even with the key
      return writeAround(
        ctx,
        info,
        { idempotencyKey },
        async (run) => (await confirmSession({ run, keyring, hashing, now }, person, input)).toISOString(),
        async (at) => {
          forgetViewer(ctx, person);
          const confirmedAt = new Date(at);
          return { confirmedAt, expiresAt: new Date(confirmedAt.getTime() + limits.stepUpSeconds * 1_000) };
        },
      );
    },
  }),
);
