import { Registry } from 'prom-client';
import { createApiMetrics } from '../../../api/metrics.ts';
import { createApi } from '../../../api/server.ts';
import { attemptsOf, wallsOf } from '../../../api/walls.ts';
import { createIntake } from '../../../api/webhooks/intake.ts';
import { createWebhookMetrics } from '../../../api/webhooks/metrics.ts';
import { loadAuthKeys } from '../../../domain/auth/keys.ts';
import { createKeyUses } from '../../../domain/auth/key-uses.ts';
import { createDb } from '../../../prisma/client.ts';
import { queueRevision } from '../../../prisma/readiness.ts';
import { migrationNames } from '../../../prisma/schema-engine.ts';
import { hashingOf, readEnv } from '../../../runtime/env.ts';
import { listen } from '../../../runtime/listen.ts';
import { createLog } from '../../../runtime/log.ts';
import { stopSignal } from '../../../runtime/stop-signal.ts';
import { createStorage } from '../../../runtime/storage.ts';

/** The API as in production, or the very same without what stands between a request and its operation; the walls between tenants stay. */
const [walls] = process.argv.slice(2);
const env = readEnv('api');
const askedToStop = stopSignal();
const log = createLog(env.LOG_LEVEL);
const publicUrl = 'http://localhost';
const keys = loadAuthKeys(publicUrl, env.JWT_KEYS, env.ENCRYPTION_KEYS);
await using db = createDb(env.DATABASE_URL, { poolSize: env.DATABASE_POOL_SIZE });
await using limitsDb = createDb(env.DATABASE_URL, { poolSize: 2 });
const metrics = createWebhookMetrics(new Registry());
await using intake = createIntake({ db, log, metrics });
const now = () => new Date();
await using keyUses = createKeyUses({ db, now, onError: (err) => log.warn({ err }, 'not written down') });
const on = await wallsOf(env, { db: limitsDb, log });
const off = {
  isProduction: false,
  introspection: true,
  secureHeaders: false,
  queryLimits: null,
  cost: null,
  persisted: null,
};
await using server = await listen(
  createApi({
    db,
    log,
    keys,
    keyUses,
    storage: createStorage(env.STORAGE_URL),
    ...on,
    ...(walls === 'off' ? off : {}),
    migrations: await migrationNames(),
    queueRevision,
    metrics: createApiMetrics(new Registry()),
    uploadBytesMax: env.UPLOAD_BYTES_MAX,
    webhooks: { intake, metrics, bodyBytesMax: env.WEBHOOK_BODY_BYTES_MAX, heldBytesMax: env.WEBHOOK_HELD_BYTES_MAX },
    services: {
      now,
      publicUrl,
      keys,
      keyring: env.ENCRYPTION_KEYS,
      attempts: attemptsOf(env),
      hashing: hashingOf(env),
      hasMail: false,
      google: null,
      meta: null,
      limits: {
        uploadBytesMax: env.UPLOAD_BYTES_MAX,
        uploadExpiresSeconds: env.UPLOAD_EXPIRES_SECONDS,
        stepUpSeconds: env.STEP_UP_SECONDS,
      },
    },
  }),
  env.PORT,
);
log.info({ port: server.port, walls }, 'the gateway is up');
await askedToStop;
