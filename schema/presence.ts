import type { Presence } from '../domain/auth/sign-in-signals.ts';
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
