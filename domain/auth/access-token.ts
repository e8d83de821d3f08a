import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { AuthKeys } from './keys.ts';
import type { Claims } from './viewer.ts';

export const accessTokenSeconds = 15 * 60;
const audience = 'parley-api';
const type = 'at+jwt';

const Payload = z.object({ sub: z.uuid(), sid: z.uuid(), tid: z.uuid(), nbf: z.int(), exp: z.int() });

/** A signed token that says who, for which tenant and in which session; 15 minutes long. */
export async function signAccessToken(
  keys: AuthKeys,
  claims: Claims,
  now: Date,
): Promise<{ token: string; expiresAt: Date }> {
  const [key] = keys.signing;
  if (!key) throw new Error('There is no key to sign access tokens with.');
  const issuedAt = Math.floor(now.getTime() / 1_000);
  const token = await new SignJWT({ sid: claims.sessionId, tid: claims.tenantId })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: type })
    .setSubject(claims.userId)
    .setIssuer(keys.issuer)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + accessTokenSeconds)
    .sign(key.privateKey);
  return { token, expiresAt: new Date((issuedAt + accessTokenSeconds) * 1_000) };
}

/** What a token says, once its signature was found to be ours, and when it holds (seconds). */
type Verified = { claims: Claims; notBefore: number; expiresAt: number };

/** Tokens come back with every request, and checking a signature costs more than anything else before the database is asked. */
const verified = new WeakMap<AuthKeys, Map<string, Verified>>();
const verifiedMax = 2_000;
const toleranceSeconds = 10;

/** The claims of a token that we signed and that is valid now; null for any other. Whether its session has ended is not its to say. */
export async function verifyAccessToken(keys: AuthKeys, token: string, now: Date): Promise<Claims | null> {
  const known = verified.get(keys) ?? new Map<string, Verified>();
  verified.set(keys, known);
  const found = known.get(token) ?? (await verifySignature(keys, token, now));
  if (!found) return null;
  known.delete(token); // put back last: the one that was not seen for longest goes first
  const seconds = now.getTime() / 1_000;
  if (seconds < found.notBefore - toleranceSeconds || seconds >= found.expiresAt + toleranceSeconds) return null;
  known.set(token, found);
  if (known.size > verifiedMax) known.delete(known.keys().next().value ?? token);
  return found.claims;
}

async function verifySignature(keys: AuthKeys, token: string, now: Date): Promise<Verified | null> {
  try {
    const { kid } = decodeProtectedHeader(token);
    const key = keys.signing.find((known) => known.kid === kid);
    if (!key) return null;
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [key.algorithm],
      issuer: keys.issuer,
      audience,
      typ: type,
      currentDate: now,
      clockTolerance: toleranceSeconds,
      requiredClaims: ['exp', 'nbf', 'iat', 'sub'],
    });
    const read = Payload.safeParse(payload);
    if (!read.success) return null;
    const { sub: userId, sid: sessionId, tid: tenantId, nbf: notBefore, exp: expiresAt } = read.data;
    return { claims: { userId, sessionId, tenantId }, notBefore, expiresAt };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null; // jose says TypeError of what is not a token at all
    throw error;
  }
}
