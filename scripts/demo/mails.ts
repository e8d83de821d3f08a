import { setTimeout as pause } from 'node:timers/promises';
import { type CaughtMail, type MailCatcher, startMailCatcher } from '../../simulators/mail/catcher.ts';
import type { Client } from '../client.ts';

/** A mail server on this machine that delivers nothing and shows everything, and the variables under which API and worker use it. */
export type Mailbox = MailCatcher & { env: Record<'SMTP_URL' | 'MAIL_FROM' | 'APP_URL', string> };

export async function startMailbox(say: (line: string) => void): Promise<Mailbox> {
  const catcher = await startMailCatcher({ onMail: (mail) => say(shown(mail)) });
  const env = {
    SMTP_URL: catcher.url,
    MAIL_FROM: 'Parley <no-reply@parley.example>',
    APP_URL: 'https://app.parley.example', // a front end that there is not: what counts in a link stands behind its #
  };
  return { ...catcher, env };
}

function shown({ to, subject, text, html }: CaughtMail): string {
  const lines = text.split('\n').map((line) => `  | ${line}`.trimEnd());
  return [`  Mail to ${to.join(', ')} (text, and HTML of ${html.length} characters): ${subject}`, ...lines].join('\n');
}

/** Waits for the mail that a sign-up sends, and follows its link. */
export async function confirmAddress(visitor: Client, mailbox: Mailbox, email: string): Promise<void> {
  const token = await tokenOfFirst(mailbox, email);
  await visitor.run(
    `mutation ($input: EmailVerifyInput!) { emailVerify(input: $input) { __typename ... on UserError { message } } }`,
    { input: { token } },
  );
}

async function tokenOfFirst(mailbox: Mailbox, email: string): Promise<string> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await pause(100)) {
    const [mail] = mailbox.to(email);
    if (!mail) continue;
    const [, token] = /#token=([\w-]+)$/.exec(mail.links[0] ?? '') ?? [];
    if (token === undefined) throw new Error('The first mail has no link to follow.');
    return token;
  }
  throw new Error('The mail to confirm the address did not come within half a minute.');
}
