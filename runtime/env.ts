import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';

const database = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'expected postgresql://user:password@host:port/database',
});

const count = (byDefault: number, min = 1, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `expected at least ${min}`).max(max, `expected at most ${max}`))
    .default(byDefault);

const baseUrl = z
  .url({ protocol: /^https?$/, error: 'expected http:// or https://' })
  .transform((url) => url.replace(/\/+$/, ''));

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean),
);

/** `kid:base64,…`, newest first. `problem` says what is wrong with a key, if anything. */
const keyring = (problem: (key: Buffer) => string | undefined) =>
  list.transform((entries, context) => {
    const refuse = (message: string) => context.issues.push({ code: 'custom', input: undefined, message });
    const keys = entries.map((entry) => {
      const [, kid = '', base64 = ''] = /^([\w.-]+):([A-Za-z0-9+/]+={0,2})$/.exec(entry) ?? [];
      const key = Buffer.from(base64, 'base64');
      const wrong = kid === '' ? undefined : problem(key);
      if (wrong) refuse(`the key ${kid} is not usable: ${wrong}`);
      return { kid, key };
    });
    const kids = new Set(keys.map(({ kid }) => kid));
    if (keys.length === 0 || kids.has('')) refuse('expected kid:base64, comma-separated, newest first');
    if (kids.size < keys.length) refuse('expected every key under a name of its own');
    return keys;
  });

function encryptionKeyProblem(key: Buffer): string | undefined {
  return key.length === 32 ? undefined : `expected 32 bytes, found ${key.length}`;
}

function signingKeyProblem(key: Buffer): string | undefined {
  const expected = 'expected an ES256 (P-256) or Ed25519 private key in PKCS8';
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails } = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const isKnown = type === 'ed25519' || (type === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1');
    return isKnown ? undefined : expected;
  } catch {
    return expected; // what OpenSSL says of it helps nobody
  }
}

const laneNames = ['inbound', 'interactive', 'campaign', 'sync', 'maintenance'] as const;

/** On or off; not set, it depends on where we are. */
const onOrOff = z
  .enum(['on', 'off'])
  .transform((word) => word === 'on')
  .optional();

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const bitsMax = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return (
    rest.length === 0 && bitsMax > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax))
  );
}

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text;
}

/** Whether nobody on the way can read along. */
function isSafeOrLocal(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/** What has no default: each process must be given what it needs of it. */
const given = {
  DATABASE_URL: database,
  DATABASE_QUEUE_URL: database,
  DATABASE_OWNER_URL: database,
  STORAGE_URL: z.url({ protocol: /^(file|s3)$/, error: 'expected file:///folder or s3://bucket/prefix' }),
  ENCRYPTION_KEYS: keyring(encryptionKeyProblem),
  JWT_KEYS: keyring(signingKeyProblem),
};

const needs = {
  api: ['DATABASE_URL', 'STORAGE_URL', 'ENCRYPTION_KEYS', 'JWT_KEYS'],
  worker: ['DATABASE_URL', 'DATABASE_QUEUE_URL', 'STORAGE_URL', 'ENCRYPTION_KEYS'],
  migrate: ['DATABASE_URL', 'DATABASE_QUEUE_URL', 'DATABASE_OWNER_URL'],
  jobs: ['DATABASE_QUEUE_URL'],
  'rotate-keys': ['DATABASE_URL', 'ENCRYPTION_KEYS'],
  start: ['DATABASE_URL', 'DATABASE_QUEUE_URL', 'DATABASE_OWNER_URL', 'STORAGE_URL', 'ENCRYPTION_KEYS', 'JWT_KEYS'],
} as const satisfies Record<string, (keyof typeof given)[]>;

const settings = {
  NODE_ENV: z.enum(['production', 'development', 'test']).default('production'),
  DATABASE_POOL_SIZE: count(20, 2, 500),
  PORT: count(4000, 0, 65_535),
  METRICS_PORT: count(9464, 0, 65_535),
  PUBLIC_URL: baseUrl.optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  META_APP_ID: z
    .string()
    .regex(/^\d{1,32}$/, 'expected digits')
    .optional(),
  META_APP_SECRET: list
    .pipe(z.array(z.string()).min(1).max(2, 'expected one secret, or two while rotating'))
    .optional(),
  META_VERIFY_TOKEN: z.string().min(16, 'expected at least 16 characters').optional(),
  META_GRAPH_URL: baseUrl.default('https://graph.facebook.com'),
  GOOGLE_ISSUER_URL: baseUrl
    .refine(isSafeOrLocal, 'expected https://, or http:// on this machine')
    .default('https://accounts.google.com'),
  GOOGLE_CLIENT_ID: z.string().optional(),
  GOOGLE_CLIENT_SECRET: z.string().optional(),
  GOOGLE_REDIRECT_URL: z.url({ protocol: /^https?$/, error: 'expected http:// or https://' }).optional(),
  META_GRAPH_VERSION: z
    .string()
    .regex(/^v\d{1,3}\.\d$/, 'expected a version as v25.0')
    .default('v25.0'),
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'expected smtp://user:password@host:port or smtps://…' }).optional(),
  MAIL_FROM: z
    .string()
    .regex(/^(?:[^<>@\r\n]*<[^<>@\s]+@[\w.-]+>|[^<>@\s]+@[\w.-]+)$/, 'expected as Parley <no-reply@example.com>')
    .optional(),
  APP_URL: baseUrl.optional(),
  MAIL_TIMEOUT_MS: count(8_000, 100),
  ARGON2_MEMORY_KIB: count(19_456, 19_456, 4_194_304),
  ARGON2_TIME: count(2, 2, 100),
  ARGON2_PARALLELISM: count(1, 1, 64),
  CORS_ORIGINS: list
    .refine((origins) => origins.every(isOrigin), 'expected origins as https://app.example.com, without a path')
    .default([]),
  TRUSTED_PROXIES: list
    .refine((entries) => entries.every(isNetwork), 'expected networks as 10.0.0.0/8, or addresses')
    .default([]),
  GRAPHIQL: onOrOff,
  INTROSPECTION: onOrOff,
  PERSISTED_OPERATIONS: z.enum(['off', 'allow', 'only']).default('off'),
  PERSISTED_OPERATIONS_FILE: z.string().optional(),
  PERSISTED_OPERATIONS_FOR_KEYS: z.enum(['on', 'off']).default('off'),
  REQUEST_BODY_BYTES_MAX: count(1_000_000, 1_000),
  REQUEST_BODY_TIMEOUT_MS: count(10_000, 100),
  REQUEST_TIMEOUT_MS: count(10_000, 100),
  WEBHOOK_POOL_SIZE: count(4, 1, 100),
  WEBHOOK_BODY_BYTES_MAX: count(3_500_000, 1_000),
  WEBHOOK_HELD_BYTES_MAX: count(100_000_000, 1_000_000),
  QUERY_DEPTH_MAX: count(12),
  QUERY_ALIASES_MAX: count(30),
  QUERY_TOKENS_MAX: count(2_000),
  QUERY_DIRECTIVES_MAX: count(30),
  QUERY_ROOT_FIELDS_MAX: count(20),
  STEP_UP_SECONDS: count(300, 10),
  QUERY_BREADTH_MAX: count(100),
  QUERY_FIELDS_MAX: count(2_000),
  QUERY_VARIABLES_MAX: count(100),
  QUERY_VALUES_MAX: count(10_000),
  QUERY_LIST_MAX: count(2_000),
  QUERY_COST_MAX: count(20_000),
  COST_CALLER_POINTS: count(200_000),
  COST_CALLER_POINTS_PER_SECOND: count(20_000),
  COST_TENANT_POINTS: count(800_000),
  COST_TENANT_POINTS_PER_SECOND: count(80_000),
  COST_NETWORK_POINTS: count(20_000),
  COST_NETWORK_POINTS_PER_SECOND: count(1_000),
  ATTEMPTS_PER_ACCOUNT: count(5),
  ATTEMPTS_PER_NETWORK: count(100),
  ATTEMPT_DELAY_MS: count(1_000, 100),
  ATTEMPT_ACCOUNT_DELAY_MS_MAX: count(900_000),
  ATTEMPT_NETWORK_DELAY_MS_MAX: count(60_000),
  ATTEMPTS_FORGOTTEN_AFTER_MS: count(3_600_000),
  UPLOAD_BYTES_MAX: count(268_435_456),
  UPLOAD_EXPIRES_SECONDS: count(3_600),
  IMPORT_RECORDS_MAX: count(2_000_000),
  IMPORT_COLUMNS_MAX: count(100),
  IMPORT_CELL_BYTES_MAX: count(10_240),
  IMPORT_PAGE_RECORDS: count(1_000, 1, 10_000),
  IMPORT_PAGES_AT_ONCE: count(3, 1, 8),
  IMPORT_LEASE_MS: count(20_000, 500),
  IMPORT_SLICE_MS: count(20_000, 100),
  IMPORT_ATTEMPTS_MAX: count(5),
  META_TIMEOUT_MS: count(20_000, 200),
  SEND_LEASE_MS: count(45_000, 500),
  SEND_SLICE_MS: count(5_000, 100),
  SEND_IN_FLIGHT_MAX: count(400, 1, 5_000),
  SEND_SETTLE_MS: count(600_000, 100),
  SEND_STOP_MS: count(5_000, 50),
  SEND_RATE_MAX: count(1_000),
  CAMPAIGN_LAUNCH_LEASE_MS: count(15_000, 300),
  CAMPAIGN_LAUNCH_TIMEOUT_MS: count(300_000, 1_000),
  CAMPAIGN_LAUNCH_ATTEMPTS_MAX: count(5),
  CAMPAIGN_STALLED_AFTER_MS: count(60_000, 100),
  WORKER_LANES: list.pipe(z.array(z.enum(laneNames)).min(1)).default([...laneNames]),
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
export const variableNames = [...Object.keys(given), ...Object.keys(settings)];

type Process = keyof typeof needs;
type Outputs<T extends Record<string, z.ZodType>> = { [K in keyof T]: z.output<T[K]> };
export type EnvOf<P extends Process> = Outputs<typeof settings> &
  Pick<Outputs<typeof given>, (typeof needs)[P][number]>;

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
export function readEnv<P extends Process>(kind: P, source: NodeJS.ProcessEnv = process.env): EnvOf<P> {
  process.report.excludeEnv = true; // a report on a crash is read by others
  const needed = Object.fromEntries(needs[kind].map((name) => [name, given[name]]));
  const set = Object.fromEntries(
    Object.entries(source).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  );
  const result = z.object({ ...settings, ...needed }).safeParse(set);
  if (!result.success) {
    throw new EnvError(
      result.error.issues.map(({ path: [name = ''], message }) =>
        name in set ? `${String(name)} is not valid: ${message}` : `${String(name)} is missing`,
      ),
    );
  }
  const env = result.data as EnvOf<P>;
  const clashes = findClashes(env);
  if (clashes.length > 0) throw new EnvError(clashes);
  return env;
}

/** Variables that turn a partner on, all of them together; without any it is off. */
const partners = [
  ['META_APP_ID', 'META_APP_SECRET', 'META_VERIFY_TOKEN'],
  ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET', 'GOOGLE_REDIRECT_URL'],
  ['SMTP_URL', 'MAIL_FROM', 'APP_URL'],
] as const;

/** Values that are right each by itself and wrong together. */
function findClashes(env: Outputs<typeof settings>): string[] {
  const tooSoon = env.WORKER_DEAD_AFTER_MS < 2 * env.WORKER_HEARTBEAT_MS;
  const half = partners.flatMap((names) => {
    const missing = names.filter((name) => env[name] === undefined);
    return missing.length === names.length ? [] : missing;
  });
  return [
    ...(tooSoon ? ['WORKER_DEAD_AFTER_MS must be at least twice WORKER_HEARTBEAT_MS: one late beat is no death'] : []),
    ...(env.SEND_LEASE_MS < env.META_TIMEOUT_MS + 1_500
      ? ['SEND_LEASE_MS must be 1,500 more than META_TIMEOUT_MS at least: no request may outlive its lease']
      : []),
    ...(env.QUERY_COST_MAX > Math.min(env.COST_CALLER_POINTS, env.COST_TENANT_POINTS)
      ? ['QUERY_COST_MAX is more than COST_CALLER_POINTS or COST_TENANT_POINTS: such an operation could never be paid']
      : []),
    ...(env.PERSISTED_OPERATIONS !== 'off' && env.PERSISTED_OPERATIONS_FILE === undefined
      ? ['PERSISTED_OPERATIONS_FILE is missing: PERSISTED_OPERATIONS needs a list of operations']
      : []),
    ...half.map((name) => `${name} is missing: a partner is given all of its variables, or none`),
  ];
}

/** What the way to Meta is made with; null when Meta is off. */
export function metaOf(env: Outputs<typeof settings>): {
  appId: string;
  appSecrets: string[];
  verifyToken: string;
  graphUrl: string;
  graphVersion: string;
  timeoutMs: number;
} | null {
  const { META_APP_ID: appId, META_APP_SECRET: appSecrets, META_VERIFY_TOKEN: verifyToken } = env;
  if (appId === undefined || appSecrets === undefined || verifyToken === undefined) return null;
  const { META_GRAPH_URL: graphUrl, META_GRAPH_VERSION: graphVersion, META_TIMEOUT_MS: timeoutMs } = env;
  return { appId, appSecrets, verifyToken, graphUrl, graphVersion, timeoutMs };
}

/** What mails are sent with, and where their links lead; null when mails are off. */
export function mailOf(
  env: Outputs<typeof settings>,
): { url: string; from: string; appUrl: string; timeoutMs: number } | null {
  const { SMTP_URL: url, MAIL_FROM: from, APP_URL: appUrl, MAIL_TIMEOUT_MS: timeoutMs } = env;
  return url === undefined || from === undefined || appUrl === undefined ? null : { url, from, appUrl, timeoutMs };
}

/** How passwords are hashed. */
export function hashingOf(env: Outputs<typeof settings>): { memoryKib: number; time: number; parallelism: number } {
  return { memoryKib: env.ARGON2_MEMORY_KIB, time: env.ARGON2_TIME, parallelism: env.ARGON2_PARALLELISM };
}

/** What the way to sign in with Google is made with; null when it is off. */
export function googleOf(env: Outputs<typeof settings>): {
  issuerUrl: string;
  clientId: string;
  clientSecret: string;
  redirectUrl: string;
} | null {
  const { GOOGLE_CLIENT_ID: clientId, GOOGLE_CLIENT_SECRET: clientSecret, GOOGLE_REDIRECT_URL: redirectUrl } = env;
  if (clientId === undefined || clientSecret === undefined || redirectUrl === undefined) return null;
  return { issuerUrl: env.GOOGLE_ISSUER_URL, clientId, clientSecret, redirectUrl };
}
