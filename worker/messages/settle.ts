import { settleMessages } from '../../domain/messages/jobs.ts';
import { settle } from '../../domain/messages/settle.ts';
import { inTenant } from '../../prisma/client.ts';
import { task } from '../task.ts';

const rowsPerPage = 1_000;

export const settleOpen = task(settleMessages, async ({ tenantId }, { db, settings, log, signal }) => {
  for (;;) {
    signal.throwIfAborted();
    const settled = await inTenant(db, tenantId, (tx) => settle(tx, tenantId, settings.sendSettleMs, rowsPerPage));
    const rows = settled.inDoubt + settled.resent + settled.givenUp;
    if (rows > 0) log.info(settled, 'messages whose fate was open too long were settled');
    if (rows < rowsPerPage) return;
  }
});
