import type { Tx } from '../../prisma/client.ts';
import { finishCampaigns } from '../campaigns/finish.ts';
import { enqueue } from '../jobs.ts';
import { sendBulk, sendSingle } from './jobs.ts';

export type Settled = { inDoubt: number; resent: number; givenUp: number };

type Row = { numberId: string; campaignId: string | null; outcome: 'IN_DOUBT' | 'RESENT' | 'GIVEN_UP' };

/**
 * One page of what has been open for too long. A message whose lease is over may have gone out: it is in doubt, and a webhook may still settle it.
 * When that time is over too, it stays UNKNOWN for good, as marketing always does; utility and authentication go once more where the tenant wants that.
 */
export async function settle(tx: Tx, tenantId: string, settleMs: number, atMost: number): Promise<Settled> {
  const rows = await tx.$queryRaw<Row[]>`
    with late as materialized (
      select m.id, m.status,
        m.status = 'UNKNOWN' and t.resend_unknown and m.category in ('UTILITY', 'AUTHENTICATION') and m.resends = 0 and (m.valid_until is null or m.valid_until > now())
          and (c.id is null or c.status in ('RUNNING', 'PAUSED')) as again
      from messages m join tenants t on t.id = m.tenant_id
      left join campaigns c on c.tenant_id = m.tenant_id and c.id = m.campaign_id
      where m.tenant_id = ${tenantId}::uuid and m.open_until < now()
      order by m.id limit ${atMost}::int for update of m skip locked
    )
    update messages m set
      status = case when l.again then 'QUEUED' else 'UNKNOWN' end,
      resends = m.resends + l.again::int,
      due_at = case when l.again then now() end,
      open_until = case when l.status = 'DISPATCHING' then now() + make_interval(secs => ${settleMs}::float8 / 1000) end
    from late l where m.tenant_id = ${tenantId}::uuid and m.id = l.id
    returning m.number_id as "numberId", m.campaign_id as "campaignId",
      case when l.status = 'DISPATCHING' then 'IN_DOUBT' when l.again then 'RESENT' else 'GIVEN_UP' end as outcome`;
  const again = rows.filter(({ outcome }) => outcome === 'RESENT');
  for (const numberId of new Set(again.filter(({ campaignId }) => campaignId !== null).map((row) => row.numberId))) {
    await enqueue(tx, sendBulk, { tenantId, numberId });
  }
  for (const numberId of new Set(again.filter(({ campaignId }) => campaignId === null).map((row) => row.numberId))) {
    await enqueue(tx, sendSingle, { tenantId, numberId });
  }
  const over = rows.flatMap(({ campaignId, outcome }) =>
    campaignId !== null && outcome === 'GIVEN_UP' ? [campaignId] : [],
  );
  if (over.length > 0) await finishCampaigns(tx, tenantId, [...new Set(over)]);
  const count = (wanted: Row['outcome']) => rows.filter(({ outcome }) => outcome === wanted).length;
  return { inDoubt: count('IN_DOUBT'), resent: count('RESENT'), givenUp: count('GIVEN_UP') };
}
