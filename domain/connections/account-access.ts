import type { MetaRefusal } from '../../connectors/whatsapp/json.ts';
import type { Tx } from '../../prisma/client.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import type { Keyring } from './keyring.ts';
import { type Cell, open } from './seal.ts';
import { isTokenRefusal } from './partner-answer.ts';

/** What a call for an account is made with. The token stays in memory: it is never logged, and never in an error. */
export type AccountAccess = { accountId: string; wabaId: string; connectionId: string; token: string };

/** Where a connection's token is sealed. */
export function tokenCell(tenantId: string, connectionId: string): Cell {
  return { table: 'connections', column: 'token', tenantId, rowId: connectionId };
}

/** Opens the token of an account. Refuses where there is none any more. */
export async function openAccount(
  tx: Tx,
  keyring: Keyring,
  tenantId: string,
  accountId: string,
): Promise<AccountAccess & { status: string }> {
  const account = await tx.whatsAppAccount.findUnique({
    where: { tenantId_id: { tenantId, id: accountId } },
    select: { wabaId: true, connection: { select: { id: true, token: true, status: true } } },
  });
  if (!account) throw new NotFoundError('There is no such WhatsApp account.');
  const { id: connectionId, token, status } = account.connection;
  if (token === null) throw new ConflictError('The WhatsApp account is no longer connected. Connect it again.');
  const opened = open(keyring, tokenCell(tenantId, connectionId), token);
  return { accountId, wabaId: account.wabaId, connectionId, token: opened, status };
}

/** Writes down that a token no longer opens; nothing is sent through it until somebody reconnects. */
export async function noteRefusal(tx: Tx, tenantId: string, connectionId: string, refusal: MetaRefusal): Promise<void> {
  if (!isTokenRefusal(refusal)) return;
  await tx.connection.updateMany({
    where: { tenantId, id: connectionId, status: 'ACTIVE' },
    data: { status: 'BROKEN', brokenReason: `META_${refusal.code}`, updatedAt: new Date() },
  });
}
