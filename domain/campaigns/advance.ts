import { type Db, inTenant, type Tx } from '../../prisma/client.ts';
import { enqueue } from '../jobs.ts';
import { closePageSize, closeQueued } from './close-queued.ts';
import { finishCampaigns } from './finish.ts';
import { pauseIfFailing } from './health.ts';
import { cancelJob, launchJob } from './jobs.ts';
import { type BlockReason, isLasting, obstacle, obstacleJoins, templateObstacle } from './obstacles.ts';
import type { CampaignStatus } from './status.ts';

export type AdvanceSettings = {
  /** How long something must have been due, and nothing left, for a campaign to be called stalled. */
  campaignStalledAfterMs: number;
};

type Open = {
  status: CampaignStatus;
  isDue: boolean;
  isLeftBehind: boolean;
  isPastValidity: boolean;
  hasQueued: boolean;
};

/** Looks after one open campaign; safe at any time, by several at once. */
export async function advanceCampaign(
  db: Db,
  { tenantId, campaignId }: { tenantId: string; campaignId: string },
  settings: AdvanceSettings,
  signal: AbortSignal,
): Promise<void> {
  const open = await inTenant(db, tenantId, (tx) => begin(tx, tenantId, campaignId));
  if (!open) return;
  const runs = open.status === 'RUNNING' || open.status === 'PAUSED';
  if (runs && open.isPastValidity) await closeAll(db, tenantId, campaignId, 'EXPIRED', signal);
  if (open.status === 'CANCELLED' && open.hasQueued) {
    await inTenant(db, tenantId, (tx) => enqueue(tx, cancelJob, { tenantId, campaignId }));
    return;
  }
  await inTenant(db, tenantId, async (tx) => {
    const finished = await finishCampaigns(tx, tenantId, [campaignId]);
    if (finished.length > 0 || open.status !== 'RUNNING') return;
    await pauseIfFailing(tx, tenantId, [campaignId]);
    await noteObstacles(tx, tenantId, campaignId, settings);
  });
}

/** Takes everything that waits of a campaign out of its queue, page by page. */
export async function closeAll(
  db: Db,
  tenantId: string,
  campaignId: string,
  as: 'CANCELLED' | 'EXPIRED',
  signal: AbortSignal,
): Promise<void> {
  for (let closed = closePageSize; closed === closePageSize;) {
    signal.throwIfAborted();
    closed = await inTenant(db, tenantId, (tx) => closeQueued(tx, tenantId, campaignId, as));
  }
}

/** Notes that it was looked after, and starts what is due. Nothing where it is not open, or somebody else has it in hand. */
async function begin(tx: Tx, tenantId: string, campaignId: string): Promise<Open | undefined> {
  const [open] = await tx.$queryRaw<Open[]>`
    with held as materialized (
      select c.id from campaigns c where c.tenant_id = ${tenantId}::uuid and c.id = ${campaignId}::uuid and c.finished_at is null and c.status <> 'DRAFT'
         for no key update skip locked
    )
    update campaigns c set checked_at = clock_timestamp() from held where c.tenant_id = ${tenantId}::uuid and c.id = held.id
    returning c.status, coalesce(c.scheduled_at <= now(), true) as "isDue", (c.lease_until is null or c.lease_until < now()) as "isLeftBehind",
      coalesce(c.valid_until <= now(), false) as "isPastValidity",
      exists (select from messages m where m.tenant_id = c.tenant_id and m.number_id = c.number_id and m.campaign_id = c.id and m.due_at is not null) as "hasQueued"`;
  if (!open) return undefined;
  const isScheduled = open.status === 'SCHEDULED' && open.isDue;
  if (isScheduled) {
    await tx.$executeRaw`
      update campaigns set status = 'LAUNCHING', updated_at = clock_timestamp() where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid`;
  }
  if (isScheduled || (open.status === 'LAUNCHING' && open.isLeftBehind)) {
    await enqueue(tx, launchJob, { tenantId, campaignId }); // one whose time is over says so there
  }
  return open;
}

type State = {
  template: BlockReason | null;
  other: BlockReason | null;
  isSlowed: boolean;
  /** Since when nothing has left though something was due; null while it moves. */
  stalledSince: Date | null;
};

/** Writes down why it stands still; pauses it for what does not pass by itself. */
async function noteObstacles(tx: Tx, tenantId: string, campaignId: string, settings: AdvanceSettings): Promise<void> {
  const [state] = await tx.$queryRaw<State[]>`
    select ${templateObstacle} as template, ${obstacle} as other, coalesce(p.factor < 1 and p.factor_at > now() - interval '1 minute', false) as "isSlowed",
      case when greatest(c.progressed_at, c.launched_at, c.resumed_at) < now() - make_interval(secs => ${settings.campaignStalledAfterMs / 1_000}::float8)
        and exists (select from messages m where m.tenant_id = c.tenant_id and m.number_id = c.number_id and m.campaign_id = c.id and m.due_at <= now())
        then greatest(c.progressed_at, c.launched_at, c.resumed_at) end as "stalledSince"
      from campaigns c ${obstacleJoins} where c.tenant_id = ${tenantId}::uuid and c.id = ${campaignId}::uuid and c.status = 'RUNNING'`;
  if (!state) return;
  const { template, other, isSlowed, stalledSince } = state;
  const mustPause = isLasting(template);
  const reason = mustPause ? template : (other ?? template ?? (isSlowed && stalledSince ? 'RATE_LIMITED' : null));
  await tx.$executeRaw`
    update campaigns set status = case when ${mustPause} then 'PAUSED' else status end, blocked_reason = ${reason},
      stalled_since = case when ${mustPause} then null else ${stalledSince}::timestamptz end
     where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid and status = 'RUNNING'
       and (${mustPause} or blocked_reason is distinct from ${reason} or stalled_since is distinct from ${stalledSince}::timestamptz)`;
}
