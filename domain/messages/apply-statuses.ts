import type { WireStatus } from '../../connectors/whatsapp/webhook-payloads.ts';
import { arrayLiteral, plainArrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';
import { isKnownStatus, joinNews, type News, newsOf } from './collapse-statuses.ts';

/** NOT_FOUND: its message is not there yet, or no more. OTHER_ATTEMPT: it is about an attempt that was given up since. IGNORED: it says nothing about where a message stands. */
export type StatusOutcome = 'APPLIED' | 'NOT_FOUND' | 'OTHER_ATTEMPT' | 'IGNORED';

/** A message that a batch of statuses touched, and how it stood before. */
export type Touched = {
  id: string;
  campaignId: string | null;
  contactId: string | null;
  numberId: string;
  templateVersionId: string | null;
  was: string;
  status: string;
};

export type AppliedStatuses = {
  /** In the order of the statuses. */
  outcomes: { outcome: StatusOutcome; messageId: string | null }[];
  touched: Touched[];
};

type Target = { messageId: string; attempt: number };

/**
 * Joins statuses with the messages they are about, in one statement: each time is the earliest that is known, a message only moves
 * forward, and the order and number of deliveries make no difference (design: 5.5). Rows are locked in the order of their ids.
 */
export async function applyStatuses(
  tx: Tx,
  tenantId: string,
  statuses: readonly WireStatus[],
): Promise<AppliedStatuses> {
  const targets = await findTargets(tx, tenantId, statuses);
  const news = new Map<string, News>();
  for (const [index, status] of statuses.entries()) {
    const target = targets[index];
    if (!target || !isKnownStatus(status.status)) continue;
    const key = keyOf(target);
    const one = newsOf(target.messageId, target.attempt, status);
    const known = news.get(key);
    news.set(key, known ? joinNews(known, one) : one);
  }
  const rows = news.size === 0 ? [] : await join(tx, tenantId, [...news.values()]);
  const attempts = new Map(rows.map(({ id, attempt }) => [id, attempt]));
  const outcomeOf = (status: WireStatus, target: Target | undefined): StatusOutcome => {
    if (!isKnownStatus(status.status)) return 'IGNORED';
    const attempt = target && attempts.get(target.messageId);
    if (!target || attempt === undefined || attempt < target.attempt) return 'NOT_FOUND';
    return attempt === target.attempt ? 'APPLIED' : 'OTHER_ATTEMPT';
  };
  const outcomes = statuses.map((status, index) => ({
    outcome: outcomeOf(status, targets[index]),
    messageId: targets[index]?.messageId ?? null,
  }));
  return { outcomes, touched: rows.filter((row): row is Row & Touched => row.was !== null) };
}

const keyOf = ({ messageId, attempt }: Target) => `${messageId}.${attempt}`;

/** What we sent along comes back: `<message id>.<attempt>`. */
const callbackShape = /^([\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12})\.(\d{1,4})$/;

/** The message and attempt of each status: by what we sent along, else by Meta's id of the message. */
async function findTargets(tx: Tx, tenantId: string, statuses: readonly WireStatus[]): Promise<(Target | undefined)[]> {
  const targets = statuses.map(({ callbackData }): Target | undefined => {
    const [, messageId, attempt] = callbackShape.exec(callbackData ?? '') ?? [];
    return messageId === undefined ? undefined : { messageId, attempt: Number(attempt) };
  });
  const wamids = new Set(statuses.flatMap(({ wamid }, index) => (targets[index] || wamid === null ? [] : [wamid])));
  if (wamids.size === 0) return targets;
  const found = await tx.$queryRaw<(Target & { wamid: string })[]>`
    select wamid, id as "messageId", attempt from messages
     where tenant_id = ${tenantId}::uuid and wamid = any(${arrayLiteral([...wamids])}::text[])`;
  const byWamid = new Map(found.map(({ wamid, ...target }) => [wamid, target]));
  return targets.map((target, index) => target ?? byWamid.get(statuses[index]?.wamid ?? ''));
}

type Row = Omit<Touched, 'was' | 'status'> & { attempt: number; was: string | null; status: string | null };

async function join(tx: Tx, tenantId: string, news: readonly News[]): Promise<Row[]> {
  const ids = plainArrayLiteral(news.map(({ messageId }) => messageId));
  const times = (name: 'sentAt' | 'deliveredAt' | 'readAt' | 'playedAt' | 'failedAt') =>
    plainArrayLiteral(news.map(({ [name]: at }) => at?.toISOString() ?? 'NULL'));
  return tx.$queryRaw<Row[]>`
    with news as (
      select * from unnest(${ids}::uuid[], ${plainArrayLiteral(news.map(({ attempt }) => attempt))}::int[], ${arrayLiteral(news.map(({ wamid }) => wamid))}::text[],
        ${times('sentAt')}::timestamptz[], ${times('deliveredAt')}::timestamptz[], ${times('readAt')}::timestamptz[], ${times('playedAt')}::timestamptz[],
        ${times('failedAt')}::timestamptz[], ${plainArrayLiteral(news.map(({ code }) => code ?? 'NULL'))}::int[],
        ${arrayLiteral(news.map(({ pricing }) => pricing?.category ?? null))}::text[], ${arrayLiteral(news.map(({ pricing }) => pricing?.type ?? null))}::text[]
      ) as n (id, attempt, wamid, sent_at, delivered_at, read_at, played_at, failed_at, code, category, type)
    ), held as materialized (
      select m.id, m.attempt, m.campaign_id, m.contact_id, m.number_id, m.template_version_id from messages m
       where m.tenant_id = ${tenantId}::uuid and m.id = any(${ids}::uuid[]) and m.direction = 'OUTBOUND' order by m.id for no key update
    ), joined as (
      update messages m set
        wamid = case when m.contact_id is not null then coalesce(m.wamid, n.wamid) end, -- it holds the phone number: one that was forgotten stays forgotten
        sent_at = least(m.sent_at, n.sent_at), delivered_at = least(m.delivered_at, n.delivered_at),
        read_at = least(m.read_at, n.read_at), played_at = least(m.played_at, n.played_at), failed_at = least(m.failed_at, n.failed_at),
        failure_code = case when n.failed_at is null then m.failure_code when m.failed_at is null or n.failed_at < m.failed_at then n.code
          when n.failed_at = m.failed_at then least(m.failure_code, n.code) else m.failure_code end,
        pricing_category = case when n.category is null or (m.pricing_category is not null and
          (coalesce(m.pricing_type, '') collate "C", m.pricing_category collate "C") <= (coalesce(n.type, '') collate "C", n.category collate "C")) then m.pricing_category else n.category end,
        pricing_type = case when n.category is null or (m.pricing_category is not null and
          (coalesce(m.pricing_type, '') collate "C", m.pricing_category collate "C") <= (coalesce(n.type, '') collate "C", n.category collate "C")) then m.pricing_type else n.type end,
        status = message_status(m.status, m.accepted_at, least(m.sent_at, n.sent_at), least(m.delivered_at, n.delivered_at),
          least(m.read_at, n.read_at, m.played_at, n.played_at), least(m.failed_at, n.failed_at)),
        due_at = null, open_until = null
      from held h join news n on n.id = h.id and n.attempt = h.attempt
      where m.tenant_id = ${tenantId}::uuid and m.id = h.id
      returning m.id, old.status as was, new.status as status
    )
    select h.id, h.attempt, h.campaign_id as "campaignId", h.contact_id as "contactId", h.number_id as "numberId", h.template_version_id as "templateVersionId", j.was, j.status
      from held h left join joined j using (id)`;
}
