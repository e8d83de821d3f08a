import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Keyring, newestKey } from './keyring.ts';

/** The cell that a secret belongs to: it opens nowhere else. */
export type Cell = { table: string; column: string; tenantId: string; rowId: string };

const version = 'v1';
const nonceBytes = 12;
const tagBytes = 16;

/** What was sealed does not open: it was changed, it belongs elsewhere, or its key is gone. Says nothing of what is in it. */
export class SealError extends Error {}

/** Seals a secret under the newest key, bound to its cell: AES-256-GCM, `v1.kid.nonce.ciphertext.tag`. */
export function seal(keyring: Keyring, cell: Cell, secret: string): string {
  const { kid, key } = newestKey(keyring);
  const nonce = randomBytes(nonceBytes); // random: a counter could be rewound by a restored backup
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(boundTo(cell));
  const ciphertext = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return [version, kid, ...[nonce, ciphertext, cipher.getAuthTag()].map(encode)].join('.');
}

/** Opens what was sealed for this very cell. Throws a SealError for anything else. */
export function open(keyring: Keyring, cell: Cell, sealed: string): string {
  const { kid, nonce, ciphertext, tag } = readSealed(sealed);
  const found = keyring.find((candidate) => candidate.kid === kid);
  if (!found) throw new SealError('The key that this was sealed with is not there.');
  const decipher = createDecipheriv('aes-256-gcm', found.key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(boundTo(cell));
  decipher.setAuthTag(tag);
  const opening = decipher.update(ciphertext);
  try {
    return Buffer.concat([opening, decipher.final()]).toString('utf8'); // nothing is true before final() has said so
  } catch {
    throw new SealError('This does not open here: it was changed, or it belongs elsewhere.'); // Node's own words help nobody
  }
}

/** The parts, from the end: the name of a key may hold dots. Lengths are ours to check: Node takes a tag of 4 bytes where none was named. */
function readSealed(sealed: string): { kid: string; nonce: Buffer; ciphertext: Buffer; tag: Buffer } {
  const [, kid, ...encoded] = /^v1\.([\w.-]+)\.([\w-]+)\.([\w-]*)\.([\w-]+)$/.exec(sealed) ?? [];
  const [nonce, ciphertext, tag] = encoded.map(decode);
  if (kid === undefined || nonce?.length !== nonceBytes || !ciphertext || tag?.length !== tagBytes) {
    throw new SealError('This is not sealed.');
  }
  return { kid, nonce, ciphertext, tag };
}

function boundTo({ table, column, tenantId, rowId }: Cell): Buffer {
  return Buffer.from([version, table, column, tenantId, rowId].join('|'), 'utf8');
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64url');
}

/** The bytes of a text that is the one way to write them: what only decodes to the same is not what was sealed. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
