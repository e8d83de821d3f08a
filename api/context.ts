import { verifyAccessToken } from '../domain/auth/access-token.ts';
import { looksLikeApiKey } from '../domain/auth/api-key-text.ts';
import type { ReadKey } from '../domain/auth/key-claims.ts';
import type { AuthKeys } from '../domain/auth/keys.ts';
import type { Claims, KeyClaims } from '../domain/auth/viewer.ts';

/** Who a request says it is: the claims of its access token or API key, or nobody. What does not hold is nobody's. */
export async function readClaims(
  authorization: string | null,
  { keys, readKey }: { keys: AuthKeys; readKey: ReadKey },
  now: Date,
): Promise<Claims | KeyClaims | null> {
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization ?? '') ?? [];
  if (token === undefined) return null;
  return looksLikeApiKey(token) ? readKey(token) : verifyAccessToken(keys, token, now);
}
