import { isCountry } from '../places.ts';
import { type Checked, noValue, refusal } from './checked.ts';
import { parsePhone } from './phone.ts';
import { checkCode, checkText, tooLongFor } from './text.ts';

// What a contact's fields may hold: the one way in for the API and for imports. Each check takes the raw text and gives the value
// as it is stored, null for an empty text, or a problem. Dates are in dates.ts, custom fields in custom-values.ts.

export const nameLengthMax = 200;
export const externalIdLengthMax = 200;
export const addressLengthMax = 200;
export const noteLengthMax = 10_000;
export const tagLengthMax = 100;
export const tagsPerContactMax = 100;
export const identitiesPerContactMax = 50;

/** The folded name stands in an index, whose rows have a limit; some letters unfold into eighteen. */
const foldedBytesMax = 2_000;

export function checkName(raw: string): Checked<string | null> {
  const checked = checkText(raw, nameLengthMax);
  const { value } = checked;
  if (typeof value === 'string' && value.length * 9 > foldedBytesMax / 2 && /[^\x20-\x7e]/.test(value)) {
    if (Buffer.byteLength(value.normalize('NFKD')) > foldedBytesMax) return tooLongFor(nameLengthMax);
  }
  return checked;
}

/** The tenant's own id for a contact, kept to the letter: `A1` and `a1` are two. */
export function checkExternalId(raw: string): Checked<string | null> {
  return checkCode(raw, externalIdLengthMax);
}

export const addressParts = ['street', 'city', 'region', 'postalCode'] as const;
export type AddressPart = (typeof addressParts)[number];

export function checkAddressPart(raw: string): Checked<string | null> {
  return checkText(raw, addressLengthMax);
}

const notAnEmail = refusal('INVALID_EMAIL', 'It is not an e-mail address.', 'an e-mail address as ana@example.com');
const emailShape =
  /^[^\s@"(),:;<>[\]\\.]+(?:\.[^\s@"(),:;<>[\]\\.]+)*@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+(?:\p{L}{2,63}|xn--[a-z0-9-]{2,59})$/u;

/** Lower-cased: no provider in use tells addresses apart by case. */
export function checkEmail(raw: string): Checked<string | null> {
  const checked = checkText(raw, 254);
  if (typeof checked.value !== 'string') return checked;
  const value = checked.value.toLowerCase();
  const at = value.indexOf('@');
  return at > 0 && at <= 64 && emailShape.test(value) ? { value } : notAnEmail;
}

const notALanguage = refusal('INVALID_LANGUAGE', 'It is not a language tag.', 'a BCP 47 tag as pt-BR');
const languages = new Map<string, Checked<string | null>>();

/** BCP 47 in its canonical spelling; `pt_br` is read too. */
export function checkLanguage(raw: string): Checked<string | null> {
  const known = languages.get(raw);
  if (known) return known;
  const checked = readLanguage(raw.trim().replaceAll('_', '-'));
  if (languages.size < 1_000) languages.set(raw, checked); // files repeat few tags; a hostile one must not fill the memory
  return checked;
}

function readLanguage(tag: string): Checked<string | null> {
  if (tag === '') return noValue;
  if (tag.length > 35 || !/^[a-z]{2,3}(-[a-z0-9]{1,8})*$/i.test(tag)) return notALanguage;
  try {
    const [value] = Intl.getCanonicalLocales(tag);
    return value === undefined ? notALanguage : { value };
  } catch (error) {
    if (error instanceof RangeError) return notALanguage;
    throw error;
  }
}

const notACountry = refusal('INVALID_COUNTRY', 'It is not a country code.', 'a country by ISO 3166-1 alpha-2, as BR');

export function checkCountry(raw: string): Checked<string | null> {
  const value = raw.trim().toUpperCase();
  if (value === '') return noValue;
  return value.length === 2 && isCountry(value) ? { value } : notACountry;
}

const notAPhone = refusal(
  'INVALID_PHONE',
  'It is not a telephone number.',
  'a telephone number as +5511987654321, or as written in the default country',
);
const shortenedPhone = refusal(
  'INVALID_PHONE',
  'A spreadsheet shortened this telephone number.',
  'the whole number as +5511987654321: format the column as text',
);

export const identityKinds = [
  'PHONE',
  'WHATSAPP_USER_ID',
  'USERNAME',
  'TIKTOK_SHOP_BUYER',
  'MERCADO_LIVRE_BUYER',
  'SHOPEE_BUYER',
] as const;
export type IdentityKind = (typeof identityKinds)[number];

/** `value` as it is shown and sent to; `matchKey` is what makes two of a kind one. */
export type Identity = { kind: IdentityKind; value: string; matchKey: string };

/** E.164; a local number is one of the default country (ISO alpha-2). */
export function checkPhone(raw: string, defaultCountry: string): Checked<Identity | null> {
  const phone = parsePhone(raw, defaultCountry);
  if (phone) return { value: { kind: 'PHONE', value: phone.e164, matchKey: phone.matchKey } };
  if (raw.trim() === '') return noValue;
  return /^\s*\d[.,]\d+e\+?\d+\s*$/i.test(raw) ? shortenedPhone : notAPhone;
}

const noIdentity = refusal('REQUIRED', 'It is empty.', 'the value of the identity');
const notAnIdentity = refusal('INVALID_IDENTITY', 'It is not an id.', 'an id without blanks');

/** Any of the ways a contact is known; never empty. */
export function checkIdentity(kind: IdentityKind, raw: string, defaultCountry: string): Checked<Identity> {
  const checked = kind === 'PHONE' ? checkPhone(raw, defaultCountry) : checkCode(raw, 200);
  if (checked.problem) return checked;
  if (checked.value === null) return noIdentity;
  if (typeof checked.value === 'object') return { value: checked.value };
  const value = kind === 'USERNAME' ? checked.value.replace(/^@/, '') : checked.value;
  if (value === '' || /\s/.test(value)) return notAnIdentity;
  return { value: { kind, value, matchKey: kind === 'USERNAME' ? value.toLowerCase() : value } };
}

const noTag = refusal('REQUIRED', 'It is empty.', 'the name of a tag');

/** A tag's name as it is shown, and what makes two of them one. */
export function checkTagName(raw: string): Checked<{ name: string; nameKey: string }> {
  const checked = checkText(raw, tagLengthMax);
  if (checked.problem) return checked;
  return checked.value === null ? noTag : { value: { name: checked.value, nameKey: checked.value.toLowerCase() } };
}
