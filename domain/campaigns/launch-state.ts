import type { Tx } from '../../prisma/client.ts';
import { enqueue } from '../jobs.ts';
import { sendBulk } from '../messages/jobs.ts';
import { launchJob } from './jobs.ts';

/** How a launch is tried. */
export type LaunchSettings = {
  /** For how long a run is believed to be alive without a sign of life. */
  campaignLaunchLeaseMs: number;
  /** How long freezing an audience may take. */
  campaignLaunchTimeoutMs: number;
  campaignLaunchAttemptsMax: number;
};

/** One run over a launch: only with its token is the campaign taken further. */
export type LaunchRun = {
  tenantId: string;
  campaignId: string;
  token: string;
  attempts: number;
  isPastValidity: boolean;
};

/** Takes the lease of a campaign that is to be launched and that nobody launches; undefined when there is nothing to do. */
export async function beginLaunch(
  tx: Tx,
  tenantId: string,
  campaignId: string,
  { campaignLaunchLeaseMs }: LaunchSettings,
): Promise<LaunchRun | undefined> {
  const [run] = await tx.$queryRaw<Pick<LaunchRun, 'token' | 'attempts' | 'isPastValidity'>[]>`
    update campaigns set attempts = attempts + 1, lease_token = gen_random_uuid(),
      lease_until = clock_timestamp() + make_interval(secs => ${campaignLaunchLeaseMs / 1_000}::float8)
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid and status = 'LAUNCHING'
       and (lease_until is null or lease_until < clock_timestamp())
    returning lease_token as token, attempts, coalesce(valid_until <= now(), false) as "isPastValidity"`;
  return run ? { tenantId, campaignId, ...run } : undefined;
}

/** Says that the run is alive. False when the campaign is no longer its own. */
export async function renewLaunch(tx: Tx, run: LaunchRun, { campaignLaunchLeaseMs }: LaunchSettings): Promise<boolean> {
  const renewed = await tx.$executeRaw`
    update campaigns set lease_until = clock_timestamp() + make_interval(secs => ${campaignLaunchLeaseMs / 1_000}::float8)
     where tenant_id = ${run.tenantId}::uuid and id = ${run.campaignId}::uuid and status = 'LAUNCHING' and lease_token = ${run.token}::uuid`;
  return renewed > 0;
}

/**
 * The frozen campaign runs, and its number is woken. False when it was cancelled, or another run has it: then nothing of this one may stay.
 * Only here, at the very end, is the campaign's row locked: cancelling never waits for a launch.
 */
export async function endLaunch(tx: Tx, run: LaunchRun): Promise<boolean> {
  const { tenantId, campaignId, token } = run;
  const [started] = await tx.$queryRaw<{ numberId: string }[]>`
    update campaigns set status = 'RUNNING', launched_at = now(), blocked_reason = null, lease_token = null, lease_until = null, updated_at = now()
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid and status = 'LAUNCHING' and lease_token = ${token}::uuid
    returning number_id as "numberId"`;
  if (started) await enqueue(tx, sendBulk, { tenantId, numberId: started.numberId });
  return started !== undefined;
}

/** Gives the campaign up for good, with the reason that clients see. */
export async function failLaunch(tx: Tx, { tenantId, campaignId, token }: LaunchRun, reason: string): Promise<void> {
  await tx.$executeRaw`
    update campaigns set status = 'FAILED', blocked_reason = ${reason}, finished_at = clock_timestamp(), lease_token = null, lease_until = null, updated_at = now()
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid and status = 'LAUNCHING' and lease_token = ${token}::uuid`;
}

/** Hands the launch back, to be taken up at once; it was no attempt. */
export async function handBackLaunch(tx: Tx, { tenantId, campaignId, token }: LaunchRun): Promise<void> {
  const released = await tx.$executeRaw`
    update campaigns set lease_token = null, lease_until = null, attempts = attempts - 1
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid and status = 'LAUNCHING' and lease_token = ${token}::uuid`;
  if (released > 0) await enqueue(tx, launchJob, { tenantId, campaignId });
}

/** Something went wrong that may pass: nobody takes it up again before a while, longer each time. */
export async function backOffLaunch(tx: Tx, { tenantId, campaignId, token, attempts }: LaunchRun): Promise<void> {
  const seconds = 4 ** (attempts - 1);
  await tx.$executeRaw`
    update campaigns set lease_token = null, lease_until = clock_timestamp() + make_interval(secs => ${seconds}::float8)
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid and status = 'LAUNCHING' and lease_token = ${token}::uuid`;
}
