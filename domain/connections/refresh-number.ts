import { readAccount, readNumber } from '../../connectors/whatsapp/accounts.ts';
import type { MetaRefusal } from '../../connectors/whatsapp/json.ts';
import { NotFoundError } from '../errors.ts';
import { noteRefusal, openAccount } from './account-access.ts';
import type { ConnectDeps } from './connect-whatsapp.ts';
import { granted, needMeta } from './partner-answer.ts';
import { upsertNumbers } from './store-numbers.ts';

/** Reads a number and its account anew, and lifts what blocks them where Meta says that they may send. */
export async function refreshNumber(
  { run, meta: given, keyring }: Omit<ConnectDeps, 'now'>,
  tenantId: string,
  numberId: string,
): Promise<{ id: string }> {
  const meta = needMeta(given);
  const { phoneNumberId, ...access } = await run(async (tx) => {
    const number = await tx.whatsAppNumber.findUnique({
      where: { tenantId_id: { tenantId, id: numberId } },
      select: { accountId: true, phoneNumberId: true },
    });
    if (!number) throw new NotFoundError('There is no such number.');
    return { ...(await openAccount(tx, keyring, tenantId, number.accountId)), phoneNumberId: number.phoneNumberId };
  });
  const { token, accountId, connectionId, wabaId } = access;
  const [number, account] = await Promise.all([
    readNumber(meta, token, phoneNumberId),
    readAccount(meta, token, wabaId),
  ]);
  const refused = [number, account].find((result) => result.kind === 'refused') as { refusal: MetaRefusal } | undefined;
  if (refused) await run((tx) => noteRefusal(tx, tenantId, connectionId, refused.refusal));
  const [numberNow, accountNow] = [granted(number), granted(account)];
  await run(async (tx) => {
    await tx.connection.updateMany({
      where: { tenantId, id: connectionId, status: 'BROKEN' }, // the token has just opened both
      data: { status: 'ACTIVE', brokenReason: null, updatedAt: new Date() },
    });
    const { name, reviewStatus, canSend } = accountNow;
    await tx.whatsAppAccount.updateMany({
      where: { tenantId, id: accountId },
      data: {
        name,
        reviewStatus,
        updatedAt: new Date(),
        ...(canSend ? { blockedReason: null, blockedAt: null, blockedUntil: null } : {}),
      },
    });
    await upsertNumbers(tx, tenantId, accountId, [numberNow]);
  });
  return { id: numberId };
}
