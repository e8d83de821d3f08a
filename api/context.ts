import { type AuthKeys } from '../domain/auth/keys.ts';
import { verifyAccessToken } from '../domain/auth/access-token.ts';
import type { Claims } from '../domain/auth/viewer.ts';

/** Who a request says it is: the claims of its bearer token, or nobody. A token that does not hold is nobody's. */
export async function readClaims(authorization: string | null, keys: AuthKeys, now: Date): Promise<Claims | null> {
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization ?? '') ?? [];
  return token === undefined ? null : verifyAccessToken(keys, token, now);
}
