import { timingSafeEqual } from 'node:crypto';
import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { queueMail } from '../mails/queue-mail.ts';
import { endKey, isLive } from './api-keys.ts';
import type { KeyClaims, Origin } from './viewer.ts';

/**
 * Ends a key that somebody found where it should not be, whoever that is: who can show a key has it, and could do worse with it.
 * Owners are told by mail. Says nothing of what came of it: a stolen key tells nobody whose it is.
 */
export async function reportApiKey(
  tx: Tx,
  { tenantId, apiKeyId: id, secretHash }: KeyClaims,
  origin: Origin | null,
  now: Date,
): Promise<void> {
  const key = await tx.apiKey.findUnique({
    where: { tenantId_id: { tenantId, id } },
    select: { secretHash: true, revokedAt: true, expiresAt: true },
  });
  if (!key || !timingSafeEqual(key.secretHash, secretHash) || !isLive(key, now)) return;
  if (!(await endKey(tx, tenantId, id, 'REPORTED', now))) return;
  const by = { tenantId, actor: { type: 'SYSTEM', id: null }, origin } as const;
  await recordAudit(tx, by, { action: 'apiKey.report', target: { type: 'ApiKey', id } });
  const owners = await tx.membership.findMany({ where: { tenantId, role: 'OWNER' }, select: { userId: true } });
  for (const { userId } of owners) {
    await queueMail(tx, tenantId, { kind: 'notice', userId, notice: 'api-key-reported', at: now.toISOString() });
  }
}
