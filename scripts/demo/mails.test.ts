import { expect, test } from 'vitest';
import { createMailer } from '../../connectors/smtp/mailer.ts';
import { startMailbox } from './mails.ts';

test('the demo shows each mail in full, its link included', async () => {
  const said: string[] = [];
  await using mailbox = await startMailbox((line) => void said.push(line));
  const { SMTP_URL: url, MAIL_FROM: from, APP_URL: appUrl } = mailbox.env;
  await using mailer = createMailer({ url, from, timeoutMs: 10_000 });
  const link = `${appUrl}/verify-email#token=abc`;
  const mail = { id: 'one', to: 'ana@example.com', subject: 'Confirme seu endereço', html: `<p>${link}</p>` };
  expect(await mailer.send({ ...mail, text: `Olá,\n\n${link}\n` })).toEqual({ outcome: 'sent' });
  expect(said.join('\n')).toContain('Mail to ana@example.com');
  expect(said.join('\n')).toContain(': Confirme seu endereço\n  | Olá,\n  |\n  | https://');
  expect(said.join('\n')).toContain(link);
});
