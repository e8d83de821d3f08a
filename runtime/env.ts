import { z } from 'zod';

const database = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'expected postgresql://user:password@host:port/database',
});
const count = (byDefault: number, min = 1, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number().int().min(min).max(max).default(byDefault);

/** `kid:base64,…`, newest first. */
const keyring = z.string().transform((text, context) => {
  const keys = text.split(',').map((entry) => {
    const [kid, base64, ...rest] = entry.trim().split(':');
    if (!kid || !base64 || rest.length > 0 || !/^[A-Za-z0-9+/]+=*$/.test(base64)) {
      context.issues.push({
        code: 'custom',
        input: undefined,
        message: 'expected kid:base64, comma-separated, newest first',
      });
      return undefined;
    }
    return { kid, key: Buffer.from(base64, 'base64') };
  });
  return keys.filter((key) => key !== undefined);
});

const laneNames = ['inbound', 'interactive', 'campaign', 'sync', 'maintenance'] as const;

const shape = {
  NODE_ENV: z.enum(['production', 'development', 'test']).default('production'),
  DATABASE_URL: database,
  DATABASE_QUEUE_URL: database,
  DATABASE_OWNER_URL: database,
  DATABASE_POOL_SIZE: count(20, 2, 500),
  STORAGE_URL: z.url({ protocol: /^(file|s3)$/, error: 'expected file:///folder or s3://bucket/prefix' }),
  PORT: count(4000, 0, 65_535),
  METRICS_PORT: count(9464, 0, 65_535),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  ENCRYPTION_KEYS: keyring.refine((keys) => keys.every(({ key }) => key.length === 32), 'expected keys of 32 bytes'),
  JWT_KEYS: keyring,
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((origin) => origin.trim())
        .filter(Boolean),
    ),
  REQUEST_BODY_BYTES_MAX: count(1_000_000, 1_000),
  REQUEST_TIMEOUT_MS: count(10_000, 100),
  QUERY_DEPTH_MAX: count(12),
  QUERY_ALIASES_MAX: count(30),
  QUERY_TOKENS_MAX: count(2_000),
  QUERY_DIRECTIVES_MAX: count(30),
  QUERY_ROOT_FIELDS_MAX: count(20),
  UPLOAD_BYTES_MAX: count(268_435_456),
  UPLOAD_EXPIRES_SECONDS: count(3_600),
  IMPORT_RECORDS_MAX: count(2_000_000),
  IMPORT_COLUMNS_MAX: count(100),
  IMPORT_CELL_BYTES_MAX: count(10_240),
  IMPORT_PAGE_RECORDS: count(2_000, 1, 10_000),
  IMPORT_LEASE_MS: count(20_000, 500),
  IMPORT_SLICE_MS: count(20_000, 100),
  WORKER_LANES: z
    .string()
    .default(laneNames.join(','))
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(laneNames)).min(1)),
  WORKER_CONCURRENCY: count(4, 1, 64),
  WORKER_POLL_MS: count(1_000, 50),
  WORKER_HEARTBEAT_MS: count(5_000, 50),
  WORKER_DEAD_AFTER_MS: count(20_000, 200),
  WORKER_SWEEP_MS: count(5_000, 50),
  WORKER_CLOCK_MS: count(10_000, 50),
  WORKER_STALLED_AFTER_MS: count(30_000, 500),
  STOP_WITHIN_MS: count(9_000, 100),
};

/** Every variable that is read, for what lists them. */
export const variableNames = Object.keys(shape);

const everything = z.object(shape);
export type Env = z.infer<typeof everything>;

/** What each process must be given; the rest has a default or is not its business. */
const needs = {
  api: ['DATABASE_URL', 'STORAGE_URL', 'ENCRYPTION_KEYS', 'JWT_KEYS'],
  worker: ['DATABASE_URL', 'DATABASE_QUEUE_URL', 'STORAGE_URL', 'ENCRYPTION_KEYS'],
  migrate: ['DATABASE_URL', 'DATABASE_QUEUE_URL', 'DATABASE_OWNER_URL'],
  jobs: ['DATABASE_QUEUE_URL'],
} as const satisfies Record<string, (keyof Env)[]>;

type Secret =
  'DATABASE_URL' | 'DATABASE_QUEUE_URL' | 'DATABASE_OWNER_URL' | 'STORAGE_URL' | 'ENCRYPTION_KEYS' | 'JWT_KEYS';
export type EnvOf<P extends keyof typeof needs> = Omit<Env, Secret> & Pick<Env, (typeof needs)[P][number]>;

/** The environment is wrong: every mistake, by name, without any value. */
export class EnvError extends Error {
  readonly mistakes: string[];
  constructor(mistakes: string[]) {
    super(
      `The environment is not right:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}\nEvery variable is explained in .env.example.`,
    );
    this.mistakes = mistakes;
  }
}

/** Reads and checks the environment of one kind of process; all mistakes are reported together. The only reader of `process.env`. */
export function readEnv<P extends keyof typeof needs>(process_: P, source: NodeJS.ProcessEnv = process.env): EnvOf<P> {
  const needed: readonly string[] = needs[process_];
  const secrets = [
    'DATABASE_URL',
    'DATABASE_QUEUE_URL',
    'DATABASE_OWNER_URL',
    'STORAGE_URL',
    'ENCRYPTION_KEYS',
    'JWT_KEYS',
  ];
  const set = Object.fromEntries(Object.entries(source).filter(([name, value]) => name in shape && value !== ''));
  const optional = secrets.filter((name) => !needed.includes(name));
  const schema = everything.partial(Object.fromEntries(optional.map((name) => [name, true])) as Record<Secret, true>);
  const result = schema.safeParse(set);
  if (result.success) return result.data as EnvOf<P>;
  throw new EnvError(
    result.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${name} ${name in set ? `is not valid: ${message}` : 'is missing'}`;
    }),
  );
}
