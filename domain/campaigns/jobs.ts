import { z } from 'zod';
import type { Tx } from '../../prisma/client.ts';
import { defineJob } from '../jobs.ts';

const payload = z.object({ tenantId: z.uuid(), campaignId: z.uuid() });

/** Freezes a campaign's audience into messages. The campaign's own row counts the attempts. */
export const launchJob = defineJob({
  name: 'campaigns/launch',
  lane: 'campaign',
  payload,
  key: ({ campaignId }) => campaignId,
  maxAttempts: 5,
});

/** Takes what still waits of a cancelled campaign out of the queue. Apart from sending: it must not wait for a fleet that is busy sending. */
export const cancelJob = defineJob({
  name: 'campaigns/cancel',
  lane: 'maintenance',
  payload,
  key: ({ campaignId }) => campaignId,
  maxAttempts: 5,
});

/** Looks after an open campaign: starts it when it is due, finishes it when it is done, says why it stands still. */
export const advanceJob = defineJob({
  name: 'campaigns/advance',
  lane: 'campaign',
  payload,
  key: ({ campaignId }) => campaignId,
  maxAttempts: 5,
});

/** Open campaigns of all tenants, those first that nobody has looked after for longest. */
export function findOpenCampaigns(tx: Tx, atMost: number): Promise<z.infer<typeof payload>[]> {
  return tx.$queryRaw<z.infer<typeof payload>[]>`
    select tenant_id as "tenantId", id as "campaignId" from find_open_campaigns(${atMost}::int)`;
}
