import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** Fresh secrets for an installation, as lines of an .env: the key id is the day it was made. */
export function generateKeys(today: Date = new Date()): Record<'ENCRYPTION_KEYS' | 'JWT_KEYS', string> {
  const kid = today.toISOString().slice(0, 10);
  const signing = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  return {
    ENCRYPTION_KEYS: `${kid}:${randomBytes(32).toString('base64')}`,
    JWT_KEYS: `${kid}:${signing.toString('base64')}`,
  };
}

/** Passwords of the three database roles, for the compose file. */
function generatePasswords(): Record<string, string> {
  const names = ['PARLEY_OWNER_PASSWORD', 'PARLEY_API_PASSWORD', 'PARLEY_FLEET_PASSWORD'];
  return Object.fromEntries(names.map((name) => [name, randomBytes(18).toString('base64url')]));
}

if (import.meta.main) {
  const lines = Object.entries({ ...generateKeys(), ...generatePasswords() }).map(
    ([name, value]) => `${name}=${value}`,
  );
  console.log(lines.join('\n'));
}
