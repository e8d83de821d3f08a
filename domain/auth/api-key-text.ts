import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * An API key as its holder has it: `parley_live_<id>_<secret>_<checksum>`, all in base62. The prefix lets a scanner recognise it, and
 * the checksum lets anybody tell a key from what only looks like one, without asking the database.
 */
export type ApiKeyText = { apiKeyId: string; secret: string };

const prefix = 'parley_live';
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const base = BigInt(digits.length);
const idLength = 22; // 16 bytes
const secretLength = 43; // 32 bytes
const checksumLength = 6; // 4 bytes
const whole = `(${prefix}_([0-9A-Za-z]{${idLength}})_([0-9A-Za-z]{${secretLength}}))_([0-9A-Za-z]{${checksumLength}})`;
const shape = new RegExp(`^${whole}$`);
const withinText = new RegExp(`(?<!\\w)${whole}(?!\\w)`);

export function newKeySecret(): string {
  return encode(BigInt(`0x${randomBytes(32).toString('hex')}`), secretLength);
}

export function formatApiKey({ apiKeyId, secret }: ApiKeyText): string {
  const body = `${publicPartOf(apiKeyId)}_${secret}`;
  return `${body}_${checksumOf(body)}`;
}

/** The part that is no secret: what it begins with, by which its holder finds it again. */
export function publicPartOf(apiKeyId: string): string {
  return `${prefix}_${encode(BigInt(`0x${apiKeyId.replaceAll('-', '')}`), idLength)}`;
}

/** Whether somebody means it to be a key of ours. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(`${prefix}_`);
}

/** What a text says; undefined when it cannot be a key of ours. */
export function parseApiKey(text: string): ApiKeyText | undefined {
  const [, body = '', id = '', secret = '', checksum] = shape.exec(text) ?? [];
  if (checksum === undefined || checksum !== checksumOf(body)) return undefined;
  const apiKeyId = uuidOf(id);
  return apiKeyId === undefined ? undefined : { apiKeyId, secret };
}

/** The first key in a text that somebody pastes: the line of a log, an address, or the key alone. */
export function findApiKey(text: string): ApiKeyText | undefined {
  return parseApiKey(withinText.exec(text)?.[0] ?? '');
}

/** What is stored of a key. Its secret has 256 random bits, so a plain hash is enough. */
export function hashKeySecret(secret: string): Buffer<ArrayBuffer> {
  return createHash('sha256').update(secret).digest();
}

function checksumOf(body: string): string {
  return encode(BigInt(crc32(body)), checksumLength);
}

function encode(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; rest > 0n; rest /= base) text = `${digits[Number(rest % base)]}${text}`;
  return text.padStart(length, '0');
}

function uuidOf(text: string): string | undefined {
  let value = 0n;
  for (const digit of text) value = value * base + BigInt(digits.indexOf(digit));
  const hex = value.toString(16).padStart(32, '0');
  return hex.length === 32 ? hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : undefined;
}
