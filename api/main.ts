import { createGoogle } from '../connectors/google/google.ts';
import { createMeta } from '../connectors/whatsapp/meta.ts';
import { createKeyUses } from '../domain/auth/key-uses.ts';
import { loadAuthKeys } from '../domain/auth/keys.ts';
import { refuseStrongRole } from '../prisma/role.ts';
import { createDb } from '../prisma/client.ts';
import { queueRevision } from '../prisma/readiness.ts';
import { migrationNames } from '../prisma/schema-engine.ts';
import { googleOf, hashingOf, mailOf, metaOf, readEnv } from '../runtime/env.ts';
import { listen } from '../runtime/listen.ts';
import { createLog } from '../runtime/log.ts';
import { createRegistry, serveMetrics } from '../runtime/metrics.ts';
import { watchPools } from '../runtime/pool-metrics.ts';
import { stopSignal } from '../runtime/stop-signal.ts';
import { createStorage } from '../runtime/storage.ts';
import { createApiMetrics } from './metrics.ts';
import { createApi } from './server.ts';
import { attemptsOf, wallsOf } from './walls.ts';
import { createIntake } from './webhooks/intake.ts';
import { createWebhookMetrics } from './webhooks/metrics.ts';

const env = readEnv('api');
const log = createLog(env.LOG_LEVEL).child({ process: 'api' });
const askedToStop = stopSignal(); // heard from the first moment on
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'an error was thrown and nobody caught it');
  process.exit(1);
});
const publicUrl = env.PUBLIC_URL ?? `http://localhost:${env.PORT}`;
await using db = createDb(env.DATABASE_URL, { poolSize: env.DATABASE_POOL_SIZE, applicationName: 'parley-api' });
await refuseStrongRole(db);
// Connections of their own: whatever the API is busy with, what partners tell us is taken.
await using webhookDb = createDb(env.DATABASE_URL, {
  poolSize: env.WEBHOOK_POOL_SIZE,
  applicationName: 'parley-webhooks',
});
// The limits hold all the more when everything else is taken.
await using limitsDb = createDb(env.DATABASE_URL, { poolSize: 2, applicationName: 'parley-limits' });
const metaConfig = metaOf(env);
await using meta = metaConfig && createMeta(metaConfig);
const googleConfig = googleOf(env);
await using google = googleConfig && createGoogle(googleConfig);
const keys = loadAuthKeys(publicUrl, env.JWT_KEYS, env.ENCRYPTION_KEYS);

const registry = createRegistry();
watchPools(registry, { app: db.pool, webhooks: webhookDb.pool, limits: limitsDb.pool });
const webhookMetrics = createWebhookMetrics(registry);
const now = () => new Date();
await using keyUses = createKeyUses({
  db,
  now,
  onError: (err) => log.warn({ err }, 'the last use of a key was not written down'),
});
await using intake = createIntake({ db: webhookDb, log, metrics: webhookMetrics });
await using operators = await serveMetrics({ registry, log }, env.METRICS_PORT);
await using server = await listen(
  createApi({
    db,
    log,
    keys,
    keyUses,
    storage: createStorage(env.STORAGE_URL),
    ...(await wallsOf(env, { db: limitsDb, log })),
    migrations: await migrationNames(),
    queueRevision,
    metrics: createApiMetrics(registry),
    uploadBytesMax: env.UPLOAD_BYTES_MAX,
    webhooks: {
      intake,
      metrics: webhookMetrics,
      bodyBytesMax: env.WEBHOOK_BODY_BYTES_MAX,
      heldBytesMax: env.WEBHOOK_HELD_BYTES_MAX,
    },
    services: {
      now,
      publicUrl,
      keys,
      keyring: env.ENCRYPTION_KEYS,
      attempts: attemptsOf(env),
      hashing: hashingOf(env),
      hasMail: mailOf(env) !== null,
      meta,
      google,
      limits: {
        uploadBytesMax: env.UPLOAD_BYTES_MAX,
        uploadExpiresSeconds: env.UPLOAD_EXPIRES_SECONDS,
        stepUpSeconds: env.STEP_UP_SECONDS,
      },
    },
  }),
  env.PORT,
);
if (!mailOf(env)) log.info('mails are off: SMTP_URL, MAIL_FROM and APP_URL are not set');
log.info({ port: server.port, metricsPort: operators.port }, 'api is up');
log.info({ signal: await askedToStop }, 'api is stopping');
setTimeout(() => {
  log.warn('what was in hand did not end in time and is given up');
  process.exit(0);
}, env.STOP_WITHIN_MS).unref();
