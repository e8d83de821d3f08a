import type { Tx } from '../../prisma/client.ts';
import { recordPersonDeed } from '../audit/record-person-deed.ts';
import { queueMail } from '../mails/queue-mail.ts';
import {
  formatRefreshToken,
  hashRefreshToken,
  newRefreshToken,
  type RefreshToken,
  successorOf,
} from './refresh-token.ts';
import type { Claims, Origin } from './viewer.ts';

const dayMs = 24 * 60 * 60_000;
/** How long a session lives at most, and how long without being used. */
const absoluteLifeMs = 30 * dayMs;
export const idleLifeMs = 7 * dayMs;
/** How long a used refresh token may be repeated: answers get lost, and a browser has many tabs. */
const repeatWithinMs = 10_000;

/** What somebody who signed in is given; the token is shown here once and stored as a hash. */
export type OpenSession = { claims: Claims; refreshToken: string };

/** What a session takes over from the one that it comes from: it proves no more, and lives no longer. */
export type Inherited = { confirmedAt?: Date; expiresAt?: Date };

/** Begins a session of a person in a tenant, in a transaction of both. */
export async function createSession(
  tx: Tx,
  { tenantId, userId }: { tenantId: string; userId: string },
  origin: Origin | null,
  now: Date,
  { confirmedAt = now, expiresAt = new Date(now.getTime() + absoluteLifeMs) }: Inherited = {},
): Promise<OpenSession> {
  await deleteEnded(tx, tenantId, userId, now);
  const session = await tx.session.create({
    data: { tenantId, userId, createdAt: now, lastUsedAt: now, confirmedAt, expiresAt, ...placeOf(origin) },
    select: { id: true },
  });
  const token = newRefreshToken(tenantId, userId);
  await storeToken(tx, token, session.id, now);
  return { claims: { tenantId, userId, sessionId: session.id }, refreshToken: formatRefreshToken(token) };
}

/** A session keeps every token it ever had, to notice a stolen one; when it has ended, all of it goes. */
async function deleteEnded(tx: Tx, tenantId: string, userId: string, now: Date): Promise<void> {
  const ended = [
    { revokedAt: { not: null } },
    { expiresAt: { lte: now } },
    { lastUsedAt: { lte: new Date(now.getTime() - idleLifeMs) } },
  ];
  await tx.session.deleteMany({ where: { tenantId, userId, OR: ended } });
}

/**
 * Trades a refresh token for its successor, in a transaction of the token's tenant and person. The same token again within ten
 * seconds gives the same successor; later it was stolen from somebody, and the whole session ends. Null when the session is over:
 * returned, not thrown, because ending the session has to be committed.
 */
export async function refreshSession(
  tx: Tx,
  token: RefreshToken,
  serverSecrets: readonly Buffer[],
  origin: Origin | null,
  now: Date,
): Promise<OpenSession | null> {
  const { tenantId, userId } = token;
  const [newestSecret] = serverSecrets;
  if (!newestSecret) throw new Error('There is no server secret to derive refresh tokens with.');
  const hash = hashRefreshToken(token);
  const idleSince = new Date(now.getTime() - idleLifeMs);

  // One statement consumes the token: of many at the same moment exactly one gets the row back.
  const [consumed] = await tx.$queryRaw<{ sessionId: string }[]>`
    update refresh_tokens t set used_at = ${now}
      from sessions s
     where t.tenant_id = ${tenantId}::uuid and t.hash = ${hash} and t.used_at is null
       and s.tenant_id = t.tenant_id and s.id = t.session_id
       and s.revoked_at is null and s.expires_at > ${now} and s.last_used_at > ${idleSince}
    returning t.session_id as "sessionId"`;
  if (consumed) {
    const { sessionId } = consumed;
    const successor = successorOf(token, newestSecret);
    await storeToken(tx, successor, sessionId, now);
    const used = { lastUsedAt: now, ...placeOf(origin) };
    await tx.session.update({ where: { tenantId_id: { tenantId, id: sessionId } }, data: used });
    return { claims: { tenantId, userId, sessionId }, refreshToken: formatRefreshToken(successor) };
  }

  const used = await tx.refreshToken.findUnique({
    where: { tenantId_hash: { tenantId, hash } },
    select: { sessionId: true, usedAt: true, session: { select: { revokedAt: true, expiresAt: true } } },
  });
  if (!used?.usedAt || used.session.revokedAt || used.session.expiresAt <= now) return null;
  const { sessionId } = used;
  if (now.getTime() - used.usedAt.getTime() <= repeatWithinMs) {
    const successor = await findSuccessor(tx, token, serverSecrets);
    if (successor) return { claims: { tenantId, userId, sessionId }, refreshToken: formatRefreshToken(successor) };
  }
  if (await revoke(tx, tenantId, sessionId, now)) await tellReuse(tx, { tenantId, userId, sessionId }, origin, now);
  return null;
}

/** Somebody has a copy of the token. Which of the two is the thief nobody knows: the person is told. */
async function tellReuse(
  tx: Tx,
  { tenantId, userId, sessionId }: Claims,
  origin: Origin | null,
  now: Date,
): Promise<void> {
  const target = { type: 'UserSession', id: sessionId };
  await recordPersonDeed(tx, { origin, bySystem: true, tenantId }, { action: 'session.reuse', target });
  const at = now.toISOString();
  await queueMail(tx, tenantId, { kind: 'notice', userId, notice: 'session-reused', at, sessionId });
}

/** Ends the session that a refresh token belongs to, used or not; nothing happens when there is none. */
export async function endSession(tx: Tx, token: RefreshToken, now: Date): Promise<void> {
  const { tenantId } = token;
  const found = await tx.refreshToken.findUnique({
    where: { tenantId_hash: { tenantId, hash: hashRefreshToken(token) } },
    select: { sessionId: true },
  });
  if (found) await revoke(tx, tenantId, found.sessionId, now);
}

/** The successor that was given out: derived with whichever server secret was the newest then. */
async function findSuccessor(
  tx: Tx,
  token: RefreshToken,
  serverSecrets: readonly Buffer[],
): Promise<RefreshToken | undefined> {
  const candidates = serverSecrets.map((secret) => successorOf(token, secret));
  const stored = await tx.refreshToken.findMany({
    where: { tenantId: token.tenantId, hash: { in: candidates.map(hashRefreshToken) } },
    select: { hash: true },
  });
  return candidates.find((candidate) => stored.some(({ hash }) => hashRefreshToken(candidate).equals(hash)));
}

async function storeToken(tx: Tx, token: RefreshToken, sessionId: string, now: Date): Promise<void> {
  const { tenantId, userId } = token;
  await tx.refreshToken.create({
    data: { tenantId, userId, sessionId, hash: hashRefreshToken(token), createdAt: now },
    select: { tenantId: true },
  });
}

function placeOf(origin: Origin | null): { address: string | null; userAgent: string | null } {
  return { address: origin?.address ?? null, userAgent: origin?.userAgent ?? null };
}

async function revoke(tx: Tx, tenantId: string, id: string, now: Date): Promise<boolean> {
  const { count } = await tx.session.updateMany({ where: { tenantId, id, revokedAt: null }, data: { revokedAt: now } });
  return count > 0;
}
