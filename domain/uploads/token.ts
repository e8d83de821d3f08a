import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What opens an upload's URL: whose it is (so that only that tenant's rows are asked) and 32 random bytes. */
export type UploadToken = { tenantId: string; uploadId: string; hash: Buffer<ArrayBuffer> };

const length = 16 + 16 + 32;

export function makeUploadToken(tenantId: string, uploadId: string): { token: string; hash: Buffer<ArrayBuffer> } {
  const bytes = Buffer.concat([bytesOf(tenantId), bytesOf(uploadId), randomBytes(32)]);
  return { token: bytes.toString('base64url'), hash: hashOf(bytes) };
}

/** Undefined for what cannot be a token of ours. */
export function readUploadToken(token: string): UploadToken | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== length || bytes.toString('base64url') !== token) return undefined;
  return { tenantId: uuidOf(bytes.subarray(0, 16)), uploadId: uuidOf(bytes.subarray(16, 32)), hash: hashOf(bytes) };
}

export function isSameToken(token: UploadToken, storedHash: Uint8Array): boolean {
  return storedHash.length === token.hash.length && timingSafeEqual(token.hash, storedHash);
}

const bytesOf = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex');
const uuidOf = (bytes: Buffer) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const hashOf = (bytes: Buffer): Buffer<ArrayBuffer> => createHash('sha256').update(bytes).digest();
