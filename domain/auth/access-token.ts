import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { AuthKeys } from './keys.ts';
import type { Claims } from './viewer.ts';

export const accessTokenSeconds = 15 * 60;
const audience = 'parley-api';
const type = 'at+jwt';

const Payload = z.object({ sub: z.uuid(), sid: z.uuid(), tid: z.uuid() });

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

/** The claims of a token that we signed and that is valid now; null for any other. */
export async function verifyAccessToken(keys: AuthKeys, token: string, now: Date): Promise<Claims | null> {
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
      clockTolerance: 10,
      requiredClaims: ['exp', 'nbf', 'iat', 'sub'],
    });
    const claims = Payload.safeParse(payload);
    return claims.success ? { userId: claims.data.sub, sessionId: claims.data.sid, tenantId: claims.data.tid } : null;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null; // jose says TypeError of what is not a token at all
    throw error;
  }
}
