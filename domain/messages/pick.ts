import { Prisma, type Tx } from '../../prisma/client.ts';

/** A row that is due, locked for this transaction, and whether it may leave. */
export type Picked = {
  id: string;
  campaignId: string | null;
  versionId: string | null;
  attempt: number;
  address: string;
  type: string;
  parameters: string[];
  content: unknown;
  contextWamid: string | null;
  /** SEND; PAIR: this person was written to a moment ago; EXPIRED; or the reason why it is skipped. */
  verdict:
    | 'SEND'
    | 'PAIR'
    | 'EXPIRED'
    | 'CONTACT_DELETED'
    | 'BLOCKED'
    | 'NO_CONSENT'
    | 'OPTED_OUT'
    | 'DUPLICATE'
    | 'WINDOW_CLOSED'
    | 'TEMPLATE_CHANGED';
  pairWaitMs: number;
  /** Whether the person wrote to this number in the last 24 h. */
  windowOpen: boolean;
};

/** Seconds between two messages of a number to one person (reference: whatsapp-cloud-api, section 5). */
const pairSeconds = 6;

/** Free text leaves only while the window is surely open at Meta too. */
const windowMinutes = 23 * 60 + 55;

/**
 * The next rows of a number that are due, oldest first, several campaigns taking turns. Rows that another worker holds are passed over.
 * Bulk comes only from campaigns that run, on a template that Meta approves and that still says what was pinned.
 *
 * What is known of a row's person is looked up row by row (`lateral … limit 1`): a planner whose statistics are behind, as after an import,
 * would rather read all contacts.
 */
export async function pickDue(
  tx: Tx,
  tenantId: string,
  numberId: string,
  { isSingle, atMost }: { isSingle: boolean; atMost: number },
): Promise<Picked[]> {
  const due = Prisma.sql`
    select m.id, m.campaign_id, m.template_version_id, m.contact_id, m.attempt, m.address, m.type, m.parameters, m.content, m.context_wamid, m.category, m.valid_until, m.due_at
      from messages m where m.tenant_id = ${tenantId}::uuid and m.number_id = ${numberId}::uuid`;
  const picked = isSingle
    ? Prisma.sql`
      select s.*, coalesce(t.category, s.category) as category_now,
          case when s.template_version_id is null then true else coalesce(t.status = 'APPROVED' and t.deleted_at is null and t.version_id = s.template_version_id, false) end as is_current, 1 as turn
        from (${due} and m.campaign_id is null and m.due_at <= now() order by m.due_at, m.id limit ${atMost}::int for update skip locked) s
        left join template_versions v on v.tenant_id = ${tenantId}::uuid and v.id = s.template_version_id
        left join templates t on t.tenant_id = v.tenant_id and t.id = v.template_id`
    : Prisma.sql`
      select s.*, r.category as category_now, true as is_current, row_number() over (partition by s.campaign_id order by s.due_at, s.id) as turn
        from (select c.id, t.category from campaigns c
                join template_versions v on v.tenant_id = c.tenant_id and v.id = c.template_version_id
                join templates t on t.tenant_id = v.tenant_id and t.id = v.template_id
               where c.tenant_id = ${tenantId}::uuid and c.number_id = ${numberId}::uuid and c.status = 'RUNNING'
                 and t.status = 'APPROVED' and t.deleted_at is null and t.version_id = c.template_version_id) r
        cross join lateral (${due} and m.campaign_id = r.id and m.due_at <= now() order by m.due_at, m.id limit ${atMost}::int for update skip locked) s`;
  return tx.$queryRaw<Picked[]>`
    with picked as materialized (${picked}),
    looked_at as materialized (select * from picked order by turn, due_at, id limit ${atMost}::int),
    led as (
      select p.*, c.id as known_contact, c.merged_into_id is not null as is_merged, row_number() over (partition by p.contact_id order by p.due_at, p.id) as of_person,
        case when c.merged_into_id is null then c.id else (
          with recursive up as (
            select x.id, x.merged_into_id, x.blocked_at from contacts x where x.tenant_id = ${tenantId}::uuid and x.id = c.merged_into_id
            union all
            select x.id, x.merged_into_id, x.blocked_at from contacts x join up on x.tenant_id = ${tenantId}::uuid and x.id = up.merged_into_id
          ) select up.id from up where up.merged_into_id is null) end as lead_id
      from looked_at p
      left join lateral (select x.id, x.merged_into_id from contacts x where x.tenant_id = ${tenantId}::uuid and x.id = p.contact_id limit 1) c on true
    )
    select l.id, l.campaign_id as "campaignId", l.template_version_id as "versionId", l.attempt::int, coalesce(l.address, '') as address, l.type, l.parameters, l.content,
      l.context_wamid as "contextWamid", coalesce(w.is_open, false) as "windowOpen", greatest(coalesce(pair.wait_ms, 0), case when l.of_person > 1 then ${pairSeconds * 1_000}::int else 0 end)::float8 as "pairWaitMs",
      case
        when l.valid_until <= now() then 'EXPIRED'
        when l.known_contact is null or l.address is null then 'CONTACT_DELETED'
        when not l.is_current then 'TEMPLATE_CHANGED'
        when lead.blocked_at is not null then 'BLOCKED'
        when consent.granted is false then 'OPTED_OUT'
        when l.category_now = 'MARKETING' and consent.granted is null then 'NO_CONSENT'
        when l.template_version_id is null and not coalesce(w.is_open, false) then 'WINDOW_CLOSED'
        when l.is_merged and l.campaign_id is not null and exists (
          select from messages o where o.tenant_id = ${tenantId}::uuid and o.contact_id = l.lead_id and o.campaign_id = l.campaign_id and o.status not in ('SKIPPED', 'CANCELLED', 'EXPIRED')) then 'DUPLICATE'
        when l.of_person > 1 or pair.wait_ms > 0 then 'PAIR'
        else 'SEND' end as verdict
    from led l
    left join lateral (select x.blocked_at from contacts x where x.tenant_id = ${tenantId}::uuid and x.id = l.lead_id limit 1) lead on true
    left join lateral (
      select x.granted from contact_consents x where x.tenant_id = ${tenantId}::uuid and x.contact_id = l.lead_id
         and x.purpose = case when l.category_now = 'MARKETING' then 'MARKETING' else 'SERVICE' end and x.channel = 'WHATSAPP' limit 1) consent on true
    left join lateral (
      select bool_or(w.last_inbound_at > now() - make_interval(mins => ${windowMinutes}::int)) as is_open from contact_windows w
       where w.tenant_id = ${tenantId}::uuid and w.contact_id = l.lead_id and w.number_id = ${numberId}::uuid) w on true
    left join lateral (
      select extract(epoch from max(x.dispatched_at) + make_interval(secs => ${pairSeconds}::int) - now()) * 1000 as wait_ms from messages x
       where x.tenant_id = ${tenantId}::uuid and x.contact_id = l.contact_id and x.number_id = ${numberId}::uuid and x.id <> l.id and x.dispatched_at > now() - make_interval(secs => ${pairSeconds}::int)) pair on true
    order by l.turn, l.due_at, l.id`;
}
