import { sendBulk, sendSingle } from '../../domain/messages/jobs.ts';
import { sendDue } from '../../domain/messages/send-due.ts';
import { task, type TaskContext } from '../task.ts';

export const bulk = task(sendBulk, (job, context) => run(job, false, context));
export const single = task(sendSingle, (job, context) => run(job, true, context));

async function run(
  job: { tenantId: string; numberId: string },
  isSingle: boolean,
  context: TaskContext,
): Promise<void> {
  const { db, meta, keyring, settings, log, metrics, signal } = context;
  if (!meta) {
    log.warn({ numberId: job.numberId }, 'messages wait: WhatsApp is switched off in this installation');
    return;
  }
  const onProblem = (error: unknown) =>
    log.warn({ err: error, numberId: job.numberId }, 'outcomes could not be written yet');
  const report = await sendDue({ db, meta, keyring, settings, onProblem }, { ...job, isSingle }, signal);
  metrics.sentMessages(report);
  log.info({ numberId: job.numberId, isSingle, ...report }, 'a run over a number has ended');
  signal.throwIfAborted();
}
