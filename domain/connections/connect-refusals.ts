import { PartnerError } from '../errors.ts';
import { type Explain, isTokenRefusal } from './partner-answer.ts';

/** What went wrong with the code of an Embedded Signup: it lives for 30 seconds and works once. */
export const code: Explain = ({ code: partnerCode, subcode }) => {
  const refused = (message: string) => new PartnerError(message, { partnerCode, path: 'code' });
  if (partnerCode === 101 || partnerCode === 1) return appRefused(partnerCode);
  if (subcode === 36_007) return refused('The code has expired: it works for 30 seconds. Sign up again.');
  if (subcode === 36_009) return refused('The code was used before. Sign up again.');
  return partnerCode === 100 ? refused('The code is not valid. Sign up again.') : undefined;
};

/** Meta does not know our app by what this installation is configured with: nothing the person who asked can change. */
function appRefused(partnerCode: number): PartnerError {
  const message = 'WhatsApp does not accept the app of this installation: META_APP_ID and META_APP_SECRET do not fit.';
  return new PartnerError(message, { partnerCode });
}

export const ownApp: Explain = (refusal) => (isTokenRefusal(refusal) ? appRefused(refusal.code) : undefined);

export function accountNotShared(wabaId: string, partnerCode: number | null = null): PartnerError {
  return new PartnerError(`The WhatsApp Business Account ${wabaId} was not shared with this app.`, {
    partnerCode,
    path: 'wabaId',
  });
}

/** An account that the token does not reach looks to it as if it were not there. */
export const notShared =
  (wabaId: string): Explain =>
  (refusal) =>
    isTokenRefusal(refusal) || refusal.code === 33 || refusal.subcode === 33
      ? accountNotShared(wabaId, refusal.code)
      : undefined;

const registrations: Readonly<Record<number, { message: string; path: 'pin' | 'phoneNumberId' }>> = {
  133005: { message: 'This is not the two-step PIN of the number.', path: 'pin' },
  133006: { message: 'The number must be verified at Meta before it can be registered.', path: 'phoneNumberId' },
  133008: { message: 'Too many wrong PINs: wait as long as Meta says, then try again.', path: 'pin' },
  133009: { message: 'PINs were tried too fast: wait a while, then try again.', path: 'pin' },
  133015: { message: 'The number is being deleted at Meta: try again in five minutes.', path: 'phoneNumberId' },
  133016: { message: 'The number was registered too often: try again in 72 hours.', path: 'phoneNumberId' },
};

export const registration: Explain = ({ code: partnerCode, userTitle }) => {
  const known = registrations[partnerCode];
  return known && new PartnerError(known.message, { partnerCode, path: known.path, title: userTitle });
};
