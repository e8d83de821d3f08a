import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** A phone as it is stored: E.164, and the key that every way of writing it shares. */
export type Phone = { e164: string; matchKey: string; country: string | undefined };

/** Reads a phone as people write it; undefined when it cannot be one. Local numbers are of the given country (ISO alpha-2). */
export function parsePhone(text: string, defaultCountry: string): Phone | undefined {
  const country = isSupportedCountry(defaultCountry) ? defaultCountry : undefined;
  const parsed = parsePhoneNumberFromString(
    text.trim(),
    country ? { defaultCountry: country, extract: false } : { extract: false },
  );
  if (!parsed?.isPossible()) return undefined;
  return { e164: parsed.number, matchKey: matchKeyOf(parsed.number), country: parsed.country };
}

/**
 * One key for all variants under which WhatsApp may know a number: Brazil with or without the ninth digit, Mexico with or without
 * the 1, Argentina with or without the 9. No area-code rule tells which is right, so the key drops what may be missing.
 */
export function matchKeyOf(e164: string): string {
  return e164
    .replace(/^\+55(\d{2})9(\d{8})$/, '+55$1$2')
    .replace(/^\+521(\d{10})$/, '+52$1')
    .replace(/^\+549(\d{10})$/, '+54$1');
}
