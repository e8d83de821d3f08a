import type { Tx } from '../../prisma/client.ts';

/** What is past its time: raw events hold a week of personal data, their keys a month in which a repeated delivery is known as one. */
export async function purgeEvents(tx: Tx, tenantId: string, atMost: number): Promise<number> {
  const forgotten = await tx.$executeRaw`
    delete from webhook_events where tenant_id = ${tenantId}::uuid and key in (
      select key from webhook_events where tenant_id = ${tenantId}::uuid and received_at < now() - interval '30 days' limit ${atMost}::int)`;
  const blanked = await tx.$executeRaw`
    update webhook_events set payload = null, due_at = null, problem = case when due_at is null then problem else 'TOO_OLD' end
     where tenant_id = ${tenantId}::uuid and key in (
      select key from webhook_events where tenant_id = ${tenantId}::uuid and payload is not null and received_at < now() - interval '7 days' limit ${atMost}::int)`;
  return Math.max(forgotten, blanked);
}

/** The same for events that led to nobody: after a week nothing is left of them. */
export async function purgeUnrouted(tx: Tx, atMost: number): Promise<number> {
  const [purged] = await tx.$queryRaw<{ gone: number }[]>`select purge_unrouted_events(${atMost}::int) as gone`;
  return purged?.gone ?? 0;
}
