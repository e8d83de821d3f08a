import { setTimeout as pause } from 'node:timers/promises';
import { createMailer } from '../connectors/smtp/mailer.ts';
import { createMeta } from '../connectors/whatsapp/meta.ts';
import { createDb } from '../prisma/client.ts';
import { createQueuePool } from '../prisma/queue-pool.ts';
import { refuseStrongRole, refuseWrongQueueRole } from '../prisma/role.ts';
import { migrationNames } from '../prisma/schema-engine.ts';
import { type EnvOf, mailOf, metaOf } from '../runtime/env.ts';
import { createLog, type Log } from '../runtime/log.ts';
import { createRegistry, serveMetrics } from '../runtime/metrics.ts';
import { watchPools } from '../runtime/pool-metrics.ts';
import { stopSignal } from '../runtime/stop-signal.ts';
import { createStorage } from '../runtime/storage.ts';
import { startClock, type WakeUp } from './clock.ts';
import { type CronTask, cronItems } from './crontab.ts';
import { workerChecks } from './health.ts';
import { signOff, startHeartbeat } from './heartbeat.ts';
import { type RunningLane, startLane } from './lanes.ts';
import { createWorkerMetrics } from './metrics.ts';
import { fleetSettings, taskSettings } from './settings.ts';
import { startSweep } from './sweep.ts';
import type { Task } from './task.ts';
import { startWatchdog } from './watchdog.ts';
import { watchSilence } from './webhooks/silence.ts';

/** Everything that this process may be asked to do. */
export type Work = { tasks: Task[]; crontab: CronTask[]; wakeUps: WakeUp[] };

/** The part of the time for a stop that is kept for signing off and closing. */
const signOffMs = 1_500;

/** One worker process, from its start to its end: its lanes, their upkeep, and an exit code of 0 when it was asked to stop. */
export async function runWorker(env: EnvOf<'worker'>, work: Work): Promise<void> {
  const log = createLog(env.LOG_LEVEL).child({ process: 'worker', pid: process.pid });
  const settings = fleetSettings(env);
  const fatal = dieOf(log);
  const askedToStop = stopSignal(); // heard from the first moment on
  process.on('unhandledRejection', (reason) => fatal(reason, 'a promise was rejected and nobody knew'));
  process.on('uncaughtException', (error) => fatal(error, 'an error was thrown and nobody caught it'));

  await using db = createDb(env.DATABASE_URL, { poolSize: env.DATABASE_POOL_SIZE, applicationName: 'parley-worker' });
  const onError = (error: Error) => log.warn({ err: error }, 'a connection of the queue broke');
  const pool = createQueuePool(env.DATABASE_QUEUE_URL, { max: 4, applicationName: 'parley-worker-fleet', onError });
  await refuseStrongRole(db);
  await refuseWrongQueueRole(pool);
  const migrations = await migrationNames();
  const registry = createRegistry();
  const metrics = createWorkerMetrics(registry);
  const metaConfig = metaOf(env);
  await using meta = metaConfig && createMeta(metaConfig);
  const storage = createStorage(env.STORAGE_URL);
  const keyring = env.ENCRYPTION_KEYS;
  const mailConfig = mailOf(env);
  await using mailer = mailConfig && createMailer(mailConfig);
  if (!mailer) log.info('mails are off: SMTP_URL, MAIL_FROM and APP_URL are not set');
  const mail = mailer && { mailer, appUrl: mailConfig.appUrl, serverSecrets: keyring.map(({ key }) => key) };
  const services = { db, log, storage, settings: taskSettings(env), metrics, keyring, meta, mail };
  const tasks = [...work.tasks, ...work.crontab.map(({ task }) => task)];
  const [handBack, giveUp] = [new AbortController(), new AbortController()];

  const served = settings.lanes.filter((lane) => tasks.some((task) => task.lane === lane)); // a lane may have no task yet
  const lanes = await Promise.all(
    served.map((lane) =>
      startLane({
        lane,
        tasks: tasks.filter((task) => task.lane === lane),
        crontab: cronItems(work.crontab, lane),
        queueUrl: env.DATABASE_QUEUE_URL,
        services,
        settings,
        metrics,
        handBack: handBack.signal,
        giveUp: giveUp.signal,
        onEnd: (reason) => fatal(reason, `lane ${lane} ended by itself`),
      }),
    ),
  );
  const heartbeat = startHeartbeat(pool, lanes, settings, { log, onBeat: metrics.beat });
  const sweep = startSweep(pool, heartbeat, settings, { log, metrics });
  const clock = startClock({ db, pool }, work.wakeUps, settings, { log, metrics, signal: handBack.signal });
  const silence = watchSilence(db, { log, metrics });
  const onStall = (reason: string) => fatal(new Error(reason), 'no progress: this process ends, to be started anew');
  const watchdog = startWatchdog(pool, lanes, tasks, settings, { log, metrics, onStall });
  const lanePools = Object.fromEntries(lanes.map(({ lane, pool }) => [lane, pool]));
  watchPools(registry, { app: db.pool, fleet: pool, ...lanePools });
  const checks = workerChecks({ db, lanes, heartbeat, sweep, settings, log }, migrations);
  await using server = await serveMetrics({ registry, checks, log }, env.METRICS_PORT);
  log.info({ lanes: served, metricsPort: server.port }, 'worker is up');

  log.info({ signal: await askedToStop }, 'worker is stopping');
  setTimeout(() => process.exit(0), settings.stopWithinMs).unref(); // for bodies that do not heed the signal, and a database that is away
  const began = performance.now();
  handBack.abort();
  await Promise.all([
    stopLanes(lanes, settings.stopWithinMs - signOffMs, log),
    ...[clock, sweep, watchdog, silence].map((one) => one[Symbol.asyncDispose]()),
  ]);
  giveUp.abort();
  await heartbeat[Symbol.asyncDispose]();
  await signOff(pool, lanes).catch((error: unknown) =>
    log.warn({ err: error }, 'could not sign off: the others will notice'),
  );
  log.info({ ms: Math.round(performance.now() - began) }, 'worker has stopped');
  log.flush();
  await Promise.all([pool, ...lanes.map((lane) => lane.pool)].map((one) => one.end()));
}

/** Waits until every job in hand is over and its outcome written, or until the time is up. */
async function stopLanes(lanes: RunningLane[], withinMs: number, log: Log): Promise<void> {
  const outOfTime = new AbortController();
  const failed = (error: unknown) => log.warn({ err: error }, 'a lane could not be stopped cleanly');
  const stopped = Promise.all(lanes.map((lane) => lane.stop().catch(failed))).then(() => true);
  const timeUp = pause(Math.max(0, withinMs), false, { signal: outOfTime.signal }).catch(() => false);
  const isClean = await Promise.race([stopped, timeUp]);
  outOfTime.abort();
  if (isClean) return;
  log.warn(
    { inHand: lanes.map((lane) => lane.state().active) },
    'jobs in hand did not end in time: they are given back',
  );
}

/** Ends the process at once with 1: whoever supervises it starts another one, and the fleet gives back what it held. */
function dieOf(log: Log): (reason: unknown, message: string) => void {
  return (reason, message) => {
    log.fatal({ err: reason }, message);
    log.flush(() => process.exit(1));
    setTimeout(() => process.exit(1), 500).unref();
  };
}
