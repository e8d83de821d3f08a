import { SMTPServer } from 'smtp-server';

/** A mail as it arrived, taken apart. */
export type CaughtMail = {
  messageId: string;
  from: string;
  to: string[];
  subject: string;
  headers: Record<string, string>;
  text: string;
  html: string;
  /** The links in its text. */
  links: string[];
};

/** An answer of a mail server that is not a yes. */
export type Refusal = { status: number; message: string };

export type MailCatcher = AsyncDisposable & {
  /** As SMTP_URL takes it. */
  url: string;
  /** Everything that arrived, oldest first. */
  mails: CaughtMail[];
  /** Mails to one address, oldest first. */
  to(address: string): CaughtMail[];
  /** The next mails are answered with this. */
  refuseNext(refusal: Refusal, count?: number): void;
};

/** A mail server on a port of its own that takes every mail and delivers none: for tests, and to look at in the demo. */
export async function startMailCatcher(options: { onMail?: (mail: CaughtMail) => void } = {}): Promise<MailCatcher> {
  const mails: CaughtMail[] = [];
  const refusals: Refusal[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    onRcptTo(_address, _session, done) {
      const refusal = refusals.shift();
      done(refusal ? Object.assign(new Error(refusal.message), { responseCode: refusal.status }) : null);
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const mail = readMail(
          Buffer.concat(chunks).toString('latin1'),
          envelope.rcptTo.map(({ address }) => address),
        );
        mails.push(mail);
        options.onMail?.(mail);
        done();
      });
    },
  });
  server.on('error', () => {}); // a client went away
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('The mail catcher has no port.');
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    mails,
    to: (address) => mails.filter(({ to }) => to.includes(address)),
    refuseNext: (refusal, count = 1) => refusals.push(...Array.from({ length: count }, () => refusal)),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Reads what our mails are made of: headers, and a text and an HTML part beside each other. */
function readMail(raw: string, to: string[]): CaughtMail {
  const { headers, body } = readPart(raw);
  const boundary = /boundary="?([^";\r\n]+)"?/.exec(headers['content-type'] ?? '')?.[1];
  const parts = boundary === undefined ? [raw] : body.split(`--${boundary}`).slice(1, -1);
  const contentOf = (type: string) => {
    const part = parts.map(readPart).find((one) => one.headers['content-type']?.startsWith(type));
    return part ? decodeBody(part) : '';
  };
  const text = contentOf('text/plain');
  return {
    messageId: headers['message-id'] ?? '',
    from: headers['from'] ?? '',
    to,
    subject: decodeWords(headers['subject'] ?? ''),
    headers,
    text,
    html: contentOf('text/html'),
    links: [...text.matchAll(/https?:\/\/\S+/g)].map(([link]) => link),
  };
}

type Part = { headers: Record<string, string>; body: string };

function readPart(raw: string): Part {
  const [head = '', ...rest] = raw.replace(/^\r?\n/, '').split('\r\n\r\n');
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  const pairs = lines.map((line) => /^([\w-]+):\s*(.*)$/.exec(line)).filter((pair) => pair !== null);
  const headers = Object.fromEntries(pairs.map(([, name = '', value = '']) => [name.toLowerCase(), value]));
  return { headers, body: rest.join('\r\n\r\n') };
}

function decodeBody({ headers, body }: Part): string {
  const encoding = headers['content-transfer-encoding']?.toLowerCase();
  const bytes =
    encoding === 'base64'
      ? Buffer.from(body, 'base64')
      : Buffer.from(encoding === 'quoted-printable' ? unquote(body) : body, 'latin1');
  return bytes.toString('utf8').replaceAll('\r\n', '\n').trim();
}

function unquote(text: string): string {
  return text
    .replaceAll(/=\r?\n/g, '')
    .replaceAll(/=([\dA-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Words of a header that are not ASCII (RFC 2047). */
function decodeWords(text: string): string {
  return text
    .replaceAll(/(\?=)\s+(=\?)/g, '$1$2')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('utf8')
        : Buffer.from(unquote(word.replaceAll('_', ' ')), 'latin1').toString('utf8'),
    );
}
