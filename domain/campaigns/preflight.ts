import { Prisma, type Tx } from '../../prisma/client.ts';
import type { Reason } from '../messages/failures.ts';
import { explainBlock, obstacle, obstacleJoins, templateObstacle } from './obstacles.ts';
import { loadPlan, type Plan, planAsUsual, planForMany, recipientsOf } from './recipients.ts';

export const preflightWarningCodes = [
  'AUDIENCE_INVALID',
  'VARIABLES_INVALID',
  'NOBODY_TO_SEND_TO',
  'TEMPLATE_NOT_READY',
  'SENDING_BLOCKED',
  'VARIABLES_MISSING',
  'UNITED_STATES',
  'NUMBER_QUALITY_LOW',
  'PORTFOLIO_LIMIT_EXCEEDED',
  'SCHEDULED_IN_THE_PAST',
  'VALIDITY_TOO_SHORT',
  'NIGHT',
] as const;
export type PreflightWarning = { code: (typeof preflightWarningCodes)[number]; message: string };

export type Preflight = {
  audience: number;
  excluded: { reason: Reason; count: number }[];
  sendable: number;
  /** Seconds from the first message to the last. */
  estimatedDuration: number;
  portfolioShare: { used: number; limit: number | null; share: number | null };
  warnings: PreflightWarning[];
};

const daySeconds = 86_400;

/** Area codes of +1 that are not in the United States: Canada and the Caribbean. */
const elsewhere = (
  '204 226 236 242 246 249 250 257 263 264 268 284 289 306 343 345 354 365 367 368 382 387 403 416 418 428 431 437 438 441 450 460 468 ' +
  '473 474 506 514 519 537 548 568 579 581 584 587 604 613 639 647 649 658 664 672 683 705 709 721 742 753 758 767 778 780 782 784 807 ' +
  '809 819 825 829 849 867 868 869 873 876 879 902 905 942'
).split(' ');

type Circumstances = {
  throughput: number;
  messagingLimit: number | null;
  quality: string;
  portfolioUsed: number;
  template: string | null;
  other: string | null;
  scheduledAt: Date | null;
  validUntil: Date | null;
  startHour: number;
};

/** What launching a campaign now would do: counted by the statement that launches it. Undefined when there is no such campaign. */
export async function preflight(
  tx: Tx,
  tenantId: string,
  campaignId: string,
  now: Date,
): Promise<Preflight | undefined> {
  const plan = await loadPlan(tx, tenantId, campaignId);
  if (!plan) return undefined;
  await planForMany(tx);
  const counts = await countRecipients(tx, plan);
  await planAsUsual(tx);
  const around = await readCircumstances(tx, tenantId, campaignId, now);
  const audience = counts.reduce((sum, { count }) => sum + count, 0);
  const excluded = counts.flatMap(({ reason, count }) => (reason === null ? [] : [{ reason, count }]));
  const sendable = counts.find(({ reason }) => reason === null)?.count ?? 0;
  const american = counts.find(({ reason }) => reason === null)?.american ?? 0;
  const { portfolioUsed: used, messagingLimit: limit } = around;
  const estimatedDuration = estimate(sendable, around);
  const share = limit === null ? null : (used + sendable) / limit;
  return {
    audience,
    excluded,
    sendable,
    estimatedDuration,
    portfolioShare: { used, limit, share },
    warnings: warningsOf(plan, around, { audience, excluded, sendable, american, share, estimatedDuration }, now),
  };
}

type Counted = { reason: Reason | null; count: number; american: number };

function countRecipients(tx: Tx, plan: Plan): Promise<Counted[]> {
  const isAmerican = Prisma.sql`r.address ^@ '+1' and length(r.address) = 12 and substr(r.address, 3, 3) <> all(${elsewhere}::text[])`;
  return tx.$queryRaw<Counted[]>`
    select r.reason, count(*)::int as count, count(*) filter (where ${isAmerican})::int as american
      from (${recipientsOf(plan, { lock: false })}) r group by r.reason order by count(*) desc, r.reason`;
}

async function readCircumstances(tx: Tx, tenantId: string, campaignId: string, now: Date): Promise<Circumstances> {
  const rows = await tx.$queryRaw<[Circumstances]>`
    select n.throughput, n.messaging_limit as "messagingLimit", n.quality,
      case when n.messaging_limit is null then 0 else (select u.used from portfolio_use(a.portfolio_id) u) end as "portfolioUsed",
      ${templateObstacle} as template, ${obstacle} as other, c.scheduled_at as "scheduledAt", c.valid_until as "validUntil",
      extract(hour from greatest(c.scheduled_at, ${now}::timestamptz) at time zone tenant.time_zone)::int as "startHour"
      from campaigns c ${obstacleJoins} join tenants tenant on tenant.id = c.tenant_id
     where c.tenant_id = ${tenantId}::uuid and c.id = ${campaignId}::uuid`;
  return rows[0];
}

/** At the number's pace; people beyond the portfolio's limit wait until places free, so many a day. */
function estimate(sendable: number, { throughput, messagingLimit, portfolioUsed }: Circumstances): number {
  if (messagingLimit === null) return Math.ceil(sendable / throughput);
  const today = Math.max(0, messagingLimit - portfolioUsed);
  if (sendable <= today) return Math.ceil(sendable / throughput);
  const days = Math.ceil((sendable - today) / messagingLimit);
  const lastDay = sendable - today - (days - 1) * messagingLimit;
  return days * daySeconds + Math.ceil(lastDay / throughput);
}

type Figures = Pick<Preflight, 'audience' | 'excluded' | 'sendable' | 'estimatedDuration'> & {
  american: number;
  share: number | null;
};

function warningsOf(plan: Plan, around: Circumstances, figures: Figures, now: Date): PreflightWarning[] {
  const { category, problems } = plan;
  const { template, other, quality, scheduledAt, validUntil, startHour } = around;
  const { excluded, sendable, american, share, estimatedDuration } = figures;
  const isMarketing = category === 'MARKETING';
  const ofAudience = problems.filter(({ path }) => path.startsWith('audience'));
  const ofVariables = problems.filter(({ path }) => !path.startsWith('audience'));
  const missing = excluded.find(({ reason }) => reason === 'MISSING_VARIABLE')?.count ?? 0;
  const startsAt = scheduledAt !== null && scheduledAt > now ? scheduledAt : now;
  const endsAt = startsAt.getTime() + estimatedDuration * 1_000;
  const warnings: (PreflightWarning | false)[] = [
    ofAudience.length > 0 && { code: 'AUDIENCE_INVALID', message: said(ofAudience) },
    ofVariables.length > 0 && { code: 'VARIABLES_INVALID', message: said(ofVariables) },
    sendable === 0 && { code: 'NOBODY_TO_SEND_TO', message: 'Nobody would get a message.' },
    template !== null && { code: 'TEMPLATE_NOT_READY', message: inWords(template) },
    other !== null && other !== 'PORTFOLIO_LIMIT' && { code: 'SENDING_BLOCKED', message: inWords(other) },
    missing > 0 &&
      ofVariables.length === 0 && {
        code: 'VARIABLES_MISSING',
        message: `${missing} of the audience lack a value for the template: give the variables fallbacks to reach them.`,
      },
    isMarketing &&
      american > 0 && {
        code: 'UNITED_STATES',
        message: `${american} have numbers in the United States: WhatsApp delivers no marketing there.`,
      },
    quality === 'RED' && {
      code: 'NUMBER_QUALITY_LOW',
      message: 'Meta rates the quality of the number as low: more blocks and reports can stop it.',
    },
    share !== null &&
      share > 1 && {
        code: 'PORTFOLIO_LIMIT_EXCEEDED',
        message: 'More people than the portfolio may reach in 24 hours: the rest waits for the next days.',
      },
    scheduledAt !== null &&
      scheduledAt <= now && {
        code: 'SCHEDULED_IN_THE_PAST',
        message: 'The time that it is scheduled for is over: it would start at once.',
      },
    validUntil !== null &&
      validUntil.getTime() < endsAt && {
        code: 'VALIDITY_TOO_SHORT',
        message: 'It will not be done by the time until which it is valid: the rest would expire.',
      },
    isMarketing &&
      (startHour < 8 || startHour >= 21) && {
        code: 'NIGHT',
        message: 'It would start between 21:00 and 8:00 in the tenant’s time zone.',
      },
  ];
  return warnings.filter((warning) => warning !== false);
}

const said = (problems: Plan['problems']) => problems.map(({ message }) => message).join(' ');

function inWords(reason: string): string {
  const { title, action } = explainBlock(reason);
  return `${title}. ${action}`;
}
