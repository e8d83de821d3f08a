import { setTimeout as pause } from 'node:timers/promises';
import { type Db, inTenant, type Tx } from '../../prisma/client.ts';
import {
  backOffLaunch,
  beginLaunch,
  endLaunch,
  failLaunch,
  handBackLaunch,
  type LaunchRun,
  type LaunchSettings,
  renewLaunch,
} from './launch-state.ts';
import { loadPlan, type Plan, planForMany, recipientsOf } from './recipients.ts';
import { lockMerges, skipMergedTwins } from './twins.ts';

export type LaunchReport = {
  outcome: 'launched' | 'failed' | 'lost' | 'handed back' | 'nothing to do';
  messages: number;
};

/** The campaign was cancelled meanwhile, or another run has it. */
class LostLaunchError extends Error {}

/**
 * Freezes a campaign's audience into messages, in one statement and one transaction with its RUNNING. May be killed at any moment and
 * called by several at once: the row's lease lets one in, and whoever lost it leaves nothing behind.
 */
export async function runLaunch(
  db: Db,
  { tenantId, campaignId }: { tenantId: string; campaignId: string },
  settings: LaunchSettings,
  signal: AbortSignal,
): Promise<LaunchReport> {
  const run = await inTenant(db, tenantId, (tx) => beginLaunch(tx, tenantId, campaignId, settings));
  if (!run) return { outcome: 'nothing to do', messages: 0 };
  const fail = async (reason: string): Promise<LaunchReport> => {
    await inTenant(db, tenantId, (tx) => failLaunch(tx, run, reason));
    return { outcome: 'failed', messages: 0 };
  };
  if (run.attempts > settings.campaignLaunchAttemptsMax) return fail('LAUNCH_FAILED');
  if (run.isPastValidity) return fail('VALIDITY_OVER');

  const lost = new AbortController();
  const over = new AbortController();
  const lease = keepLease(db, run, settings, lost, over.signal);
  try {
    const options = {
      timeoutMs: settings.campaignLaunchTimeoutMs,
      signal: AbortSignal.any([signal, lost.signal]),
    };
    const launched = await inTenant(db, tenantId, (tx) => freeze(tx, run, settings), options);
    return typeof launched === 'number' ? { outcome: 'launched', messages: launched } : await fail(launched);
  } catch (error) {
    if (error instanceof LostLaunchError || lost.signal.aborted) return { outcome: 'lost', messages: 0 };
    if (signal.aborted) {
      await inTenant(db, tenantId, (tx) => handBackLaunch(tx, run));
      return { outcome: 'handed back', messages: 0 };
    }
    await inTenant(db, tenantId, (tx) => backOffLaunch(tx, run)).catch(() => {}); // the database is away: the lease ends by itself
    throw error;
  } finally {
    over.abort();
    await lease;
  }
}

/** From so many on, the planner has to be told that they are there: the first statement of the sender would read all of them again and again. */
const manyMessages = 1_000;

/** Writes the messages. Returns how many, or why the campaign cannot be launched any more. */
async function freeze(tx: Tx, run: LaunchRun, { campaignLaunchTimeoutMs }: LaunchSettings): Promise<number | string> {
  const { tenantId, campaignId } = run;
  await allowTime(tx, campaignLaunchTimeoutMs);
  const plan = await loadPlan(tx, tenantId, campaignId);
  if (!plan) throw new LostLaunchError();
  const [problem] = plan.problems;
  if (problem) return problem.path.startsWith('audience') ? 'AUDIENCE_INVALID' : 'VARIABLES_INVALID';
  const messages = await insertMessages(tx, plan);
  await lockMerges(tx, tenantId);
  await skipMergedTwins(tx, tenantId, campaignId);
  if (!(await endLaunch(tx, run))) throw new LostLaunchError();
  if (messages >= manyMessages) await tx.$executeRaw`select analyze_messages()`;
  return messages;
}

/** The application's login is kept short of time and memory, as suits answers to people. Plans made while the tables were small are forgotten. */
async function allowTime(tx: Tx, timeoutMs: number): Promise<void> {
  const timeout = `${Math.ceil(timeoutMs)}ms`;
  await tx.$queryRaw`
    select set_config('statement_timeout', ${timeout}, true),
      set_config('transaction_timeout', '0', true), set_config('transaction_timeout', ${timeout}, true), -- a running clock is only set anew when it was stopped
      set_config('work_mem', '128MB', true), set_config('jit', 'off', true)`;
  await planForMany(tx);
  await tx.$executeRaw`discard plans`; // how foreign keys are checked is planned once a connection
}

/** One row for everybody of the audience, whether something will be sent or not: the totals begin with all of them. */
function insertMessages(tx: Tx, plan: Plan): Promise<number> {
  const { tenantId, campaignId, numberId, templateVersionId, category, validUntil } = plan;
  return tx.$executeRaw`
    insert into messages (tenant_id, direction, number_id, contact_id, campaign_id, template_version_id, type, category, address, parameters, status, reason, due_at, valid_until)
    select ${tenantId}::uuid, 'OUTBOUND', ${numberId}::uuid, r.contact_id, ${campaignId}::uuid, ${templateVersionId}::uuid, 'TEMPLATE', ${category}, r.address, r.parameters,
      case when r.reason is null then 'QUEUED' else 'SKIPPED' end, r.reason, case when r.reason is null then now() end, ${validUntil}::timestamptz
    from (${recipientsOf(plan, { lock: true })}) r
    on conflict do nothing`;
}

/** Says every third of a lease that the run is alive; breaks it off when the campaign is no longer its own. */
async function keepLease(
  db: Db,
  run: LaunchRun,
  settings: LaunchSettings,
  lost: AbortController,
  over: AbortSignal,
): Promise<void> {
  const isOver = () => pause(settings.campaignLaunchLeaseMs / 3, false, { signal: over }).catch(() => true);
  while (!(await isOver())) {
    const isOurs = await inTenant(db, run.tenantId, (tx) => renewLaunch(tx, run, settings)).catch(() => true); // tried again in a moment; the end of the launch asks for the token anyway
    if (!isOurs && !over.aborted) lost.abort();
  }
}
