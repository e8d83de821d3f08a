import { Prisma, type Tx } from '../../prisma/client.ts';
import { failureOf } from '../messages/failures.ts';

const { sql } = Prisma;

/** Why a campaign does not move, was paused by us, or failed; and what the tenant can do. */
export const blockReasons = {
  CONNECTION_BROKEN: {
    title: 'The WhatsApp account is no longer connected',
    action: 'Reconnect the WhatsApp account.',
  },
  ACCOUNT_BLOCKED: {
    title: 'Nothing may be sent from the WhatsApp account',
    action: 'Look at the account in WhatsApp Manager; it goes on by itself once Meta lifts the block.',
  },
  NUMBER_BLOCKED: {
    title: 'Nothing may be sent from the number',
    action: 'Look at the number in WhatsApp Manager; it goes on by itself once the block is lifted.',
  },
  NUMBER_NOT_CONNECTED: { title: 'The number is not connected', action: 'Connect the number again.' },
  TEMPLATE_DELETED: { title: 'The template was deleted', action: 'Start a new campaign with another template.' },
  TEMPLATE_REJECTED: { title: 'Meta has rejected the template', action: 'Correct the template, then resume.' },
  TEMPLATE_DISABLED: { title: 'Meta has disabled the template', action: 'Start a new campaign with another template.' },
  TEMPLATE_CHANGED: {
    title: 'The template says something else than when the campaign was made',
    action: 'Resume with acceptTemplateChange to send what it says now, or start a new campaign.',
  },
  TEMPLATE_PAUSED: { title: 'Meta has paused the template', action: 'Wait: it goes on when Meta lifts the pause.' },
  TEMPLATE_PENDING: { title: 'Meta still reviews the template', action: 'Wait: it goes on once it is approved.' },
  PORTFOLIO_LIMIT: {
    title: 'The 24-hour limit of the business portfolio is reached',
    action: 'Wait: it goes on as places become free.',
  },
  PARTNER_DOWN: { title: 'Meta does not answer', action: 'Wait: it is tried again by itself.' },
  RATE_LIMITED: { title: 'Meta slows the number down', action: 'Wait: it goes on more slowly.' },
  TOO_MANY_FAILURES: {
    title: 'Too many of the last messages failed',
    action: 'Look at the failed recipients, mend the cause, then resume.',
  },
  BAD_LIST: {
    title: 'Too many of the last recipients are not on WhatsApp',
    action: 'Check where the contacts come from, then resume.',
  },
  AUDIENCE_INVALID: {
    title: 'The audience refers to something that is gone',
    action: 'Start a new campaign with segments that exist.',
  },
  VARIABLES_INVALID: {
    title: 'A parameter of the template is not filled',
    action: 'Start a new campaign with all variables.',
  },
  VALIDITY_OVER: {
    title: 'It was valid only until before it could start',
    action: 'Start a new campaign if it still matters.',
  },
  LAUNCH_FAILED: {
    title: 'The launch failed several times',
    action: 'Start it again as a new campaign, and tell support.',
  },
} as const satisfies Record<string, { title: string; action: string }>;

export type BlockReason = keyof typeof blockReasons;

/** A campaign's `blockedReason` in words; a code of Meta's stands there as META_ and its number. */
export function explainBlock(reason: string): { code: string; title: string; action: string; metaCode: number | null } {
  const metaCode = /^META_(\d{1,9})$/.exec(reason)?.[1];
  if (metaCode !== undefined) {
    const { title, action } = failureOf(Number(metaCode));
    return { code: reason, title, action, metaCode: Number(metaCode) };
  }
  const known = Object.entries(blockReasons).find(([code]) => code === reason)?.[1];
  return { code: reason, ...(known ?? { title: reason, action: 'Tell support.' }), metaCode: null };
}

/** These do not pass by themselves: a campaign is paused for them, and is not resumed while they stand. */
const lasting: readonly string[] = ['TEMPLATE_DELETED', 'TEMPLATE_REJECTED', 'TEMPLATE_DISABLED', 'TEMPLATE_CHANGED'];

export const isLasting = (reason: string | null): boolean => reason !== null && lasting.includes(reason);

/** What stands between a campaign and its sending now, the gravest first, as SQL over `campaigns c` and what is joined by `obstacleJoins`. */
export const obstacle = sql`case
  when k.status <> 'ACTIVE' or k.token is null then 'CONNECTION_BROKEN'
  when a.blocked_reason is not null and (a.blocked_until is null or a.blocked_until > now()) then 'ACCOUNT_BLOCKED'
  when n.blocked_reason is not null and (n.blocked_until is null or n.blocked_until > now()) then 'NUMBER_BLOCKED'
  when n.status <> 'CONNECTED' then 'NUMBER_NOT_CONNECTED'
  when p.open_until > now() then 'PARTNER_DOWN'
  when n.messaging_limit is not null and (select u.used from portfolio_use(a.portfolio_id) u) >= n.messaging_limit then 'PORTFOLIO_LIMIT' end`;

/** The same of its template: looked at first where it cannot pass by itself. */
export const templateObstacle = sql`case
  when t.deleted_at is not null or t.status in ('DELETED', 'PENDING_DELETION', 'ARCHIVED') then 'TEMPLATE_DELETED'
  when t.status in ('REJECTED', 'LIMIT_EXCEEDED') then 'TEMPLATE_REJECTED'
  when t.status = 'DISABLED' then 'TEMPLATE_DISABLED'
  when t.version_id is distinct from c.template_version_id then 'TEMPLATE_CHANGED'
  when t.status = 'PAUSED' then 'TEMPLATE_PAUSED'
  when t.status <> 'APPROVED' then 'TEMPLATE_PENDING' end`;

export const obstacleJoins = sql`
  join whatsapp_numbers n on n.tenant_id = c.tenant_id and n.id = c.number_id
  join whatsapp_accounts a on a.tenant_id = n.tenant_id and a.id = n.account_id
  join connections k on k.tenant_id = a.tenant_id and k.id = a.connection_id
  join template_versions v on v.tenant_id = c.tenant_id and v.id = c.template_version_id
  join templates t on t.tenant_id = v.tenant_id and t.id = v.template_id
  left join number_paces p on p.tenant_id = n.tenant_id and p.number_id = n.id`;

export type Obstacles = { template: BlockReason | null; other: BlockReason | null };

export async function findObstacles(tx: Tx, tenantId: string, campaignId: string): Promise<Obstacles> {
  const [row] = await tx.$queryRaw<Obstacles[]>`
    select ${templateObstacle} as template, ${obstacle} as other from campaigns c ${obstacleJoins}
     where c.tenant_id = ${tenantId}::uuid and c.id = ${campaignId}::uuid`;
  return row ?? { template: null, other: null };
}
