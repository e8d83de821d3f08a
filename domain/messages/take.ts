import { plainArrayLiteral, arrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';
import { holdPace, takeTokens } from './pace.ts';
import { pickDue, type Picked } from './pick.ts';

/** A message that is about to leave: written down as DISPATCHING under this attempt. */
export type Taken = Pick<
  Picked,
  'id' | 'attempt' | 'campaignId' | 'versionId' | 'address' | 'type' | 'parameters' | 'content' | 'contextWamid'
>;

export type Gate = {
  phoneNumberId: string;
  connectionId: string;
  sealedToken: string | null;
  accountId: string;
  portfolioId: string;
  messagingLimit: number | null;
  /** Why nothing may leave, or null. */
  blockedReason: string | null;
};

export type Take =
  /** `passed`: rows beside them that were not to be sent. */
  | { kind: 'taken'; gate: Gate; messages: Taken[]; passed: number }
  /** No token, or nothing that may leave: look again then. */
  | { kind: 'wait'; ms: number }
  /** Rows were looked at and none of them may leave: there may be more behind them. */
  | { kind: 'passed' }
  /** Nothing is due. */
  | { kind: 'idle' }
  | { kind: 'blocked'; reason: string };

export type TakeOptions = {
  /** Single messages, or the bulk of campaigns. */
  isSingle: boolean;
  /** At most so many. */
  wanted: number;
  /** For how long they are ours: then whoever finds them gives them up as UNKNOWN. */
  leaseMs: number;
  /** Messages a second at most, whatever Meta allows. */
  rateMax: number;
  /** Looks at rows beyond those that may leave: where many before were not to be sent. */
  looksAhead?: boolean;
};

/** Rows that are looked at beyond those that may leave, in a stretch of people who are not to be written to: it does not slow the rest. */
const lookAhead = 100;

/** How long a single message waits that would take the portfolio past its 24 h limit: it must not keep those to people in an open window waiting. */
const portfolioWaitMs = 15 * 60_000;

/**
 * Takes what may leave a number now, in the caller's transaction: consent, window, validity and limits are looked at here, at the moment of sending.
 * Only what is about to leave becomes DISPATCHING, so that a crash leaves no more in doubt than was under way.
 */
export async function take(tx: Tx, tenantId: string, numberId: string, options: TakeOptions): Promise<Take> {
  const gate = await readGate(tx, tenantId, numberId);
  if (!gate) return { kind: 'idle' }; // the number is gone
  if (gate.blockedReason !== null) return { kind: 'blocked', reason: gate.blockedReason };
  const pace = await holdPace(tx, tenantId, numberId, {
    wanted: options.wanted,
    isUrgent: options.isSingle,
    rateMax: options.rateMax,
  });
  if (pace.tokens === 0) return { kind: 'wait', ms: pace.waitMs };

  const atMost = pace.tokens + (options.looksAhead ? lookAhead : 0);
  const picked = await pickDue(tx, tenantId, numberId, { isSingle: options.isSingle, atMost });
  if (picked.length === 0) return { kind: 'idle' };
  const ready = picked.filter(({ verdict }) => verdict === 'SEND').slice(0, pace.tokens);
  const { granted: messages, refused } = await withinPortfolio(tx, gate, await ofRunning(tx, tenantId, ready));
  const leaving = new Set(messages.map(({ id }) => id));
  // Bulk past the limit stays where it is: to put all of it off would write every row of a campaign again and again.
  const putOff = options.isSingle ? refused : new Set<string>();
  const verdicts = picked.flatMap((message) => verdictOf(message, leaving, putOff));
  await writeVerdicts(tx, tenantId, verdicts, options.leaseMs);
  if (verdicts.length === 0 && refused.size > 0) return { kind: 'blocked', reason: 'PORTFOLIO_LIMIT' };
  if (leaving.size === 0) return verdicts.length > 0 ? { kind: 'passed' } : { kind: 'wait', ms: pace.waitMs };
  await takeTokens(tx, tenantId, numberId, pace, leaving.size);
  return {
    kind: 'taken',
    gate,
    passed: verdicts.length - leaving.size,
    messages: messages.map((message) => ({ ...message, attempt: message.attempt + 1 })),
  };
}

async function readGate(tx: Tx, tenantId: string, numberId: string): Promise<Gate | undefined> {
  const [gate] = await tx.$queryRaw<Gate[]>`
    select n.phone_number_id as "phoneNumberId", c.id as "connectionId", c.token as "sealedToken", a.id as "accountId",
      a.portfolio_id as "portfolioId", n.messaging_limit as "messagingLimit",
      case when c.status <> 'ACTIVE' or c.token is null then 'CONNECTION_BROKEN'
        when a.blocked_reason is not null and (a.blocked_until is null or a.blocked_until > now()) then 'ACCOUNT_BLOCKED'
        when n.blocked_reason is not null and (n.blocked_until is null or n.blocked_until > now()) then 'NUMBER_BLOCKED'
        when n.status <> 'CONNECTED' then 'NUMBER_NOT_CONNECTED' end as "blockedReason"
    from whatsapp_numbers n
    join whatsapp_accounts a on a.tenant_id = n.tenant_id and a.id = n.account_id
    join connections c on c.tenant_id = a.tenant_id and c.id = a.connection_id
    where n.tenant_id = ${tenantId}::uuid and n.id = ${numberId}::uuid`;
  return gate;
}

/** Who may be written to without passing the portfolio's limit. People in an open window do not count. */
async function withinPortfolio(
  tx: Tx,
  gate: Gate,
  messages: Picked[],
): Promise<{ granted: Picked[]; refused: Set<string> }> {
  const counted = gate.messagingLimit === null ? [] : messages.filter(({ windowOpen }) => !windowOpen);
  if (counted.length === 0) return { granted: messages, refused: new Set() };
  const rows = await tx.$queryRaw<{ person: string }[]>`
    select person from reserve_portfolio_people(${gate.portfolioId}, ${gate.messagingLimit}::int, ${arrayLiteral(counted.map(({ address }) => address))}::text[])`;
  const places = new Set(rows.map(({ person }) => person));
  const refused = new Set(counted.filter(({ address }) => !places.has(address)).map(({ id }) => id));
  return { granted: messages.filter(({ id }) => !refused.has(id)), refused };
}

type Verdict = {
  id: string;
  status: 'DISPATCHING' | 'SKIPPED' | 'EXPIRED' | 'QUEUED';
  reason: string | null;
  waitMs: number;
};

/** What is written on the row; nothing, where it simply waits for its turn. */
function verdictOf(message: Picked, leaving: Set<string>, pastLimit: Set<string>): Verdict[] {
  const { id, verdict } = message;
  if (leaving.has(id)) return [{ id, status: 'DISPATCHING', reason: null, waitMs: 0 }];
  if (pastLimit.has(id)) return [{ id, status: 'QUEUED', reason: null, waitMs: portfolioWaitMs }];
  if (verdict === 'SEND') return [];
  if (verdict === 'PAIR') return [{ id, status: 'QUEUED', reason: null, waitMs: Math.ceil(message.pairWaitMs) }];
  if (verdict === 'EXPIRED') return [{ id, status: 'EXPIRED', reason: null, waitMs: 0 }];
  return [{ id, status: 'SKIPPED', reason: verdict, waitMs: 0 }];
}

async function writeVerdicts(tx: Tx, tenantId: string, verdicts: Verdict[], leaseMs: number): Promise<void> {
  if (verdicts.length === 0) return;
  await tx.$executeRaw`
    update messages m set status = v.status, reason = v.reason,
      attempt = m.attempt + (v.status = 'DISPATCHING')::int,
      due_at = case when v.status = 'QUEUED' then now() + make_interval(secs => v.wait_ms / 1000.0) end,
      dispatched_at = case when v.status = 'DISPATCHING' then now() else m.dispatched_at end,
      open_until = case when v.status = 'DISPATCHING' then now() + make_interval(secs => ${leaseMs}::float8 / 1000) end
    from unnest(${plainArrayLiteral(verdicts.map(({ id }) => id))}::uuid[], ${plainArrayLiteral(verdicts.map(({ status }) => status))}::text[],
      ${arrayLiteral(verdicts.map(({ reason }) => reason))}::text[], ${plainArrayLiteral(verdicts.map(({ waitMs }) => waitMs))}::int[]) as v (id, status, reason, wait_ms)
    where m.id = v.id and m.tenant_id = ${tenantId}::uuid and m.status = 'QUEUED'`;
}

/**
 * Those whose campaign still runs. It is held until they are written down as DISPATCHING: who pauses or cancels it waits that long, and then
 * nothing more leaves. That it moves is noted every few seconds, not for every message.
 */
async function ofRunning(tx: Tx, tenantId: string, messages: Picked[]): Promise<Picked[]> {
  const campaignIds = [...new Set(messages.flatMap(({ campaignId }) => (campaignId === null ? [] : [campaignId])))];
  if (campaignIds.length === 0) return messages;
  const rows = await tx.$queryRaw<{ id: string }[]>`
    with held as materialized (
      select id, progressed_at from campaigns where tenant_id = ${tenantId}::uuid and id = any(${campaignIds}::uuid[]) and status = 'RUNNING' order by id for share
    ), noted as (
      update campaigns c set progressed_at = now(), started_at = coalesce(c.started_at, now()), stalled_since = null, blocked_reason = null
        from held h where c.tenant_id = ${tenantId}::uuid and c.id = h.id and (h.progressed_at is null or h.progressed_at < now() - interval '5 seconds')
    )
    select id from held`;
  const running = new Set(rows.map(({ id }) => id));
  return messages.filter(({ campaignId }) => campaignId === null || running.has(campaignId));
}
