import type { Tx } from '../../prisma/client.ts';

/** Recipients by where they stand now: each is counted once, and together they are the audience. */
export type Totals = {
  audience: number;
  queued: number;
  inFlight: number;
  accepted: number;
  sent: number;
  delivered: number;
  read: number;
  failed: number;
  skipped: number;
  unknown: number;
  cancelled: number;
  expired: number;
};

const counted: Readonly<Record<string, Exclude<keyof Totals, 'audience'>>> = {
  QUEUED: 'queued',
  DISPATCHING: 'inFlight',
  ACCEPTED: 'accepted',
  SENT: 'sent',
  DELIVERED: 'delivered',
  READ: 'read',
  FAILED: 'failed',
  SKIPPED: 'skipped',
  UNKNOWN: 'unknown',
  CANCELLED: 'cancelled',
  EXPIRED: 'expired',
};

/** Counts the recipients of campaigns, all in one statement. What has none is zero throughout. */
export async function countTotals(
  tx: Tx,
  tenantId: string,
  campaignIds: readonly string[],
): Promise<Map<string, Totals>> {
  const rows = await tx.$queryRaw<{ campaignId: string; status: string; messages: number }[]>`
    select m.campaign_id as "campaignId", m.status, count(*)::int as messages from messages m
     where m.tenant_id = ${tenantId}::uuid and m.campaign_id = any(${[...campaignIds]}::uuid[]) group by 1, 2`;
  const totals = new Map(campaignIds.map((id) => [id, noTotals()]));
  for (const { campaignId, status, messages } of rows) {
    const own = totals.get(campaignId);
    const field = counted[status];
    if (!own || !field) throw new Error('A recipient stands where nobody counts.');
    own[field] += messages;
    own.audience += messages;
  }
  return totals;
}

const noTotals = (): Totals => ({
  audience: 0,
  queued: 0,
  inFlight: 0,
  accepted: 0,
  sent: 0,
  delivered: 0,
  read: 0,
  failed: 0,
  skipped: 0,
  unknown: 0,
  cancelled: 0,
  expired: 0,
});
