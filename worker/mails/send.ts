import { composeMail, scopeOfMail } from '../../domain/mails/compose-mail.ts';
import { sendMailJob } from '../../domain/mails/queue-mail.ts';
import { inScope } from '../../prisma/client.ts';
import { HopelessJobError, task } from '../task.ts';

/** Writes one mail and hands it to the mail server: what it is about is read first, and what is stored of its link is committed before it leaves. */
export const sendMail = task(sendMailJob, async (queued, { db, log, mail, metrics }) => {
  const { mailId, mail: about } = queued;
  const { kind } = about;
  if (!mail) {
    metrics.mail(kind, 'off');
    log.warn({ mailId, kind }, 'a mail is not sent: mails are off (SMTP_URL)');
    return;
  }
  const { mailer, appUrl, serverSecrets } = mail;
  const options = { serverSecrets, appUrl, now: new Date() };
  const letter = await inScope(db, scopeOfMail(queued), (tx) => composeMail(tx, queued, options));
  if (!letter) {
    metrics.mail(kind, 'dropped');
    log.info({ mailId, kind }, 'a mail has nobody to go to, or is no longer true');
    return;
  }
  const delivery = await mailer.send({ id: mailId, ...letter });
  metrics.mail(kind, delivery.outcome);
  if (delivery.outcome === 'refused') throw new HopelessJobError(`The mail server refused it (${delivery.status}).`);
  if (delivery.outcome === 'failed') throw new Error(`The mail server did not take it (${delivery.reason}).`);
});
