import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** Fields that may carry a person's data or a secret, wherever in a line they stand. */
const secretNames = [
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'idempotencyKey',
  'secret',
  'authorization',
  'cookie',
  'apiKey',
  'code',
  'pin',
  'phone',
  'email',
  'name',
  'address',
  'value',
  'text',
  'body',
  'note',
  'proof',
  'cells',
  'input',
  'variables',
  'headers',
];

/** One JSON line per event, with ids in fields. What may identify a person or open a door is cut out, at any of the first three levels. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const paths = secretNames.filter((name) => name !== 'code').flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: '[cut]' },
      serializers: { err: describeError },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ sync: false }),
  );
}

export type ErrorDescription = {
  type: string;
  code?: string;
  message: string;
  stack: string[];
  cause?: ErrorDescription;
};

/** What of an error may be written down: its kind, its codes, where it came from, and its message without the data in it. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: scrub(String(error)), stack: [] };
  const stack = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  const code = codeOf(error);
  return {
    type: error.constructor.name,
    ...(code === undefined ? {} : { code }),
    message: scrub(error.message),
    stack: stack.slice(0, 12).map((line) => line.trim()),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** Takes out of a text what may be somebody's: quoted values, addresses, long numbers, tokens. */
export function scrub(text: string): string {
  return text
    .replaceAll(/=\s?\([^)]*\)/g, '=(…)') // Postgres: Key (phone)=(+55…)
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '"…"')
    .replaceAll(/\S+@\S+/g, '…@…')
    .replaceAll(/\+?\d[\d\s().-]{5,}\d/g, '…')
    .replaceAll(/[\w-]{24,}(?:\.[\w-]+)*/g, '…')
    .slice(0, 1_000);
}

function codeOf(error: Error): string | undefined {
  if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number')) return String(error.code);
  return undefined;
}
