import { createHash, createHmac } from 'node:crypto';
import { parse as parseId, stringify as idOf } from 'uuid';

/** What a mailed link allows: a token for one thing is worth nothing for another. */
export type LinkPurpose = 'VERIFY_EMAIL' | 'RESET_PASSWORD' | 'INVITATION';

/**
 * The token in a mailed link: in whose scope its row is looked up (a person, or a tenant), which row, then 32 bytes that only this server
 * can make. They are an HMAC over the rest, so that whoever writes the mail can make the token, and nobody can read it from the database
 * or the queue, where only its SHA-256 is.
 */
export type LinkToken = { scopeId: string; id: string; bytes: Buffer };

const idsLength = 32;
const tagLength = 32;

export function makeLinkToken(purpose: LinkPurpose, scopeId: string, id: string, serverSecret: Buffer): LinkToken {
  const ids = Buffer.concat([parseId(scopeId), parseId(id)]);
  const tag = createHmac('sha256', serverSecret).update(`parley link ${purpose}\0`).update(ids).digest();
  return { scopeId, id, bytes: Buffer.concat([ids, tag]) };
}

/** The token whose hash was stored, made with whichever server secret was the newest then. */
export function remakeLinkToken(
  purpose: LinkPurpose,
  scopeId: string,
  id: string,
  serverSecrets: readonly Buffer[],
  storedHash: Uint8Array,
): LinkToken | undefined {
  const candidates = serverSecrets.map((secret) => makeLinkToken(purpose, scopeId, id, secret));
  return candidates.find((candidate) => hashLinkToken(candidate).equals(storedHash));
}

/** What is stored of a token. It has 256 bits that nobody can guess, so a plain hash is enough, and outlives the server secret. */
export function hashLinkToken({ bytes }: LinkToken): Buffer<ArrayBuffer> {
  return createHash('sha256').update(bytes).digest();
}

export function formatLinkToken({ bytes }: LinkToken): string {
  return bytes.toString('base64url');
}

/** The token that a text says; undefined when it cannot be one of ours. */
export function parseLinkToken(text: string): LinkToken | undefined {
  const bytes = Buffer.from(text.trim(), 'base64url');
  if (bytes.length !== idsLength + tagLength || bytes.toString('base64url') !== text.trim()) return undefined;
  try {
    return { scopeId: idOf(bytes, 0), id: idOf(bytes, 16), bytes };
  } catch (error) {
    if (error instanceof TypeError) return undefined; // the ids are no UUIDs
    throw error;
  }
}
