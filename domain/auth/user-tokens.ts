import type { Tx } from '../../prisma/client.ts';
import { formatLinkToken, hashLinkToken, type LinkToken, makeLinkToken, remakeLinkToken } from './link-token.ts';

export type UserTokenPurpose = 'VERIFY_EMAIL' | 'RESET_PASSWORD';

const minuteMs = 60_000;
/** How long a link works, from when it was asked for. */
export const lifeMs = { VERIFY_EMAIL: 3 * 24 * 60 * minuteMs, RESET_PASSWORD: 30 * minuteMs } as const;

type NewToken = { userId: string; id: string; purpose: UserTokenPurpose; emailKey: string; askedAt: Date };

/**
 * The token for a mail to a person, in a transaction of the person: stored as a hash when first made, and the very same when its mail is
 * written again. It takes the place of older ones: only the newest link works. Null when it is over, or there is a newer one already.
 */
export async function issueToken(
  tx: Tx,
  { userId, id, purpose, emailKey, askedAt }: NewToken,
  serverSecrets: readonly Buffer[],
  now: Date,
): Promise<string | null> {
  const [newest] = serverSecrets;
  if (!newest) throw new Error('There is no server secret to derive tokens with.');
  const expiresAt = new Date(askedAt.getTime() + lifeMs[purpose]);
  if (expiresAt <= now) return null;
  const made = makeLinkToken(purpose, userId, id, newest);
  const stored = await tx.userToken.findMany({ where: { userId, purpose, id: { gte: id } } }); // ids are ordered by time
  if (stored.some((token) => token.id !== id)) return null;
  const [known] = stored;
  if (known) {
    const remade = remakeLinkToken(purpose, userId, id, serverSecrets, known.hash);
    return remade && !known.usedAt ? formatLinkToken(remade) : null;
  }
  await tx.userToken.deleteMany({ where: { userId, purpose } });
  const data = { userId, id, purpose, emailKey, hash: hashLinkToken(made), createdAt: now, expiresAt };
  await tx.userToken.create({ data, select: { id: true } });
  return formatLinkToken(made);
}

/** The row of a token that still works, in a transaction of its person; null for every other. */
export async function findToken(
  tx: Tx,
  token: LinkToken,
  purpose: UserTokenPurpose,
  now: Date,
): Promise<{ userId: string; emailKey: string } | null> {
  const { scopeId: userId, id } = token;
  return tx.userToken.findUnique({
    where: { userId_id: { userId, id }, purpose, hash: hashLinkToken(token), usedAt: null, expiresAt: { gt: now } },
    select: { userId: true, emailKey: true },
  });
}

/** Uses a token up: of many at the same moment exactly one gets true. */
export async function spendToken(tx: Tx, token: LinkToken, purpose: UserTokenPurpose, now: Date): Promise<boolean> {
  const { scopeId: userId, id } = token;
  const { count } = await tx.userToken.updateMany({
    where: { userId, id, purpose, hash: hashLinkToken(token), usedAt: null, expiresAt: { gt: now } },
    data: { usedAt: now },
  });
  return count === 1;
}
