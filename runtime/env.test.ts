import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { EnvError, metaOf, readEnv, variableNames } from './env.ts';

const pkcs8 = (curve?: string) =>
  (curve ? generateKeyPairSync('ec', { namedCurve: curve }) : generateKeyPairSync('ed25519')).privateKey
    .export({ format: 'der', type: 'pkcs8' })
    .toString('base64');

const enough = {
  DATABASE_URL: 'postgresql://app:hunter2@localhost:5432/parley',
  STORAGE_URL: 'file:///var/lib/parley',
  ENCRYPTION_KEYS: `new:${randomBytes(32).toString('base64')},old:${randomBytes(32).toString('base64')}`,
  JWT_KEYS: `a:${pkcs8()},b:${pkcs8('prime256v1')}`,
};

function mistakesOf(kind: Parameters<typeof readEnv>[0], source: NodeJS.ProcessEnv): string[] {
  try {
    readEnv(kind, source);
    return [];
  } catch (error) {
    if (error instanceof EnvError) return error.mistakes;
    throw error;
  }
}

test('what is not set has a default, and what is set is read as what it means', () => {
  const env = readEnv('api', {
    ...enough,
    PORT: ' 8080\n',
    CORS_ORIGINS: 'https://a.example, https://b.example:8443',
    LOG_LEVEL: '',
  });
  expect(env).toMatchObject({
    NODE_ENV: 'production',
    PORT: 8080,
    METRICS_PORT: 9464,
    LOG_LEVEL: 'info',
    CORS_ORIGINS: ['https://a.example', 'https://b.example:8443'],
    REQUEST_TIMEOUT_MS: 10_000,
    WORKER_LANES: ['inbound', 'interactive', 'campaign', 'sync', 'maintenance'],
  });
  expect(env.PUBLIC_URL).toBeUndefined();
  expect(env.ENCRYPTION_KEYS.map(({ kid, key }) => [kid, key.length])).toEqual([
    ['new', 32],
    ['old', 32],
  ]);
  expect(readEnv('api', { ...enough, PUBLIC_URL: 'https://api.example/' }).PUBLIC_URL).toBe('https://api.example');
});

test('every mistake is reported at once, by name', () => {
  const mistakes = mistakesOf('api', {
    ...enough,
    DATABASE_URL: 'mysql://localhost',
    STORAGE_URL: '',
    PORT: '70000',
    METRICS_PORT: '0x10',
    LOG_LEVEL: 'loud',
    CORS_ORIGINS: 'https://a.example/app',
    TRUSTED_PROXIES: '10.0.0.0/33',
    PUBLIC_URL: 'api.example',
    ENCRYPTION_KEYS: `short:${randomBytes(16).toString('base64')}`,
    JWT_KEYS: `rsa:${randomBytes(40).toString('base64')},p384:${pkcs8('secp384r1')}`,
  });
  expect(mistakes.toSorted()).toEqual([
    expect.stringMatching(/^CORS_ORIGINS is not valid: expected origins/),
    expect.stringMatching(/^DATABASE_URL is not valid: expected postgresql:/),
    'ENCRYPTION_KEYS is not valid: the key short is not usable: expected 32 bytes, found 16',
    expect.stringMatching(/^JWT_KEYS is not valid: the key p384 is not usable: expected an ES256/),
    expect.stringMatching(/^JWT_KEYS is not valid: the key rsa is not usable: expected an ES256/),
    expect.stringMatching(/^LOG_LEVEL is not valid/),
    'METRICS_PORT is not valid: expected a whole number',
    'PORT is not valid: expected at most 65535',
    'PUBLIC_URL is not valid: expected http:// or https://',
    'STORAGE_URL is missing',
    expect.stringMatching(/^TRUSTED_PROXIES is not valid: expected networks/),
  ]);
});

test('each process is asked for what it needs, and for nothing else', () => {
  expect(mistakesOf('api', {}).toSorted()).toEqual(
    Object.keys(enough)
      .map((name) => `${name} is missing`)
      .toSorted(),
  );
  expect(mistakesOf('jobs', {})).toEqual(['DATABASE_QUEUE_URL is missing']);
  expect(mistakesOf('worker', {})).not.toContain('JWT_KEYS is missing');
  expect(mistakesOf('migrate', {})).toContain('DATABASE_OWNER_URL is missing');
  expect(mistakesOf('api', { ...enough, DATABASE_OWNER_URL: 'nonsense' })).toEqual([]); // not its business
});

test('keys that are half there, or share a name, are a mistake', () => {
  for (const keys of ['', 'new', 'new:', ':AAAA', 'new:not base64', `new=${randomBytes(32).toString('base64')}`]) {
    expect(mistakesOf('api', { ...enough, ENCRYPTION_KEYS: keys || ',' })).toContainEqual(
      'ENCRYPTION_KEYS is not valid: expected kid:base64, comma-separated, newest first',
    );
  }
  const twice = `same:${randomBytes(32).toString('base64')},same:${randomBytes(32).toString('base64')}`;
  expect(mistakesOf('api', { ...enough, ENCRYPTION_KEYS: twice })).toEqual([
    'ENCRYPTION_KEYS is not valid: expected every key under a name of its own',
  ]);
});

test('values that are wrong together are a mistake', () => {
  const clash = {
    ...enough,
    DATABASE_QUEUE_URL: enough.DATABASE_URL,
    WORKER_HEARTBEAT_MS: '5000',
    WORKER_DEAD_AFTER_MS: '6000',
  };
  expect(mistakesOf('worker', clash)).toEqual([expect.stringMatching(/^WORKER_DEAD_AFTER_MS must be/)]);
});

test('a partner without variables is off, with all of them on, with half of them a mistake', () => {
  const meta = { META_APP_ID: '1234567890', META_APP_SECRET: 'new, old', META_VERIFY_TOKEN: 'a-token-of-our-own' };
  expect(metaOf(readEnv('api', enough))).toBeNull();
  expect(metaOf(readEnv('api', { ...enough, META_GRAPH_URL: 'http://localhost:4010/meta/' }))).toBeNull();
  expect(metaOf(readEnv('api', { ...enough, ...meta, META_GRAPH_URL: 'http://localhost:4010/meta/' }))).toEqual({
    appId: '1234567890',
    appSecrets: ['new', 'old'],
    verifyToken: 'a-token-of-our-own',
    graphUrl: 'http://localhost:4010/meta',
    graphVersion: 'v25.0',
    timeoutMs: 20_000,
  });
  expect(metaOf(readEnv('api', { ...enough, ...meta }))?.graphUrl).toBe('https://graph.facebook.com');
  for (const name of Object.keys(meta)) {
    expect(mistakesOf('api', { ...enough, ...meta, [name]: '' })).toEqual([
      `${name} is missing: a partner is given all of its variables, or none`,
    ]);
  }
  const wrong = {
    META_APP_ID: 'our app',
    META_APP_SECRET: 'a,b,c',
    META_VERIFY_TOKEN: 'short',
    META_GRAPH_VERSION: '25',
  };
  expect(mistakesOf('worker', { ...enough, DATABASE_QUEUE_URL: enough.DATABASE_URL, ...wrong })).toHaveLength(4);
});

test('no value is ever repeated in a mistake', () => {
  const secret = 'zq7Xsecretzq7X';
  for (const value of [secret, `kid:${secret}`, `postgresql//app:${secret}@host`, `http:// ${secret}`]) {
    const source = Object.fromEntries(variableNames.map((name) => [name, value]));
    for (const kind of ['api', 'worker', 'migrate', 'jobs', 'rotate-keys'] as const) {
      expect(() => readEnv(kind, source)).toThrow(EnvError);
      expect(mistakesOf(kind, source).join('\n')).not.toContain(secret);
    }
  }
});

test('a report on a crash leaves out the environment that was read', () => {
  expect(() => readEnv('api', {})).toThrow(EnvError);
  expect(process.report.getReport()).not.toHaveProperty('environmentVariables');
});
