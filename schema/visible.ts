import type { Prisma } from '../prisma/client.ts';
import { batched } from './batch.ts';
import type { Context } from './builder.ts';
import { known } from './node.ts';

// Contacts and campaigns that are assigned to another seller are not there in such a transaction: a policy sees to it. These are for what
// has no such policy, as it is written too often: messages. Whatever else hangs on contacts is reached through them.

/** Which messages the caller sees: those with contacts that it sees; for whoever sees all contacts, all. */
export function visibleMessages(context: Context): Prisma.MessageWhereInput {
  const { tenantId, sees } = known(context);
  return sees.contactsOf ? { contact: { is: { tenantId } } } : {};
}

/** Which messages are of a campaign; of one that the caller does not see, none. */
export function messagesOfCampaign(context: Context, campaignId: string): Prisma.MessageWhereInput {
  const { tenantId, sees } = known(context);
  return { campaignId, ...(sees.campaignsOf ? { campaign: { is: { tenantId } } } : {}) };
}

/** Those of some contacts that the caller sees, or all of them for whoever sees all contacts. */
export async function visibleContacts(context: Context, ids: string[]): Promise<string[]> {
  const { tenantId, sees } = known(context);
  if (!sees.contactsOf || ids.length === 0) return ids;
  const found = await batched(context, 'visible contacts', ids.join(), async (lists) => {
    const all = lists.flatMap((list) => list.split(','));
    const rows = await context.tx.contact.findMany({ where: { tenantId, id: { in: all } }, select: { id: true } });
    const visible = new Set(rows.map(({ id }) => id));
    return new Map(lists.map((list) => [list, list.split(',').filter((id) => visible.has(id))]));
  });
  return found ?? [];
}
