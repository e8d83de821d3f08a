import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether Meta signed these bytes, with any of the app's secrets (two while one replaces the other). Compared in constant time, over the
 * raw body: written anew, the JSON would not be the same bytes (reference: whatsapp-cloud-api, section 7.1).
 */
export function isSigned(body: Uint8Array, signature: string | undefined, secrets: readonly string[]): boolean {
  const [, hex = ''] = /^sha256=([\da-f]{64})$/i.exec(signature ?? '') ?? [];
  const given = Buffer.from(hex, 'hex');
  if (given.length !== 32) return false;
  return secrets
    .map((secret) => timingSafeEqual(createHmac('sha256', secret).update(body).digest(), given))
    .includes(true);
}

/** Whether a token is the expected one, in a time that tells nothing about it. */
export function isToken(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'token').update(text).digest(); // of equal length, whatever came
  return timingSafeEqual(digest(given), digest(expected));
}
