import { createHmac, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export type RawKey = { kid: string; key: Buffer };
type Algorithm = 'ES256' | 'EdDSA';
type SigningKey = { kid: string; algorithm: Algorithm; privateKey: KeyObject; publicKey: KeyObject };

/** What sessions are made with: the newest key signs, every key verifies, so that rotating signs nobody out. */
export type AuthKeys = {
  issuer: string;
  signing: SigningKey[];
  /** Server secrets, newest first: what the successor of a refresh token is derived with. */
  secrets: Buffer[];
};

/** Reads the configured keys (PKCS8; P-256 or Ed25519, as the environment was checked for). */
export function loadAuthKeys(issuer: string, jwtKeys: RawKey[], encryptionKeys: RawKey[]): AuthKeys {
  return { issuer, signing: jwtKeys.map(readSigningKey), secrets: encryptionKeys.map(({ key }) => key) };
}

function readSigningKey({ kid, key }: RawKey): SigningKey {
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  const algorithm = privateKey.asymmetricKeyType === 'ed25519' ? 'EdDSA' : 'ES256';
  return { kid, algorithm, privateKey, publicKey: createPublicKey(privateKey) };
}

/**
 * What stands for a secret among the inputs that an idempotency key is compared by: those are stored as a quick hash, from which a password
 * could be guessed.
 */
export function markOf({ secrets: [newest] }: AuthKeys, secret: string): string {
  if (!newest) throw new Error('There is no server secret.');
  return createHmac('sha256', newest).update('parley idempotency\0').update(secret).digest('base64url');
}
