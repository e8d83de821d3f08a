import { findMissing, queueRevision } from '../prisma/readiness.ts';
import type { Db } from '../prisma/client.ts';
import type { Check } from '../runtime/metrics.ts';
import type { Log } from '../runtime/log.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { RunningLane } from './lanes.ts';
import type { FleetSettings } from './settings.ts';
import type { Sweep } from './sweep.ts';

/** A statement is given up on after 20 s, so a turn that hangs on the database ends by itself within this. */
const slowestTurnMs = 30_000;

type Running = { db: Db; lanes: RunningLane[]; heartbeat: Heartbeat; sweep: Sweep; settings: FleetSettings; log: Log };

/**
 * `/health/live` says that the process gets on, not only that it answers: its beat and its sweep come round, even while the database is down.
 * `/health/ready` says that it can work: database, migrations, queue, and every lane listening.
 */
export function workerChecks(running: Running, migrations: string[]): Record<string, Check> {
  const { db, lanes, heartbeat, sweep, settings, log } = running;
  return {
    '/health/live': async () => {
      const now = performance.now();
      const sinceTurnMs = Math.round(now - Math.min(heartbeat.lastTurn(), sweep.lastTurn()));
      const ok = sinceTurnMs < Math.max(settings.deadAfterMs, settings.sweepMs) + slowestTurnMs;
      return {
        ok,
        body: {
          status: ok ? 'ok' : 'stuck',
          sinceBeatMs: Math.round(now - heartbeat.lastBeat()),
          sinceSweepMs: Math.round(now - sweep.lastTurn()),
          lanes: Object.fromEntries(
            lanes.map((lane) => {
              const { active, sinceProgressMs } = lane.state();
              return [lane.lane, { active, sinceProgressMs: Math.round(sinceProgressMs) }];
            }),
          ),
        },
      };
    },
    '/health/ready': async () => {
      const missing = await findMissing(db, migrations, queueRevision).catch((error: unknown) => {
        log.warn({ err: error }, 'the database does not answer');
        return ['database'];
      });
      missing.push(...lanes.filter((lane) => !lane.state().isListening).map(({ lane }) => `lane ${lane}`));
      return { ok: missing.length === 0, body: { status: missing.length === 0 ? 'ok' : 'not ready', missing } };
    },
  };
}
