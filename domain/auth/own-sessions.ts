import type { Tx } from '../../prisma/client.ts';
import { recordPersonDeed } from '../audit/record-person-deed.ts';
import { NotFoundError } from '../errors.ts';
import { type Page, prismaPage } from '../page.ts';
import { idleLifeMs } from './sessions.ts';
import type { PersonViewer } from './viewer.ts';

/** A session as its owner sees it. */
export type OwnSession = {
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
  address: string | null;
  userAgent: string | null;
};

const shown = { id: true, createdAt: true, lastUsedAt: true, expiresAt: true, address: true, userAgent: true } as const;

/** The sessions of a person that open something, for whatever tenant. */
const open = (userId: string, now: Date) => ({
  userId,
  revokedAt: null,
  expiresAt: { gt: now },
  lastUsedAt: { gt: new Date(now.getTime() - idleLifeMs) },
});

export function listSessions(tx: Tx, userId: string, page: Page, now: Date): Promise<OwnSession[]> {
  const { where, ...rest } = prismaPage(page);
  return tx.session.findMany({ ...rest, where: { AND: [open(userId, now), where] }, select: shown });
}

export function findSessions(tx: Tx, userId: string, ids: string[], now: Date): Promise<OwnSession[]> {
  return tx.session.findMany({ where: { AND: [open(userId, now), { id: { in: ids } }] }, select: shown });
}

/** Ends one of the own sessions, the one in use included: its tokens open nothing from then on. */
export async function endOwnSession(tx: Tx, viewer: PersonViewer, sessionId: string, now: Date): Promise<void> {
  const { userId, origin } = viewer;
  const where = { ...open(userId, now), id: sessionId };
  const session = await tx.session.findFirst({ where, select: { tenantId: true } });
  const { count } = await tx.session.updateMany({ where, data: { revokedAt: now } });
  if (!session || count === 0) throw new NotFoundError('There is no such session.');
  const target = { type: 'UserSession', id: sessionId };
  await recordPersonDeed(tx, { origin, tenantId: session.tenantId }, { action: 'session.end', target });
}

/** Ends every session of the person but the one in use. Returns how many. */
export async function endOtherSessions(
  tx: Tx,
  { userId, sessionId, origin }: PersonViewer,
  now: Date,
): Promise<number> {
  const ended = await revokeSessions(tx, userId, now, sessionId);
  const target = { type: 'User', id: userId };
  await recordPersonDeed(tx, { origin }, { action: 'session.endOthers', target, after: { ended } });
  return ended;
}

/**
 * Ends the sessions of a person, for whatever tenant, but one. Returns how many. One that begins at the same moment refers to the person's row:
 * it is there before, and ends with the others, or waits until they have ended.
 */
export async function revokeSessions(tx: Tx, userId: string, now: Date, exceptId?: string): Promise<number> {
  await tx.$queryRaw`select from users where id = ${userId}::uuid for update`;
  const others = exceptId === undefined ? {} : { id: { not: exceptId } };
  const { count } = await tx.session.updateMany({
    where: { ...open(userId, now), ...others },
    data: { revokedAt: now },
  });
  return count;
}
