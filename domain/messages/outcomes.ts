import { arrayLiteral, plainArrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';
import type { Sent } from '../../connectors/whatsapp/send.ts';
import { failureOf } from './failures.ts';
import { learnPace } from './pace.ts';
import { stopWhatDepends, type Stop } from './stops.ts';
import type { Gate, Taken } from './take.ts';

export type Outcome = { message: Pick<Taken, 'id' | 'attempt' | 'campaignId' | 'versionId' | 'address'>; sent: Sent };

/** What is written on a row. */
type Entry = {
  id: string;
  attempt: number;
  /** ACCEPTED and FAILED join what webhooks said; QUEUED waits again; UNKNOWN waits for news. */
  becomes: 'ACCEPTED' | 'FAILED' | 'QUEUED' | 'UNKNOWN';
  wamid: string | null;
  code: number | null;
  waitMs: number;
};

export type Recorded = {
  accepted: number;
  failed: number;
  queuedAgain: number;
  unknown: number;
  campaignIds: string[];
};

/**
 * Writes down what became of a batch of requests, all of one number. A row is touched only under the attempt that was made: whoever wakes up
 * late changes nothing that has moved on. What stops more than its own message is stopped in the same transaction.
 */
export async function recordOutcomes(
  tx: Tx,
  tenantId: string,
  numberId: string,
  gate: Gate,
  outcomes: readonly Outcome[],
  settleMs: number,
): Promise<Recorded> {
  const entries = outcomes.map(entryOf);
  await writeEntries(tx, tenantId, entries, settleMs);
  const refusals = outcomes.flatMap(({ message, sent }) =>
    sent.outcome === 'refused' ? [{ message, code: sent.code }] : [],
  );
  const count = (test: (sent: Sent) => boolean) => outcomes.filter(({ sent }) => test(sent)).length;
  const tooFast = refusals.filter(({ code }) => code === 130429).length;
  const clear = count(({ outcome }) => outcome === 'accepted' || outcome === 'refused');
  await learnPace(tx, tenantId, numberId, { clear, doubtful: outcomes.length - clear, tooFast });
  const stops = refusals.map(({ message, code }): Stop => ({
    code,
    campaignId: message.campaignId,
    versionId: message.versionId,
  }));
  await stopWhatDepends(tx, tenantId, { numberId, accountId: gate.accountId, connectionId: gate.connectionId }, stops);
  const campaignsOf = (test: (sent: Sent) => boolean) =>
    outcomes.flatMap(({ message, sent }) => (message.campaignId !== null && test(sent) ? [message.campaignId] : []));
  return {
    accepted: entries.filter(({ becomes }) => becomes === 'ACCEPTED').length,
    failed: entries.filter(({ becomes }) => becomes === 'FAILED').length,
    queuedAgain: entries.filter(({ becomes }) => becomes === 'QUEUED').length,
    unknown: entries.filter(({ becomes }) => becomes === 'UNKNOWN').length,
    campaignIds: [...new Set(campaignsOf(({ outcome }) => outcome === 'refused'))],
  };
}

/** How long a message waits whose request could not leave. */
const notSentWaitMs = 1_000;

/** What stopped with its number, account or template is looked at again after a while: the gate is what holds it back. */
const stoppedWaitMs = 5_000;

function entryOf({ message: { id, attempt, campaignId }, sent }: Outcome): Entry {
  const entry = { id, attempt, wamid: null, code: null, waitMs: 0 };
  if (sent.outcome === 'accepted') return { ...entry, becomes: 'ACCEPTED', wamid: sent.wamid };
  if (sent.outcome === 'unknown') return { ...entry, becomes: 'UNKNOWN' };
  if (sent.outcome === 'not-sent') return { ...entry, becomes: 'QUEUED', waitMs: notSentWaitMs };
  const { class: kind, seconds = 1 } = failureOf(sent.code);
  // A template's problem ends a single message: nobody mends it under its hands. A campaign waits until somebody decides.
  if (kind === 'contact' || (kind === 'template' && campaignId === null))
    return { ...entry, becomes: 'FAILED', code: sent.code };
  if (kind === 'unknown') return { ...entry, becomes: 'UNKNOWN' };
  const waitMs = kind === 'wait' || kind === 'pair' ? seconds * 1_000 * (1 + Math.random()) : stoppedWaitMs; // apart, so that they do not all come back at once
  return { ...entry, becomes: 'QUEUED', waitMs: Math.round(waitMs) };
}

async function writeEntries(tx: Tx, tenantId: string, entries: readonly Entry[], settleMs: number): Promise<void> {
  if (entries.length === 0) return;
  const inOrder = entries.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await tx.$executeRaw`
    with said as (
      select * from unnest(${plainArrayLiteral(inOrder.map(({ id }) => id))}::uuid[], ${plainArrayLiteral(inOrder.map(({ attempt }) => attempt))}::int[],
        ${plainArrayLiteral(inOrder.map(({ becomes }) => becomes))}::text[], ${arrayLiteral(inOrder.map(({ wamid }) => wamid))}::text[],
        ${arrayLiteral(inOrder.map(({ code }) => (code === null ? null : String(code))))}::int[], ${plainArrayLiteral(inOrder.map(({ waitMs }) => waitMs))}::int[]
      ) as s (id, attempt, becomes, wamid, code, wait_ms)
    ), held as materialized (
      select m.place, s.becomes, s.wamid, s.code, s.wait_ms, m.status in ('DISPATCHING', 'UNKNOWN') as is_open from said s
      cross join lateral (select o.ctid as place, o.status from messages o where o.tenant_id = ${tenantId}::uuid and o.id = s.id and o.attempt = s.attempt for no key update) m
    )
    update messages m set
      accepted_at = case when h.becomes = 'ACCEPTED' then least(m.accepted_at, now()) else m.accepted_at end,
      failed_at = case when h.becomes = 'FAILED' and m.failed_at is null then now() else m.failed_at end,
      failure_code = case when h.becomes = 'FAILED' and m.failed_at is null then h.code else m.failure_code end,
      wamid = case when m.contact_id is not null then coalesce(m.wamid, h.wamid) end, -- it holds the phone number: one that was forgotten stays forgotten
      status = case when h.becomes in ('QUEUED', 'UNKNOWN') then case when h.is_open then h.becomes else m.status end
        else message_status(m.status, case when h.becomes = 'ACCEPTED' then now() else m.accepted_at end, m.sent_at, m.delivered_at, coalesce(m.read_at, m.played_at), case when h.becomes = 'FAILED' then now() else m.failed_at end) end,
      due_at = case when h.becomes = 'QUEUED' and h.is_open then now() + make_interval(secs => h.wait_ms / 1000.0)
        when h.becomes in ('QUEUED', 'UNKNOWN') then m.due_at end, -- it waits already, to be sent once more: a late doubt changes nothing
      open_until = case when h.becomes = 'UNKNOWN' and h.is_open then coalesce(case when m.status = 'UNKNOWN' then m.open_until end, now() + make_interval(secs => ${settleMs}::float8 / 1000)) end
    from held h where m.ctid = h.place and m.tenant_id = ${tenantId}::uuid`;
}
