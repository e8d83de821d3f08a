/** A secret of a test, and what it is. */
export type Secret = { kind: string; text: string };

/** Shorter ones would be found everywhere: a code of six digits is in many a time. */
export const secretLengthMin = 8;

const base = 31;
const bits = 22;

/**
 * Finds any of many secrets in a text, in one pass (Rabin–Karp): the hash of every eight characters is looked up in a bitmap, and only where
 * it is there the secrets that begin so are compared.
 */
export function createFinder(secrets: Iterable<Secret>): (text: string) => { secret: Secret; at: number }[] {
  const beginnings = new Map<string, Secret[]>();
  const seen = new Uint8Array(2 ** bits / 8);
  for (const secret of secrets) {
    if (secret.text.length < secretLengthMin) continue;
    const beginning = secret.text.slice(0, secretLengthMin);
    beginnings.set(beginning, [...(beginnings.get(beginning) ?? []), secret]);
    const slot = slotOf(hashOf(beginning));
    seen[slot >>> 3] = (seen[slot >>> 3] ?? 0) | (1 << (slot & 7));
  }
  let highest = 1;
  for (let index = 1; index < secretLengthMin; index += 1) highest = Math.imul(highest, base);

  return (text) => {
    const found: { secret: Secret; at: number }[] = [];
    let hash = hashOf(text.slice(0, secretLengthMin));
    for (let at = 0; at + secretLengthMin <= text.length; at += 1) {
      if (at > 0) {
        hash = Math.imul(hash - Math.imul(text.charCodeAt(at - 1), highest), base);
        hash = (hash + text.charCodeAt(at + secretLengthMin - 1)) | 0;
      }
      const slot = slotOf(hash);
      if (((seen[slot >>> 3] ?? 0) & (1 << (slot & 7))) === 0) continue;
      for (const secret of beginnings.get(text.slice(at, at + secretLengthMin)) ?? []) {
        if (text.startsWith(secret.text, at)) found.push({ secret, at });
      }
    }
    return found;
  };
}

function hashOf(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, base) + text.charCodeAt(index)) | 0;
  return hash;
}

const slotOf = (hash: number) => Math.imul(hash, 0x9e3779b1) >>> (32 - bits);
