import type { Tx } from '../../prisma/client.ts';
import { createSession, type OpenSession } from './sessions.ts';
import { type Presence, recordSuccess } from './sign-in-signals.ts';

/** Begins the session of somebody who has proved who they are, and notes from where; in a transaction of the person and the tenant. */
export async function beginSession(
  tx: Tx,
  whose: { tenantId: string; userId: string },
  presence: Presence,
  now: Date,
): Promise<OpenSession> {
  const session = await createSession(tx, whose, presence.origin, now);
  await recordSuccess(tx, session.claims, presence, now);
  return session;
}
