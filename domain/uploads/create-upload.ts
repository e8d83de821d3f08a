import type { Tx } from '../../prisma/client.ts';
import { problems } from '../errors.ts';
import { makeUploadToken } from './token.ts';

export type NewUpload = { fileName: string; contentType: string; byteSize: number; createdBy: string };

/** Prepares a one-time place for a file. The token in its URL is returned here and never again. */
export async function createUpload(
  tx: Tx,
  tenantId: string,
  input: NewUpload,
  limits: { uploadBytesMax: number; uploadExpiresSeconds: number },
): Promise<{ id: string; token: string }> {
  const { byteSize, createdBy } = input;
  const fileName = input.fileName.trim();
  const contentType = input.contentType.trim().toLowerCase();
  const found = problems();
  if (fileName === '' || fileName.length > 255 || /[\p{Cc}/\\]/u.test(fileName) || !fileName.isWellFormed())
    found.add('fileName', 'Expected the name of a file, without folders; 1 to 255 characters.');
  if (contentType.length > 255 || !/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/.test(contentType))
    found.add('contentType', 'Expected a media type, as text/csv.');
  if (byteSize === 0) found.add('byteSize', 'The file is empty.');
  else if (byteSize < 0 || byteSize > limits.uploadBytesMax)
    found.add('byteSize', `Expected 1 to ${limits.uploadBytesMax} bytes.`);
  found.throwIfAny();

  const [made] = await tx.$queryRaw<{ id: string }[]>`select uuidv7() as id`;
  if (!made) throw new Error('The database gave no id.');
  const { token, hash } = makeUploadToken(tenantId, made.id);
  await tx.$executeRaw`
    insert into uploads (tenant_id, id, file_name, content_type, byte_size, token_hash, created_by, expires_at)
    values (${tenantId}::uuid, ${made.id}::uuid, ${fileName}, ${contentType}, ${byteSize}, ${hash}, ${createdBy}::uuid,
      now() + make_interval(secs => ${limits.uploadExpiresSeconds}))`;
  return { id: made.id, token };
}
