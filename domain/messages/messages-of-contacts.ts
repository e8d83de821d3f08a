import type { Tx } from '../../prisma/client.ts';
import { type Page, sqlPage } from '../page.ts';

/** The ids of a page of each contact's messages, those of contacts that were merged into it included; one more than the page where there is more. */
export async function messagesOfContacts(
  tx: Tx,
  tenantId: string,
  contactIds: readonly string[],
  page: Page,
): Promise<Map<string, string[]>> {
  const { behind, orderAndLimit } = sqlPage(page, 'm');
  const rows = await tx.$queryRaw<{ contactId: string; id: string }[]>`
    with recursive family as (
      select c.id as lead_id, c.id from contacts c where c.tenant_id = ${tenantId}::uuid and c.id = any(${[...contactIds]}::uuid[])
      union all
      select family.lead_id, c.id from contacts c join family on c.tenant_id = ${tenantId}::uuid and c.merged_into_id = family.id
    )
    select l.id as "contactId", page.id
      from unnest(${[...contactIds]}::uuid[]) as l (id)
      cross join lateral (
        select m.id from family f join messages m on m.tenant_id = ${tenantId}::uuid and m.contact_id = f.id
         where f.lead_id = l.id and ${behind} ${orderAndLimit}) page`;
  const byContact = new Map<string, string[]>(contactIds.map((id) => [id, []]));
  for (const { contactId, id } of rows) byContact.get(contactId)?.push(id);
  return byContact;
}
