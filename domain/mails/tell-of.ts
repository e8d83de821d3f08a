import type { Tx } from '../../prisma/client.ts';
import type { PersonViewer } from '../auth/viewer.ts';
import { type Notice, queueMail } from './queue-mail.ts';

/** Tells a person by mail what was done to their account in one of their sessions. */
export async function tellOf(tx: Tx, viewer: PersonViewer, notice: Notice, now: Date): Promise<void> {
  const { tenantId, userId, sessionId } = viewer;
  await queueMail(tx, tenantId, { kind: 'notice', userId, notice, at: now.toISOString(), sessionId });
}
