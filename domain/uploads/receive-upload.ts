import { randomBytes } from 'node:crypto';
import type { Tx } from '../../prisma/client.ts';
import { isSameToken, type UploadToken } from './token.ts';

/** A file that nobody imported is kept for so long. */
const keptDays = 7;
/** How long a body may pause before its place is free again; renewed while it arrives, so that a crash frees it soon. */
const leaseSeconds = 30;
export const renewEveryMs = 10_000;

/** A place that is ours while a body arrives. Every try has a key of its own, so that two never write into one file. */
export type Receiving = { tenantId: string; uploadId: string; storageKey: string; byteSize: number };

export type UploadRefusal = 'unknown' | 'spent' | 'expired' | 'busy';

/** Takes the place for one body, or says why not. `leftover`: the file of an earlier try that was cut off. */
export async function beginReceiving(
  tx: Tx,
  token: UploadToken,
): Promise<{ refused: UploadRefusal } | { receiving: Receiving; contentType: string; leftover: string | null }> {
  const { tenantId, uploadId } = token;
  const upload = await tx.upload.findUnique({ where: { tenantId_id: { tenantId, id: uploadId } } });
  if (!upload || !isSameToken(token, upload.tokenHash)) return { refused: 'unknown' };
  if (upload.status === 'RECEIVED') return { refused: 'spent' };

  const storageKey = `${uploadFolder(tenantId, uploadId)}/${randomBytes(8).toString('hex')}`;
  const taken = await tx.$executeRaw`
    update uploads set status = 'RECEIVING', storage_key = ${storageKey}, lease_until = now() + make_interval(secs => ${leaseSeconds})
    where tenant_id = ${tenantId}::uuid and id = ${uploadId}::uuid and expires_at > now()
      and (status = 'WAITING' or (status = 'RECEIVING' and lease_until < now()))`;
  if (taken === 0) {
    const [now] = await tx.$queryRaw<{ status: string; expired: boolean }[]>`
      select status, expires_at <= now() as expired from uploads where tenant_id = ${tenantId}::uuid and id = ${uploadId}::uuid`;
    if (!now) return { refused: 'unknown' };
    if (now.status === 'RECEIVED') return { refused: 'spent' };
    return { refused: now.expired ? 'expired' : 'busy' };
  }
  return {
    receiving: { tenantId, uploadId, storageKey, byteSize: Number(upload.byteSize) },
    contentType: upload.contentType,
    leftover: upload.storageKey,
  };
}

/** Says that the body is still arriving. False: the place is no longer ours. */
export async function keepReceiving(tx: Tx, { tenantId, uploadId, storageKey }: Receiving): Promise<boolean> {
  const kept = await tx.$executeRaw`
    update uploads set lease_until = now() + make_interval(secs => ${leaseSeconds})
    where tenant_id = ${tenantId}::uuid and id = ${uploadId}::uuid and status = 'RECEIVING' and storage_key = ${storageKey}`;
  return kept > 0;
}

/** The whole body is stored: the URL is spent. False: somebody else has taken the place meanwhile. */
export async function finishReceiving(tx: Tx, { tenantId, uploadId, storageKey }: Receiving): Promise<boolean> {
  const finished = await tx.$executeRaw`
    update uploads set status = 'RECEIVED', received_at = now(), lease_until = null, expires_at = now() + make_interval(days => ${keptDays}::int)
    where tenant_id = ${tenantId}::uuid and id = ${uploadId}::uuid and status = 'RECEIVING' and storage_key = ${storageKey}`;
  return finished > 0;
}

/** The body was not what was announced: the URL can be used again. False: the upload is finished after all, and its file stays. */
export async function giveUpReceiving(tx: Tx, { tenantId, uploadId, storageKey }: Receiving): Promise<boolean> {
  await tx.upload.updateMany({
    where: { tenantId, id: uploadId, status: 'RECEIVING', storageKey },
    data: { status: 'WAITING', storageKey: null, leaseUntil: null },
  });
  return (await tx.upload.count({ where: { tenantId, id: uploadId, storageKey } })) === 0;
}

/** Where an upload's files are kept. The tenant leads, so that one tenant's files can be found and erased together. */
export function uploadFolder(tenantId: string, uploadId: string): string {
  return `${tenantId}/uploads/${uploadId}`;
}
