import { createMeta } from '../connectors/whatsapp/meta.ts';
import { loadAuthKeys } from '../domain/auth/keys.ts';
import { refuseStrongRole } from '../prisma/role.ts';
import { createDb } from '../prisma/client.ts';
import { queueRevision } from '../prisma/readiness.ts';
import { migrationNames } from '../prisma/schema-engine.ts';
import { metaOf, readEnv } from '../runtime/env.ts';
import { listen } from '../runtime/listen.ts';
import { createLog } from '../runtime/log.ts';
import { createRegistry, serveMetrics } from '../runtime/metrics.ts';
import { watchPools } from '../runtime/pool-metrics.ts';
import { stopSignal } from '../runtime/stop-signal.ts';
import { createStorage } from '../runtime/storage.ts';
import { createApiMetrics } from './metrics.ts';
import { createApi } from './server.ts';
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
const metaConfig = metaOf(env);
await using meta = metaConfig && createMeta(metaConfig);
const keys = loadAuthKeys(publicUrl, env.JWT_KEYS, env.ENCRYPTION_KEYS);

const registry = createRegistry();
watchPools(registry, { app: db.pool, webhooks: webhookDb.pool });
const webhookMetrics = createWebhookMetrics(registry);
await using intake = createIntake({ db: webhookDb, log, metrics: webhookMetrics });
await using operators = await serveMetrics({ registry, log }, env.METRICS_PORT);
await using server = await listen(
  createApi({
    db,
    log,
    keys,
    storage: createStorage(env.STORAGE_URL),
    isProduction: env.NODE_ENV === 'production',
    corsOrigins: env.CORS_ORIGINS,
    migrations: await migrationNames(),
    queueRevision,
    metrics: createApiMetrics(registry),
    uploadBytesMax: env.UPLOAD_BYTES_MAX,
    bodyBytesMax: env.REQUEST_BODY_BYTES_MAX,
    webhooks: {
      intake,
      metrics: webhookMetrics,
      bodyBytesMax: env.WEBHOOK_BODY_BYTES_MAX,
      heldBytesMax: env.WEBHOOK_HELD_BYTES_MAX,
    },
    timeoutMs: env.REQUEST_TIMEOUT_MS,
    queryLimits: {
      depthMax: env.QUERY_DEPTH_MAX,
      aliasesMax: env.QUERY_ALIASES_MAX,
      tokensMax: env.QUERY_TOKENS_MAX,
      directivesMax: env.QUERY_DIRECTIVES_MAX,
      rootFieldsMax: env.QUERY_ROOT_FIELDS_MAX,
    },
    services: {
      now: () => new Date(),
      publicUrl,
      keys,
      keyring: env.ENCRYPTION_KEYS,
      meta,
      limits: { uploadBytesMax: env.UPLOAD_BYTES_MAX, uploadExpiresSeconds: env.UPLOAD_EXPIRES_SECONDS },
    },
  }),
  env.PORT,
);
log.info({ port: server.port, metricsPort: operators.port }, 'api is up');
log.info({ signal: await askedToStop }, 'api is stopping');
setTimeout(() => {
  log.warn('what was in hand did not end in time and is given up');
  process.exit(0);
}, env.STOP_WITHIN_MS).unref();
