import { hash } from '../random.ts';

/** Enough of the world's calling codes to give a user a country. */
const countries: [prefix: string, country: string][] = [
  ['55', 'BR'],
  ['90', 'TR'],
  ['60', 'MY'],
  ['351', 'PT'],
  ['52', 'MX'],
  ['54', 'AR'],
  ['49', 'DE'],
  ['44', 'GB'],
  ['33', 'FR'],
  ['34', 'ES'],
  ['39', 'IT'],
  ['91', 'IN'],
  ['65', 'SG'],
  ['1', 'US'],
];

export function countryOf(digits: string): string {
  return countries.find(([prefix]) => digits.startsWith(prefix))?.[1] ?? 'ZZ';
}

export function isUsNumber(digits: string): boolean {
  return digits.startsWith('1') && digits.length === 11;
}

/** Digits of what was written in `to`: `+`, spaces, brackets and dashes may be in it. Without a `+` Meta puts the business's country code before it. */
export function toDigits(to: string, businessDigits: string): string | undefined {
  const isInternational = to.trimStart().startsWith('+');
  const digits = to.replaceAll(/[\s()+-]/g, '');
  if (!/^\d{6,15}$/.test(digits)) return undefined;
  if (isInternational) return digits;
  const prefix = countries.find(([code]) => businessDigits.startsWith(code))?.[0] ?? '';
  return digits.startsWith(prefix) && digits.length >= prefix.length + 10 ? digits : prefix + digits;
}

const prime = 2_305_843_009_213_693_951n; // 2^61 - 1
const factor = 1_412_345_678_901_234_567n;
const inverse = power(factor, prime - 2n);

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % prime;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
}

/** What a portfolio adds, so that one user has another id for each. */
function saltOf(portfolioId: string): bigint {
  return BigInt(hash(1, portfolioId)) * 4_294_967_296n + BigInt(hash(2, portfolioId));
}

/** The business-scoped id of a user (reference: whatsapp-cloud-api, section 10): a permutation of the number, so nothing needs to be remembered. */
export function bsuidOf(digits: string, portfolioId: string): string {
  const mixed = (BigInt(`1${digits}`) * factor + saltOf(portfolioId)) % prime;
  return `${countryOf(digits)}.${String(mixed).padStart(19, '0')}`;
}

/** The number behind a business-scoped id, if it is one of this portfolio. */
export function digitsOfBsuid(bsuid: string, portfolioId: string): string | undefined {
  const [, country, mixed] = /^([A-Z]{2})\.(\d{19})$/.exec(bsuid) ?? [];
  if (country === undefined || mixed === undefined) return undefined;
  const salt = saltOf(portfolioId) % prime;
  const value = String(((((BigInt(mixed) - salt + prime) % prime) + prime) * inverse) % prime);
  const digits = value.slice(1);
  return value.startsWith('1') && /^\d{6,15}$/.test(digits) && countryOf(digits) === country ? digits : undefined;
}
