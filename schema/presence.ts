import { nobody, type Presence, recordFailure } from '../domain/auth/sign-in-signals.ts';
import { InvalidCredentialsError } from '../domain/errors.ts';
import type { Context, InputFields } from './builder.ts';

/** The input field of whatever begins a session. */
export const fingerprint = (t: InputFields) => ({
  fingerprint: t.string({
    description:
      'What the client can say that is the same each time it runs in this browser, as a hash. Kept as a keyed hash, to notice who signs in from elsewhere.',
  }),
});

/** Where and with what somebody comes, for the signal that a sign-in leaves. */
export function presenceOf(ctx: Context, input: { fingerprint?: string | null | undefined }): Presence {
  return { origin: ctx.origin, fingerprint: input.fingerprint ?? null, serverSecrets: ctx.services.keys.secrets };
}

/** Passes on what was proven. A wrong password leaves a signal, whether or not anybody has the account. */
export async function noteFailure<Proof>(
  ctx: Context,
  userId: string | undefined,
  presence: Presence,
  proof: Promise<Proof>,
): Promise<Proof> {
  const whose = userId ?? nobody;
  return proof.catch(async (error: unknown) => {
    if (error instanceof InvalidCredentialsError)
      await ctx.write((tx) => recordFailure(tx, whose, presence, ctx.services.now()), { userId: whose });
    throw error;
  });
}
