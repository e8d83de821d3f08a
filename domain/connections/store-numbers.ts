import type { NumberFacts } from '../../connectors/whatsapp/accounts.ts';
import type { Tx } from '../../prisma/client.ts';
import { enqueue } from '../jobs.ts';
import { sendBulk, sendSingle } from '../messages/jobs.ts';

/** Writes down an account's numbers as Meta describes them; one that is no longer among them is DELETED, and free for others. */
export async function storeNumbers(tx: Tx, tenantId: string, accountId: string, numbers: NumberFacts[]): Promise<void> {
  await upsertNumbers(tx, tenantId, accountId, numbers);
  const kept = numbers.map(({ phoneNumberId }) => phoneNumberId);
  await tx.$queryRaw`
    with gone as (
      update whatsapp_numbers set status = 'DELETED', is_registered = false, updated_at = now()
      where tenant_id = ${tenantId}::uuid and account_id = ${accountId}::uuid and phone_number_id <> all(${kept}::text[]) and status <> 'DELETED'
      returning phone_number_id
    )
    select release_partner_route('META_NUMBER', phone_number_id)::text from gone`;
}

/** What is now: a block is lifted where Meta says that the number may send. What waited for it is woken. */
export async function upsertNumbers(
  tx: Tx,
  tenantId: string,
  accountId: string,
  numbers: NumberFacts[],
): Promise<void> {
  const column = <T>(read: (number: NumberFacts) => T) => numbers.map(read);
  const stored = await tx.$queryRaw<{ id: string; status: string }[]>`
    with given as (
      select * from unnest(${column((n) => n.phoneNumberId)}::text[], ${column((n) => n.displayNumber)}::text[], ${column((n) => n.verifiedName)}::text[],
        ${column((n) => n.quality)}::text[], ${column((n) => n.throughput)}::int[], ${column((n) => n.messagingLimit)}::int[], ${column((n) => n.status)}::text[],
        ${column((n) => n.nameStatus)}::text[], ${column((n) => n.status === 'CONNECTED')}::bool[], ${column((n) => n.canSend)}::bool[])
        as g(phone_number_id, display_number, verified_name, quality, throughput, messaging_limit, status, name_status, is_registered, can_send)
    ), stored as (
      insert into whatsapp_numbers as n (tenant_id, account_id, phone_number_id, display_number, verified_name, quality, throughput, messaging_limit, status,
        name_status, is_registered)
      select ${tenantId}::uuid, ${accountId}::uuid, g.phone_number_id, g.display_number, g.verified_name, g.quality, g.throughput, g.messaging_limit, g.status,
        g.name_status, g.is_registered from given g
      on conflict (tenant_id, phone_number_id) do update set account_id = excluded.account_id, display_number = excluded.display_number,
        verified_name = excluded.verified_name, quality = excluded.quality, throughput = excluded.throughput, messaging_limit = excluded.messaging_limit,
        status = excluded.status, name_status = excluded.name_status, is_registered = excluded.is_registered, updated_at = now()
      returning n.id, n.phone_number_id, n.status
    ), paces as (
      insert into number_paces (tenant_id, number_id) select ${tenantId}::uuid, s.id from stored s on conflict do nothing
    )
    select s.id, s.status from stored s order by s.id`;
  const able = numbers.filter(({ canSend }) => canSend).map(({ phoneNumberId }) => phoneNumberId);
  await tx.whatsAppNumber.updateMany({
    where: { tenantId, phoneNumberId: { in: able }, blockedReason: { not: null } },
    data: { blockedReason: null, blockedAt: null, blockedUntil: null },
  });
  for (const { id: numberId, status } of stored) {
    if (status !== 'CONNECTED') continue;
    await enqueue(tx, sendSingle, { tenantId, numberId });
    await enqueue(tx, sendBulk, { tenantId, numberId });
  }
}
