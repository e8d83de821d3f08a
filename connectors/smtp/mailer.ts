import { createTransport } from 'nodemailer';

/** A mail server, and in whose name mails go through it. */
export type MailerConfig = {
  /** `smtp://` (with STARTTLS, unless it is this machine or says `?tls=none`) or `smtps://`. */
  url: string;
  /** As `Parley <no-reply@example.com>`. */
  from: string;
  timeoutMs: number;
};

export type OutgoingMail = { id: string; to: string; subject: string; text: string; html: string };

/** `refused` is for good: the server does not want this mail. After `failed` another try may help; it may have gone out all the same. */
export type Delivery =
  { outcome: 'sent' } | { outcome: 'refused'; status: number } | { outcome: 'failed'; reason: string };

export type Mailer = AsyncDisposable & {
  /** Hands one mail to the server. Never throws for what the network or the server does. */
  send(mail: OutgoingMail): Promise<Delivery>;
};

/** After the server could not be reached, mails are not tried for so long: each would hold a worker until its time is up. */
const pauseMs = 3_000;

export function createMailer({ url, from, timeoutMs }: MailerConfig): Mailer {
  const transport = createTransport({
    ...serverOf(url),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([\w.-]+)/.exec(from)?.[1] ?? 'localhost';
  let unreachableUntil = 0;
  return {
    async send({ id, to, subject, text, html }) {
      if (performance.now() < unreachableUntil) return { outcome: 'failed', reason: 'could not be reached just now' };
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: to }, // an object: what the person typed is never read as a list of addresses
          subject,
          text,
          html,
          messageId: `<${id}@${domain}>`, // the same each time: a mail that arrives twice can be recognised
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
          signal: AbortSignal.timeout(timeoutMs * 2), // a server that answers a byte at a time
        });
        return { outcome: 'sent' };
      } catch (error) {
        const { code = 'unknown', responseCode } = error as { code?: string; responseCode?: number };
        const isAboutMail = code === 'EENVELOPE' || code === 'EMESSAGE';
        if (isAboutMail && responseCode !== undefined && responseCode >= 500)
          return { outcome: 'refused', status: responseCode };
        if (isAboutMail && responseCode === undefined) return { outcome: 'refused', status: 0 }; // an address that cannot be one
        if (responseCode === undefined) unreachableUntil = performance.now() + pauseMs;
        return { outcome: 'failed', reason: responseCode === undefined ? code : `${code} ${responseCode}` };
      }
    },
    async [Symbol.asyncDispose]() {
      transport.close();
    },
  };
}

function serverOf(text: string) {
  const url = new URL(text);
  const secure = url.protocol === 'smtps:';
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const inClear = url.searchParams.get('tls') === 'none' || isHere;
  const user = decodeURIComponent(url.username);
  return {
    host: url.hostname.replaceAll(/[[\]]/g, ''),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && !inClear,
    ignoreTLS: !secure && inClear,
    ...(user === '' ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }),
  };
}
