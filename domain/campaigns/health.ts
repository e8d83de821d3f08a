import type { Tx } from '../../prisma/client.ts';
import { softCodes } from '../messages/failures.ts';

/** Reference: whatsapp-cloud-api, the end of section 6.2. */
const sampleSize = 200;
const hardFailuresMax = sampleSize * 0.05;
const undeliverableMax = sampleSize * 0.3;
const undeliverable = 131_026;

/** How far back the sample is looked for: rows that left too lately to be judged, and those that wait again, are walked over. */
const walkMax = 50_000;

/**
 * Pauses campaigns whose messages fail too often: of the last 200 recipients that had half a minute to show what becomes of them, or
 * those since somebody resumed it. What has said nothing by then counts as well: a webhook that is late must not stop anything. At most every 5 seconds
 * a campaign, and never waiting for it: call it as often as you like. Returns the paused ones.
 */
export async function pauseIfFailing(
  tx: Tx,
  tenantId: string,
  campaignIds: readonly string[],
  { settleSeconds = 30 }: { settleSeconds?: number } = {},
): Promise<string[]> {
  if (campaignIds.length === 0) return [];
  const soft = softCodes.filter((code) => code !== undeliverable);
  const rows = await tx.$queryRaw<{ id: string }[]>`
    with held as materialized (
      select c.id, c.number_id, c.launched_at, coalesce(c.resumed_at, c.launched_at) as since from campaigns c
       where c.tenant_id = ${tenantId}::uuid and c.id = any(${[...campaignIds]}::uuid[]) and c.status = 'RUNNING'
         and (c.judged_at is null or c.judged_at < clock_timestamp() - interval '5 seconds')
       order by c.id for no key update skip locked
    ), judged as (
      select h.id, count(*) as finished,
        count(*) filter (where l.status = 'FAILED' and l.failure_code = ${undeliverable}::int) as undeliverable,
        count(*) filter (where l.status = 'FAILED' and l.failure_code <> ${undeliverable}::int and l.failure_code <> all(${soft}::int[])) as hard
      from held h
      -- What was never tried yet stands at the head of the queue, in the order of its ids: before it lies what has left.
      left join lateral (
        select m.id from messages m where m.tenant_id = ${tenantId}::uuid and m.number_id = h.number_id and m.campaign_id = h.id and m.due_at <= h.launched_at
         order by m.due_at, m.id limit 1) head on true
      cross join lateral (
        select w.status, w.failure_code from (
          select m.status, m.failure_code, m.dispatched_at, m.id from messages m where m.tenant_id = ${tenantId}::uuid and m.campaign_id = h.id
             and m.id < coalesce(head.id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid) order by m.id desc limit ${walkMax}::int) w
         where w.status in ('ACCEPTED', 'SENT', 'DELIVERED', 'READ', 'FAILED', 'UNKNOWN') and w.dispatched_at > h.since
           and w.dispatched_at <= now() - make_interval(secs => ${settleSeconds}::float8)
         order by w.id desc limit ${sampleSize}::int) l
      group by h.id
    ), verdicts as (
      select h.id, case when j.finished < ${sampleSize}::int then null when j.hard > ${hardFailuresMax}::int then 'TOO_MANY_FAILURES'
        when j.undeliverable > ${undeliverableMax}::int then 'BAD_LIST' end as reason
      from held h left join judged j on j.id = h.id
    ), written as (
      update campaigns c set judged_at = clock_timestamp(), status = case when v.reason is null then c.status else 'PAUSED' end,
        blocked_reason = coalesce(v.reason, c.blocked_reason), stalled_since = case when v.reason is null then c.stalled_since end
      from verdicts v where c.tenant_id = ${tenantId}::uuid and c.id = v.id
      returning c.id, v.reason
    )
    select id from written where reason is not null`;
  return rows.map(({ id }) => id);
}
