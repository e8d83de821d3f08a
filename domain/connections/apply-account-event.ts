import { upgradedThroughput } from '../../connectors/whatsapp/accounts.ts';
import { type AccountEvent, readAccountEvent } from '../../connectors/whatsapp/read-account-event.ts';
import type { Tx } from '../../prisma/client.ts';
import { bySystem, recordAudit } from '../audit/record-audit.ts';
import { enqueue } from '../jobs.ts';
import { sendBulk, sendSingle } from '../messages/jobs.ts';

/** Applies what Meta says of an account or its numbers. Safe to repeat. True when it meant something here. */
export async function applyAccountEvent(
  tx: Tx,
  tenantId: string,
  wabaId: string,
  field: string,
  value: unknown,
  at: Date | null = null,
): Promise<boolean> {
  const event = readAccountEvent(field, value);
  if (!event) return false;
  const account = await tx.whatsAppAccount.findUnique({
    where: { tenantId_wabaId: { tenantId, wabaId } },
    select: { id: true, connectionId: true, portfolioId: true },
  });
  if (!account) return false;
  switch (event.kind) {
    case 'account':
      return applyUpdate(tx, tenantId, account, event, at);
    case 'review':
      return applyReview(tx, tenantId, account, event.decision, at);
    case 'limit':
      await tx.whatsAppNumber.updateMany({
        where: { tenantId, account: { portfolioId: account.portfolioId } },
        data: { messagingLimit: event.limit, updatedAt: new Date() },
      });
      return true;
    case 'number-quality':
      return applyNumberQuality(tx, tenantId, account, event);
    case 'number-name': {
      const nameStatus = { APPROVED: 'APPROVED', REJECTED: 'DECLINED' }[event.decision] ?? 'PENDING_REVIEW';
      const name = nameStatus === 'APPROVED' ? event.name : null;
      const changed = await tx.$executeRaw`
        update whatsapp_numbers set name_status = ${nameStatus}, verified_name = coalesce(${name}, verified_name), updated_at = now()
         where tenant_id = ${tenantId}::uuid and account_id = ${account.id}::uuid and regexp_replace(display_number, '\\D', '', 'g') = ${event.digits}`;
      return changed > 0;
    }
  }
}

type Account = { id: string; connectionId: string; portfolioId: string };

/** The business took its account back: nothing goes through it until it is connected again, and its token is erased at once. */
const removals = new Set(['PARTNER_REMOVED', 'PARTNER_APP_UNINSTALLED', 'ACCOUNT_OFFBOARDED']);

async function applyUpdate(
  tx: Tx,
  tenantId: string,
  account: Account,
  { event, banState, restrictions }: Extract<AccountEvent, { kind: 'account' }>,
  at: Date | null,
): Promise<boolean> {
  if (removals.has(event)) return endConnection(tx, tenantId, account, 'BROKEN', event, at);
  if (event === 'ACCOUNT_DELETED') return endConnection(tx, tenantId, account, 'ENDED', event, at);
  if (event === 'DISABLED_UPDATE') {
    if (banState === 'DISABLE') return block(tx, tenantId, account, 'DISABLED', null, at);
    return banState === 'REINSTATE' ? unblock(tx, tenantId, account, ['DISABLED', ...restrictionTypes], at) : true;
  }
  if (event === 'ACCOUNT_RESTRICTION') {
    const lasting = restrictions
      .filter(({ type, until }) => restrictionTypes.includes(type) && (until === null || until > new Date()))
      .toSorted((a, b) => (b.until?.getTime() ?? Infinity) - (a.until?.getTime() ?? Infinity));
    const [longest] = lasting;
    return longest ? block(tx, tenantId, account, longest.type, longest.until, at) : true;
  }
  return false;
}

/** Those that keep messages from going out; one that forbids new numbers does not. */
const restrictionTypes = ['RESTRICTED_BIZ_INITIATED_MESSAGING', 'RESTRICTED_CUSTOMER_INITIATED_MESSAGING'];

/** An account that was connected anew since is another matter. */
async function endConnection(
  tx: Tx,
  tenantId: string,
  { id, connectionId }: Account,
  status: 'BROKEN' | 'ENDED',
  reason: string,
  at: Date | null,
): Promise<boolean> {
  const changed = await tx.$executeRaw`
    update connections set status = ${status}, broken_reason = ${reason}, token = null, token_expires_at = null, grant_hash = null, updated_at = now()
     where tenant_id = ${tenantId}::uuid and id = ${connectionId}::uuid and (${at}::timestamptz is null or updated_at < ${at}::timestamptz + interval '1 second')`;
  if (changed > 0) {
    await recordAudit(tx, bySystem(tenantId), {
      action: 'whatsApp.disconnect',
      target: { type: 'WhatsAppAccount', id },
      after: { status, reason },
    });
  }
  return changed > 0;
}

async function block(
  tx: Tx,
  tenantId: string,
  { id }: Account,
  reason: string,
  until: Date | null,
  at: Date | null,
): Promise<boolean> {
  await tx.$executeRaw`
    update whatsapp_accounts set blocked_reason = ${reason}, blocked_at = coalesce(${at}::timestamptz, now()), blocked_until = ${until}::timestamptz, updated_at = now()
     where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and (${at}::timestamptz is null or blocked_at is null or blocked_at <= ${at})`;
  return true;
}

async function unblock(
  tx: Tx,
  tenantId: string,
  { id: accountId }: Account,
  reasons: readonly string[],
  at: Date | null,
): Promise<boolean> {
  const lifted = await tx.$executeRaw`
    update whatsapp_accounts set blocked_reason = null, blocked_at = null, blocked_until = null, updated_at = now()
     where tenant_id = ${tenantId}::uuid and id = ${accountId}::uuid and blocked_reason = any(${reasons}::text[])
       and (${at}::timestamptz is null or blocked_at is null or blocked_at <= ${at})`;
  if (lifted === 0) return true;
  const numbers = await tx.whatsAppNumber.findMany({ where: { tenantId, accountId }, select: { id: true } });
  for (const { id: numberId } of numbers) {
    await enqueue(tx, sendSingle, { tenantId, numberId });
    await enqueue(tx, sendBulk, { tenantId, numberId });
  }
  return true;
}

const rejected = 'REVIEW_REJECTED';

async function applyReview(
  tx: Tx,
  tenantId: string,
  account: Account,
  decision: string,
  at: Date | null,
): Promise<boolean> {
  await tx.whatsAppAccount.updateMany({
    where: { tenantId, id: account.id },
    data: { reviewStatus: decision, updatedAt: new Date() },
  });
  if (decision === 'REJECTED') return block(tx, tenantId, account, rejected, null, at);
  return decision === 'APPROVED' ? unblock(tx, tenantId, account, [rejected], at) : true;
}

async function applyNumberQuality(
  tx: Tx,
  tenantId: string,
  { id }: Account,
  { digits, event, limit }: Extract<AccountEvent, { kind: 'number-quality' }>,
): Promise<boolean> {
  const throughput = event === 'THROUGHPUT_UPGRADE' ? upgradedThroughput : null;
  const quality = event === 'FLAGGED' ? 'RED' : null; // what it becomes when the flag is lifted is told by the next reading
  const hasLimit = limit !== undefined;
  const changed = await tx.$executeRaw`
    update whatsapp_numbers set throughput = coalesce(${throughput}::int, throughput), quality = coalesce(${quality}, quality),
      messaging_limit = case when ${hasLimit} then ${limit ?? null}::int else messaging_limit end, updated_at = now()
     where tenant_id = ${tenantId}::uuid and account_id = ${id}::uuid and regexp_replace(display_number, '\\D', '', 'g') = ${digits}`;
  return changed > 0;
}
