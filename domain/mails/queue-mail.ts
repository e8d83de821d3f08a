import { NIL, v7 as newId } from 'uuid';
import { z } from 'zod';
import type { Tx } from '../../prisma/client.ts';
import { defineJob, enqueue } from '../jobs.ts';

/** What people are told after it happened to their account. */
export const notices = [
  'password-changed',
  'password-reset',
  'session-reused',
  'new-place',
  'many-failures',
  'totp-enabled',
  'totp-disabled',
  'recovery-codes-renewed',
  'recovery-code-used',
  'google-linked',
  'google-unlinked',
  'role-changed',
  'member-removed',
  'api-key-reported',
] as const;
export type Notice = (typeof notices)[number];

/** Those that are about the person's place in a tenant: the mail names it. */
export const tenantNotices: ReadonlySet<Notice> = new Set(['role-changed', 'member-removed', 'api-key-reported']);

const mail = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('verify-email'), userId: z.uuid() }),
  /** Also for an address that nobody has; the id is then nobody's, and nothing is sent. */
  z.object({ kind: z.literal('reset-password'), userId: z.uuid(), requestedAt: z.iso.datetime() }),
  z.object({ kind: z.literal('invitation'), invitationId: z.uuid() }),
  z.object({
    kind: z.literal('notice'),
    userId: z.uuid(),
    notice: z.enum(notices),
    at: z.iso.datetime(),
    /** The session that it is about, where there is one: the mail says where that is. */
    sessionId: z.uuid().optional(),
  }),
]);

/** A mail to be written: what it is about, by ids. Addresses, names and links are looked up when it is written. */
export type Mail = z.infer<typeof mail>;

/** A mail in the queue. Its id stays the same however often it is tried, and is what its link and its Message-ID are made of. */
export const sendMailJob = defineJob({
  name: 'mails/send',
  lane: 'interactive',
  payload: z.object({ tenantId: z.uuid(), mailId: z.uuid(), mail }),
  key: ({ mailId }) => mailId,
  maxAttempts: 10,
});
export type QueuedMail = z.infer<typeof sendMailJob.payload>;

/**
 * Has a mail written and sent by the fleet, if and when the caller's transaction commits. A mail that is about a person and no tenant
 * is given none. Returns the mail's id.
 */
export async function queueMail(tx: Tx, tenantId: string | null, mail: Mail): Promise<string> {
  const mailId = newId();
  await enqueue(tx, sendMailJob, { tenantId: tenantId ?? NIL, mailId, mail });
  return mailId;
}
