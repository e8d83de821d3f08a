import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { NotFoundError } from '../errors.ts';

/** Makes a campaign a person's, or everybody's with null, whatever its status. Whoever is no member of the tenant is refused by the key. */
export async function assignCampaign(
  tx: Tx,
  by: Answerable,
  { campaignId, userId }: { campaignId: string; userId: string | null },
): Promise<{ id: string }> {
  const { tenantId } = by;
  const [campaign] = await tx.$queryRaw<{ assignedTo: string | null }[]>`
    select assigned_to as "assignedTo" from campaigns
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid for no key update`;
  if (!campaign) throw new NotFoundError('There is no such campaign.');
  const { assignedTo } = campaign;
  if (assignedTo === userId) return { id: campaignId };
  await tx.campaign.update({
    where: { tenantId_id: { tenantId, id: campaignId } },
    data: { assignedTo: userId },
    select: { id: true },
  });
  await recordAudit(tx, by, {
    action: 'campaign.assign',
    target: { type: 'Campaign', id: campaignId },
    before: { assignedTo },
    after: { assignedTo: userId },
  });
  return { id: campaignId };
}
