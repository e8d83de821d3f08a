import type { Tx } from '../../prisma/client.ts';
import { lockContact } from './lock-contact.ts';

/** Blocks a contact, or lets it through again. Doing it twice changes nothing. */
export async function blockContact(
  tx: Tx,
  tenantId: string,
  contactId: string,
  blocked: boolean,
): Promise<{ id: string }> {
  const { now } = await lockContact(tx, tenantId, contactId);
  await tx.contact.updateMany({
    where: { tenantId, id: contactId, blockedAt: blocked ? null : { not: null } },
    data: { blockedAt: blocked ? now : null, updatedAt: now },
  });
  return { id: contactId };
}
