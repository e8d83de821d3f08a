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
  const paths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
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
  /** Where Postgres said no: its code and the rule that was broken, by name. */
  sqlState?: string;
  constraint?: string;
  message: string;
  stack: string[];
  cause?: ErrorDescription;
  errors?: ErrorDescription[];
};

const frame = /^ {4}at .*(?::\d+:\d+|<anonymous>|native)\)?$/;

/** What of an error may be written down: its kind, its codes, where it came from, and its message without the data in it. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: scrub(String(error)), stack: [] };
  const stack = (error.stack ?? '').split('\n').filter((line) => frame.test(line)); // the message stands there too
  return {
    type: error.constructor.name,
    ...codesOf(error),
    message: scrub(messageOf(error)),
    stack: stack.slice(0, 12).map((line) => line.trim()),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
    ...(error instanceof AggregateError ? { errors: error.errors.slice(0, 3).map(describeError) } : {}),
  };
}

/** Of a query that Prisma does not understand only which one: the rest of its message is the query. */
function messageOf(error: Error): string {
  const message = error.message.trim();
  return error.name === 'PrismaClientValidationError' ? (message.split('\n')[0] ?? '') : message;
}

/** Codes and the names of constraints hold no data; Prisma keeps Postgres's own below its. */
function codesOf(error: Error): Pick<ErrorDescription, 'code' | 'sqlState' | 'constraint'> {
  const fields = error as { code?: unknown; meta?: { driverAdapterError?: { cause?: unknown } } };
  const below = (fields.meta?.driverAdapterError?.cause ?? {}) as {
    originalCode?: unknown;
    constraint?: { index?: unknown };
  };
  const plain = (name: 'code' | 'sqlState' | 'constraint', value: unknown) =>
    (typeof value === 'string' || typeof value === 'number') && /^\w{1,100}$/.test(String(value))
      ? { [name]: String(value) }
      : {};
  return {
    ...plain('code', fields.code),
    ...plain('sqlState', below.originalCode),
    ...plain('constraint', below.constraint?.index),
  };
}

const uuid = String.raw`\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b`;
const data = [
  String.raw`=\s?\([^)]*\)`, // Postgres: Key (phone)=(+55…)
  String.raw`"(?:[^"\\]|\\.)*"`,
  String.raw`(?<!\w)'(?:[^'\\]|\\.)*'(?!\w)`,
  String.raw`\S+@\S+`,
  String.raw`\+?\d[\d\s().-]{5,}\d`,
  String.raw`[\w+/=-]{24,}(?:\.[\w+/=-]+)*`,
];
const uuidOrData = new RegExp([`(?<id>${uuid})`, ...data].join('|'), 'gi');

/** Takes out of a text what may be somebody's: quoted values, addresses, long numbers, tokens. Ids stay. */
export function scrub(text: string): string {
  return text
    .slice(0, 5_000)
    .replaceAll(uuidOrData, (found, id: string | undefined) => (id ? found : '…'))
    .slice(0, 1_000);
}
