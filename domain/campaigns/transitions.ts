import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { ConflictError, IllegalTransitionError, InvalidInputError, NotFoundError } from '../errors.ts';
import { enqueue } from '../jobs.ts';
import { sendBulk } from '../messages/jobs.ts';
import { readParameters } from '../templates/parameters.ts';
import { cancelJob, launchJob } from './jobs.ts';
import { blockReasons, findObstacles, isLasting } from './obstacles.ts';
import { loadPlan } from './recipients.ts';
import type { CampaignStatus } from './status.ts';

// DRAFT -> SCHEDULED -> LAUNCHING -> RUNNING <-> PAUSED -> FINISHED; CANCELLED from all but the last, FAILED where it cannot start.
// Asking for what is so already changes nothing and is no mistake: a request may be repeated.

export type Held = {
  id: string;
  status: CampaignStatus;
  numberId: string;
  templateVersionId: string;
  blockedReason: string | null;
  scheduledAt: Date | null;
  validUntil: Date | null;
  /** Null: its audience is not frozen yet. */
  launchedAt: Date | null;
};

/** Holds a campaign's row for this transaction: whoever else wants to change its status waits, and sees what came of it. */
export async function holdCampaign(tx: Tx, tenantId: string, campaignId: string): Promise<Held> {
  const [campaign] = await tx.$queryRaw<Held[]>`
    select id, status, number_id as "numberId", template_version_id as "templateVersionId", blocked_reason as "blockedReason",
      scheduled_at as "scheduledAt", valid_until as "validUntil", launched_at as "launchedAt"
    from campaigns where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid for no key update`;
  if (!campaign) throw new NotFoundError('There is no such campaign.');
  return campaign;
}

/**
 * Launches a draft: at its time, or now when it has none or `atOnce` says so. What its launch would fail for is said here. One that was
 * launched before stays as it is.
 */
export async function launchCampaign(
  tx: Tx,
  by: Answerable,
  { campaignId, atOnce = false }: { campaignId: string; atOnce?: boolean },
  now: Date,
): Promise<{ id: string }> {
  const { tenantId } = by;
  const campaign = await holdCampaign(tx, tenantId, campaignId);
  const { status } = campaign;
  if (status === 'LAUNCHING' || status === 'RUNNING' || status === 'FINISHED') return { id: campaignId };
  if (status === 'SCHEDULED' && !atOnce) return { id: campaignId };
  if (status !== 'DRAFT' && status !== 'SCHEDULED') throw new IllegalTransitionError(status, 'LAUNCHING');

  const after = await start(tx, tenantId, campaign, atOnce, now);
  await recordChange(tx, by, campaignId, 'launch', status, after);
  return { id: campaignId };
}

/** Makes it SCHEDULED or LAUNCHING. */
async function start(
  tx: Tx,
  tenantId: string,
  campaign: Held,
  atOnce: boolean,
  now: Date,
): Promise<'SCHEDULED' | 'LAUNCHING'> {
  const { id: campaignId, scheduledAt, validUntil } = campaign;
  const isLater = !atOnce && scheduledAt !== null && scheduledAt > now;
  if (validUntil !== null && validUntil <= (isLater ? scheduledAt : now)) {
    throw new InvalidInputError([{ path: 'validUntil', message: 'Expected a time after the launch.' }]);
  }
  const plan = await loadPlan(tx, tenantId, campaignId);
  if (plan && plan.problems.length > 0) throw new InvalidInputError(plan.problems);
  await refuseLasting(tx, tenantId, campaignId);
  const status = isLater ? 'SCHEDULED' : 'LAUNCHING';
  await tx.$executeRaw`
    update campaigns set status = ${status}, blocked_reason = null, lease_token = null, lease_until = null, attempts = 0, updated_at = clock_timestamp()
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid`;
  if (!isLater) await enqueue(tx, launchJob, { tenantId, campaignId });
  return status;
}

/** Nothing more leaves from the sender's next statement on; what is on its way arrives. */
export async function pauseCampaign(tx: Tx, by: Answerable, campaignId: string): Promise<{ id: string }> {
  const { tenantId } = by;
  const { status } = await holdCampaign(tx, tenantId, campaignId);
  if (status === 'PAUSED') return { id: campaignId };
  if (status !== 'RUNNING') throw new IllegalTransitionError(status, 'PAUSED');
  await tx.$executeRaw`
    update campaigns set status = 'PAUSED', blocked_reason = null, stalled_since = null, updated_at = clock_timestamp()
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid`;
  await recordChange(tx, by, campaignId, 'pause', status, 'PAUSED');
  return { id: campaignId };
}

/**
 * Lets a paused campaign go on, unless what stopped it still stands and does not pass by itself. A changed template is taken over when
 * that is asked for and its parameters are the same: what was frozen then still fits.
 */
export async function resumeCampaign(
  tx: Tx,
  by: Answerable,
  { campaignId, acceptTemplateChange = false }: { campaignId: string; acceptTemplateChange?: boolean },
  now: Date,
): Promise<{ id: string }> {
  const { tenantId } = by;
  const campaign = await holdCampaign(tx, tenantId, campaignId);
  const { status, numberId, launchedAt } = campaign;
  if (status === 'RUNNING') return { id: campaignId };
  if (status !== 'PAUSED') throw new IllegalTransitionError(status, 'RUNNING');
  if (acceptTemplateChange) await takeOverTemplate(tx, tenantId, campaignId);
  if (launchedAt === null) {
    const after = await start(tx, tenantId, campaign, false, now); // its template stopped it before it had begun
    await recordChange(tx, by, campaignId, 'resume', status, after);
    return { id: campaignId };
  }
  await refuseLasting(tx, tenantId, campaignId);
  await tx.$executeRaw`
    update campaigns set status = 'RUNNING', blocked_reason = null, stalled_since = null, resumed_at = clock_timestamp(), updated_at = clock_timestamp()
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid`;
  await enqueue(tx, sendBulk, { tenantId, numberId });
  await recordChange(tx, by, campaignId, 'resume', status, 'RUNNING');
  return { id: campaignId };
}

/** Ends a campaign for good. Nothing more leaves from the sender's next statement on; a job takes what waits out of the queue. */
export async function cancelCampaign(tx: Tx, by: Answerable, campaignId: string): Promise<{ id: string }> {
  const { tenantId } = by;
  const { status, launchedAt } = await holdCampaign(tx, tenantId, campaignId);
  if (status === 'CANCELLED') return { id: campaignId };
  if (status === 'FINISHED' || status === 'FAILED') throw new IllegalTransitionError(status, 'CANCELLED');
  const isFrozen = launchedAt !== null;
  await tx.$executeRaw`
    update campaigns set status = 'CANCELLED', blocked_reason = null, stalled_since = null, lease_token = null, lease_until = null,
      finished_at = case when ${isFrozen} then finished_at else clock_timestamp() end, updated_at = clock_timestamp()
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid`;
  if (isFrozen) await enqueue(tx, cancelJob, { tenantId, campaignId });
  await recordChange(tx, by, campaignId, 'cancel', status, 'CANCELLED');
  return { id: campaignId };
}

/** A campaign costs money: who let it go or stopped it is written down. */
async function recordChange(
  tx: Tx,
  by: Answerable,
  campaignId: string,
  verb: 'launch' | 'pause' | 'resume' | 'cancel',
  before: CampaignStatus,
  after: CampaignStatus,
): Promise<void> {
  await recordAudit(tx, by, {
    action: `campaign.${verb}`,
    target: { type: 'Campaign', id: campaignId },
    before: { status: before },
    after: { status: after },
  });
}

async function refuseLasting(tx: Tx, tenantId: string, campaignId: string): Promise<void> {
  const { template } = await findObstacles(tx, tenantId, campaignId);
  if (template === null || !isLasting(template)) return;
  const { title, action } = blockReasons[template];
  throw new ConflictError(`${title}. ${action}`, { path: 'campaignId' });
}

/** Pins the template's present version, where it is filled in exactly as the one that was pinned. */
async function takeOverTemplate(tx: Tx, tenantId: string, campaignId: string): Promise<void> {
  const [row] = await tx.$queryRaw<{ versionId: string; pinned: unknown; current: unknown }[]>`
    select t.version_id as "versionId", v.parameters as pinned, w.parameters as current
      from campaigns c
      join template_versions v on v.tenant_id = c.tenant_id and v.id = c.template_version_id
      join templates t on t.tenant_id = v.tenant_id and t.id = v.template_id
      join template_versions w on w.tenant_id = t.tenant_id and w.id = t.version_id
     where c.tenant_id = ${tenantId}::uuid and c.id = ${campaignId}::uuid and t.version_id <> c.template_version_id`;
  if (!row) return;
  if (shapeOf(row.pinned) !== shapeOf(row.current)) {
    throw new ConflictError('The template’s parameters have changed: start a new campaign.', {
      path: 'acceptTemplateChange',
    });
  }
  await tx.$executeRaw`
    update campaigns set template_version_id = ${row.versionId}::uuid where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid`;
}

const shapeOf = (parameters: unknown) =>
  JSON.stringify(
    readParameters(parameters).map(({ key, component, index, name, kind }) => [key, component, index, name, kind]),
  );
