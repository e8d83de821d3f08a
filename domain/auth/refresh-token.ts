import { createHash, createHmac, randomBytes } from 'node:crypto';
import { parse as parseId, stringify as idOf } from 'uuid';

/**
 * An opaque token: whose it is (tenant and person, 16 bytes each), then 32 bytes that nobody can guess. The ids only say in which
 * scope the token is looked up, so that nothing privileged is needed to find it.
 */
export type RefreshToken = { tenantId: string; userId: string; bytes: Buffer };

const idsLength = 32;
const secretLength = 32;

export function newRefreshToken(tenantId: string, userId: string): RefreshToken {
  return tokenOf(tenantId, userId, randomBytes(secretLength));
}

/**
 * The token that follows this one. Derived, not random: whoever repeats a refresh (a lost answer, two tabs) gets the same successor
 * although only its hash is stored.
 */
export function successorOf({ tenantId, userId, bytes }: RefreshToken, serverSecret: Buffer): RefreshToken {
  const secret = createHmac('sha256', serverSecret).update('parley refresh token successor').update(bytes).digest();
  return tokenOf(tenantId, userId, secret);
}

/** What is stored of a token. It has 256 random bits, so a plain hash is enough. */
export function hashRefreshToken({ bytes }: RefreshToken): Buffer<ArrayBuffer> {
  return createHash('sha256').update(bytes).digest();
}

export function formatRefreshToken({ bytes }: RefreshToken): string {
  return bytes.toString('base64url');
}

/** The token that a text says; undefined when it cannot be one of ours. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== idsLength + secretLength || bytes.toString('base64url') !== text) return undefined;
  try {
    return { tenantId: idOf(bytes, 0), userId: idOf(bytes, 16), bytes };
  } catch (error) {
    if (error instanceof TypeError) return undefined; // the ids are no UUIDs
    throw error;
  }
}

function tokenOf(tenantId: string, userId: string, secret: Buffer): RefreshToken {
  return { tenantId, userId, bytes: Buffer.concat([parseId(tenantId), parseId(userId), secret]) };
}
