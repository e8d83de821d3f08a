import type { Tx } from '../../prisma/client.ts';
import { bySystem, recordAudit } from '../audit/record-audit.ts';

export type OldUpload = { id: string; storageKey: string | null };

/** Uploads whose time is over and that no import is reading; a page at a time. */
export function findOldUploads(tx: Tx, tenantId: string, atMost: number): Promise<OldUpload[]> {
  return tx.$queryRaw<OldUpload[]>`
    select u.id, u.storage_key as "storageKey" from uploads u
     where u.tenant_id = ${tenantId}::uuid and u.expires_at < now() and (u.lease_until is null or u.lease_until < now())
       and (u.storage_key is not null or not exists (select from contact_imports i where i.tenant_id = u.tenant_id and i.upload_id = u.id))
       and not exists (select from contact_imports i where i.tenant_id = u.tenant_id and i.upload_id = u.id and i.status in ('PENDING', 'RUNNING'))
     order by u.expires_at limit ${atMost}`;
}

/** Their files are gone: an upload that was imported stays, as the beginning of that import's history; any other goes. */
export async function forgetUploads(tx: Tx, tenantId: string, ids: string[]): Promise<void> {
  await recordAudit(tx, bySystem(tenantId), {
    action: 'upload.purge',
    target: { type: 'Upload', id: null },
    before: { files: ids.length },
  });
  await tx.upload.deleteMany({ where: { tenantId, id: { in: ids }, imports: { none: {} } } });
  await tx.upload.updateMany({ where: { tenantId, id: { in: ids } }, data: { storageKey: null } });
}
