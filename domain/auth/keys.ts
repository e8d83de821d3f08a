import { importPKCS8, exportJWK, importJWK, type CryptoKey } from 'jose';

export type RawKey = { kid: string; key: Buffer };
type Algorithm = 'ES256' | 'EdDSA';
type SigningKey = { kid: string; algorithm: Algorithm; privateKey: CryptoKey; publicKey: CryptoKey };

/** What sessions are made with: the newest key signs, every key verifies, so that rotating signs nobody out. */
export type AuthKeys = {
  issuer: string;
  signing: SigningKey[];
  /** Server secrets, newest first: what the successor of a refresh token is derived with. */
  secrets: Buffer[];
};

/** Imports the configured keys (PKCS8, ES256 or EdDSA). Throws by key id, never with key material. */
export async function loadAuthKeys(issuer: string, jwtKeys: RawKey[], encryptionKeys: RawKey[]): Promise<AuthKeys> {
  return { issuer, signing: await Promise.all(jwtKeys.map(importKey)), secrets: encryptionKeys.map(({ key }) => key) };
}

async function importKey({ kid, key }: RawKey): Promise<SigningKey> {
  const pem = `-----BEGIN PRIVATE KEY-----\n${key.toString('base64')}\n-----END PRIVATE KEY-----`;
  for (const algorithm of ['ES256', 'EdDSA'] as const) {
    const privateKey = await importPKCS8(pem, algorithm, { extractable: true }).catch(() => undefined);
    if (!privateKey) continue;
    const { d: _secret, ...publicJwk } = await exportJWK(privateKey);
    const publicKey = await importJWK(publicJwk, algorithm);
    if (publicKey instanceof Uint8Array) break;
    return { kid, algorithm, privateKey, publicKey };
  }
  throw new Error(`JWT_KEYS: the key "${kid}" is neither an ES256 nor an Ed25519 private key in PKCS8.`);
}
