import type { Category } from './limits.ts';

export const templateStatuses = [
  'SUBMITTING',
  'PENDING',
  'APPROVED',
  'REJECTED',
  'PAUSED',
  'DISABLED',
  'IN_APPEAL',
  'PENDING_DELETION',
  'DELETED',
  'LIMIT_EXCEEDED',
  'ARCHIVED',
  'UNKNOWN',
] as const;
export type TemplateStatus = (typeof templateStatuses)[number];

/** Meta's word for a status, as we keep it. One that is new to us is UNKNOWN: nothing is sent with it, and nothing fails. */
export function toStatus(word: string): TemplateStatus {
  return templateStatuses.find((status) => status === word) ?? 'UNKNOWN';
}

/** What the words of webhooks come to (reference: whatsapp-cloud-api, section 7.5); undefined: it changes no status. */
export function statusAfter(event: string): TemplateStatus | undefined {
  if (event === 'REINSTATED' || event === 'UNARCHIVED') return 'APPROVED';
  if (event === 'FLAGGED' || event === 'LOCKED') return undefined; // warnings: what follows is told by another event
  return toStatus(event);
}

export function toCategory(word: unknown): Category | undefined {
  return word === 'MARKETING' || word === 'UTILITY' || word === 'AUTHENTICATION' ? word : undefined;
}
