import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** A phone as it is stored: E.164, and the key that every way of writing it shares. */
export type Phone = { e164: string; matchKey: string; country: string | undefined };

const longest = 40;
/** What address books put around numbers without showing it. */
const invisible = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Reads a phone as people write it; undefined when it cannot be one. Local numbers are of the given country (ISO alpha-2). */
export function parsePhone(text: string, defaultCountry: string): Phone | undefined {
  if (text.length > longest) return undefined;
  const written = text.replace(invisible, '').trim();
  const international = /^00[1-9]/.test(written) ? read(`+${written.slice(2)}`, defaultCountry) : undefined; // Brazil's rules would read 0055 as a carrier's prefix
  return international ?? read(written, defaultCountry);
}

function read(text: string, defaultCountry: string): Phone | undefined {
  const written = text.replace(/^(\+?\s*52)[\s.-]*1((?:[\s.()-]*\d){10})$/, '$1$2'); // Mexico's 1 before mobiles, dropped in 2019, still written
  const country = isSupportedCountry(defaultCountry) ? defaultCountry : undefined;
  const parsed = parsePhoneNumberFromString(
    written,
    country ? { defaultCountry: country, extract: false } : { extract: false },
  );
  if (!parsed?.isPossible() || parsed.ext !== undefined) return undefined;
  if (parsed.country === 'BR' && parsed.nationalNumber.length < 10 && !parsed.isValid()) return undefined; // its area code is missing
  return { e164: parsed.number, matchKey: matchKeyOf(parsed.number), country: parsed.country };
}

/**
 * One key for all variants under which WhatsApp may know a number: Brazil with or without the ninth digit, Mexico with or without
 * the 1, Argentina with or without the 9. No area-code rule tells which is right, so the key drops what may be missing. Only
 * Brazilian mobiles that once had eight digits are known without their 9; with 2 to 5 behind it, the rest is somebody else's landline.
 */
export function matchKeyOf(e164: string): string {
  if (e164.startsWith('+55')) return e164.replace(/^\+55(\d{2})9([016-9]\d{7})$/, '+55$1$2');
  if (e164.startsWith('+521')) return e164.replace(/^\+521(\d{10})$/, '+52$1');
  if (e164.startsWith('+549')) return e164.replace(/^\+549(\d{10})$/, '+54$1');
  return e164;
}
