import { advanceCampaign, closeAll } from '../../domain/campaigns/advance.ts';
import { finishCampaigns } from '../../domain/campaigns/finish.ts';
import { advanceJob, cancelJob, launchJob } from '../../domain/campaigns/jobs.ts';
import { runLaunch } from '../../domain/campaigns/launch.ts';
import { inTenant } from '../../prisma/client.ts';
import { task } from '../task.ts';

export const launch = task(launchJob, async (job, { db, settings, signal, log }) => {
  const report = await runLaunch(db, job, settings, signal);
  log.info({ campaignId: job.campaignId, ...report }, 'a run over a launch has ended');
});

export const cancel = task(cancelJob, async ({ tenantId, campaignId }, { db, signal }) => {
  await closeAll(db, tenantId, campaignId, 'CANCELLED', signal);
  await inTenant(db, tenantId, (tx) => finishCampaigns(tx, tenantId, [campaignId]));
});

export const advance = task(advanceJob, (job, { db, settings, signal }) => advanceCampaign(db, job, settings, signal));
