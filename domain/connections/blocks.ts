import { failureOf } from '../messages/failures.ts';

/** What keeps an account or a number from sending. */
export type Block = { reason: string; since: Date | null; until: Date | null };

export type ExplainedBlock = Block & { title: string; action: string; metaCode: number | null };

const inManager = 'Look at the account in WhatsApp Manager; Meta says there what it wants.';
const reconnect = 'Connect the WhatsApp account again.';

/** What Meta tells by its webhooks, under the names that it uses (reference: whatsapp-cloud-api, section 7.5). */
const events: Readonly<Record<string, { title: string; action: string }>> = {
  RESTRICTED_BIZ_INITIATED_MESSAGING: {
    title: 'Meta has restricted messages that the business begins',
    action: 'Wait until the restriction ends; answers to customers may still go.',
  },
  RESTRICTED_CUSTOMER_INITIATED_MESSAGING: {
    title: 'Meta has restricted answers to customers',
    action: 'Wait until the restriction ends.',
  },
  DISABLED: { title: 'Meta has disabled the account', action: inManager },
  REVIEW_REJECTED: { title: 'Meta’s review of the account was negative', action: inManager },
  ACCOUNT_DELETED: { title: 'The account was deleted at Meta', action: 'Connect another account.' },
  PARTNER_REMOVED: { title: 'The business has taken the account back from this app', action: reconnect },
  PARTNER_APP_UNINSTALLED: { title: 'The business has removed this app', action: reconnect },
  ACCOUNT_OFFBOARDED: { title: 'The account was taken off this app', action: reconnect },
};

/** A block for people: what it is, and what they can do. */
export function explainBlock({ reason, since, until }: Block): ExplainedBlock {
  const [, code] = /^META_(\d+)$/.exec(reason) ?? [];
  const metaCode = code === undefined ? null : Number(code);
  const { title, action } =
    metaCode === null ? (events[reason] ?? { title: reason, action: inManager }) : failureOf(metaCode);
  return { reason, since, until, title, action, metaCode };
}

/** A block counts while it lasts; null: none does. */
export function blockOf(
  row: { blockedReason: string | null; blockedAt: Date | null; blockedUntil: Date | null },
  now: Date,
): ExplainedBlock | null {
  const { blockedReason: reason, blockedAt: since, blockedUntil: until } = row;
  if (reason === null || (until !== null && until <= now)) return null;
  return explainBlock({ reason, since, until });
}
