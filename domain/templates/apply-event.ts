import { readQuality } from '../../connectors/whatsapp/accounts.ts';
import {
  readTemplateEvent,
  type TemplateEvent,
  type TemplateRef,
} from '../../connectors/whatsapp/read-account-event.ts';
import type { Tx } from '../../prisma/client.ts';
import { enqueue } from '../jobs.ts';
import { syncTemplatesJob } from './jobs.ts';
import { pauseDependents } from './pause-campaigns.ts';
import { statusAfter, toCategory } from './words.ts';

/** How long Meta pauses a template that people do not like (reference: whatsapp-cloud-api, section 4.3). Others last until somebody acts. */
const pauseHours: Readonly<Record<string, number>> = { FIRST_PAUSE: 3, SECOND_PAUSE: 6 };

/**
 * Applies what Meta says of a template. Safe to repeat; news from before what is known (`at`, the time of the entry, where it has one) undoes nothing.
 * True when it meant something; a template that is not known yet, or whose words changed, is read from Meta's list.
 */
export async function applyTemplateEvent(
  tx: Tx,
  tenantId: string,
  field: string,
  value: unknown,
  at: Date | null = null,
  wabaId: string | null = null,
): Promise<boolean> {
  const event = readTemplateEvent(field, value);
  if (!event) return false;
  const found = await findTemplate(tx, tenantId, event.template, wabaId);
  if (!found) {
    if (wabaId !== null) await readAnew(tx, tenantId, { wabaId });
    return false;
  }
  await apply(tx, tenantId, found, event, at);
  return true;
}

type Found = { id: string; accountId: string };

/** By Meta's id; by its name and language where the row has none yet, because the answer to its creation is still on its way. */
async function findTemplate(
  tx: Tx,
  tenantId: string,
  { metaId, name, language }: TemplateRef,
  wabaId: string | null,
): Promise<Found | undefined> {
  const [found] = await tx.$queryRaw<Found[]>`
    select t.id, t.account_id as "accountId" from templates t
      join whatsapp_accounts a on a.tenant_id = t.tenant_id and a.id = t.account_id
     where t.tenant_id = ${tenantId}::uuid and (${wabaId}::text is null or a.waba_id = ${wabaId})
       and (t.meta_id = ${metaId} or (t.meta_id is null and t.deleted_at is null and t.name = ${name} and t.language = ${language}))
     order by t.meta_id nulls last limit 1 for update of t`;
  return found;
}

async function readAnew(tx: Tx, tenantId: string, where: { wabaId: string } | { id: string }): Promise<void> {
  const account = await tx.whatsAppAccount.findFirst({ where: { tenantId, ...where }, select: { id: true } });
  if (account) await enqueue(tx, syncTemplatesJob, { tenantId, accountId: account.id });
}

async function apply(
  tx: Tx,
  tenantId: string,
  { id, accountId }: Found,
  event: TemplateEvent,
  at: Date | null,
): Promise<void> {
  switch (event.kind) {
    case 'status':
      return applyStatus(tx, tenantId, id, event, at);
    case 'quality':
      await tx.$executeRaw`
        update templates set quality = ${readQuality(event.quality)}, quality_at = coalesce(${at}::timestamptz, now()), updated_at = now()
         where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and (${at}::timestamptz is null or quality_at is null or quality_at <= ${at})`;
      return;
    case 'category': {
      const category = toCategory(event.category);
      if (!category) return readAnew(tx, tenantId, { id: accountId });
      await tx.$executeRaw`
        update templates set category = ${category}, category_at = coalesce(${at}::timestamptz, now()), next_category = null, next_category_at = null, updated_at = now()
         where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and (${at}::timestamptz is null or category_at is null or category_at <= ${at})`;
      return;
    }
    case 'category-announced':
      await tx.$executeRaw`
        update templates set next_category = ${event.category}, next_category_at = ${event.at}::timestamptz, updated_at = now()
         where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and category <> ${event.category}
           and (${at}::timestamptz is null or category_at is null or category_at <= ${at})`;
      return;
    case 'components': // the event has the words of its parts, and not all of them: the list has the whole
      return readAnew(tx, tenantId, { id: accountId });
  }
}

async function applyStatus(
  tx: Tx,
  tenantId: string,
  id: string,
  { event, reason, pause }: Extract<TemplateEvent, { kind: 'status' }>,
  at: Date | null,
): Promise<void> {
  const status = statusAfter(event);
  if (status === undefined) return;
  const hours = status === 'PAUSED' ? (pauseHours[pause ?? ''] ?? null) : null;
  const isGone = status === 'DELETED' || status === 'PENDING_DELETION';
  const changed = await tx.$executeRaw`
    update templates set status = ${status}, rejected_reason = ${status === 'APPROVED' ? null : reason}, status_at = coalesce(${at}::timestamptz, now()),
      paused_until = coalesce(${at}::timestamptz, now()) + make_interval(hours => ${hours}::int), updated_at = now(),
      deleted_at = case when ${isGone} then coalesce(deleted_at, now()) else deleted_at end
     where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and (${at}::timestamptz is null or status_at is null or status_at <= ${at})
       and deleted_at is null`;
  if (changed > 0) await pauseDependents(tx, tenantId, [id]);
}
