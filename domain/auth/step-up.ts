import { ConfirmationRequiredError } from '../errors.ts';
import { isPerson, type Viewer } from './viewer.ts';

/** What a fresh proof is measured by; the services of the API are one. */
export type StepUp = { now: () => Date; limits: { stepUpSeconds: number } };

/**
 * For what a stolen session must not do: refuses a person whose last proof of who it is (a sign-in, or `sessionConfirm`) is too long ago. To be
 * called in the deed itself, so that a repeat with the same idempotency key is answered however late it comes. A key passes:
 * it is proof by itself, and has only the rights that it was given.
 */
export function requireRecent(viewer: Viewer, { now, limits }: StepUp): void {
  if (!isPerson(viewer)) return;
  const ageMs = now().getTime() - viewer.confirmedAt.getTime();
  if (ageMs <= limits.stepUpSeconds * 1_000) return;
  throw new ConfirmationRequiredError('Please confirm that it is you, and try again.');
}
