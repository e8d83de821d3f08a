import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { lockContact } from './lock-contact.ts';

/** Blocks a contact, or lets it through again. Doing it twice changes nothing. */
export async function blockContact(
  tx: Tx,
  by: Answerable,
  contactId: string,
  blocked: boolean,
): Promise<{ id: string }> {
  const { tenantId } = by;
  const { now } = await lockContact(tx, tenantId, contactId);
  const { count } = await tx.contact.updateMany({
    where: { tenantId, id: contactId, blockedAt: blocked ? null : { not: null } },
    data: { blockedAt: blocked ? now : null, updatedAt: now },
  });
  if (count > 0) {
    await recordAudit(tx, by, {
      action: blocked ? 'contact.block' : 'contact.unblock',
      target: { type: 'Contact', id: contactId },
      before: { blocked: !blocked },
      after: { blocked },
    });
  }
  return { id: contactId };
}
