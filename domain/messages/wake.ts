import type { Tx } from '../../prisma/client.ts';
import { enqueue } from '../jobs.ts';
import { sendBulk, sendSingle } from './jobs.ts';
import type { SendJob } from './send-due.ts';

/** The next run over a number: at once if this one's time was over, else when the next row is due. A number that is blocked is left to the clock. */
export async function wakeLater(tx: Tx, { tenantId, numberId, isSingle }: SendJob, why: string): Promise<void> {
  const definition = isSingle ? sendSingle : sendBulk;
  if (why === 'time is over') {
    await enqueue(tx, definition, { tenantId, numberId });
    return;
  }
  if (why !== 'nothing is due') return;
  const [next] = isSingle
    ? await tx.$queryRaw<{ at: Date | null }[]>`
        select min(due_at) as at from messages
        where tenant_id = ${tenantId}::uuid and number_id = ${numberId}::uuid and campaign_id is null and due_at is not null`
    : await tx.$queryRaw<{ at: Date | null }[]>`
        select min(m.at) as at from campaigns c
        cross join lateral (select min(due_at) as at from messages m
          where m.tenant_id = ${tenantId}::uuid and m.number_id = ${numberId}::uuid and m.campaign_id = c.id and m.due_at > now()) m
        where c.tenant_id = ${tenantId}::uuid and c.number_id = ${numberId}::uuid and c.status = 'RUNNING'`;
  if (next?.at) await enqueue(tx, definition, { tenantId, numberId }, next.at);
}
