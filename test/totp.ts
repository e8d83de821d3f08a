import { HOTP, Secret, TOTP } from 'otpauth';
import { mutate } from './ask.ts';
import type { Clock, Person } from './fixtures.ts';

/** What an authenticator app shows at a moment, or so many 30 seconds before or after it. */
export function codeAt(secret: string, at: Date, steps = 0): string {
  const counter = TOTP.counter({ period: 30, timestamp: at.getTime() }) + steps;
  return HOTP.generate({ secret: Secret.fromBase32(secret), counter });
}

/** Sets up an authenticator app, and moves the clock on: the code that did it is spent. */
export async function setUpTotp(
  person: Pick<Person, 'graphql'>,
  clock: Clock,
): Promise<{ secret: string; recoveryCodes: string[] }> {
  const { secret } = await mutate(person, 'totpBegin', {}, '... on TotpSetup { secret }');
  const code = codeAt(secret, clock.now());
  const { codes } = await mutate(person, 'totpConfirm', { code }, '... on RecoveryCodes { codes }');
  clock.advance(30_000);
  return { secret, recoveryCodes: codes };
}
