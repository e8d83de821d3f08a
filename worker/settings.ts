import type { Lane } from '../domain/jobs.ts';
import type { EnvOf } from '../runtime/env.ts';

/** What the bodies of tasks may do at most. */
export type TaskSettings = {
  importPageRecords: number;
  importLeaseMs: number;
  importSliceMs: number;
  importRecordsMax: number;
  importColumnsMax: number;
  importCellBytesMax: number;
  importAttemptsMax: number;
};

/** How the fleet beats, sweeps and stops. */
export type FleetSettings = {
  lanes: Lane[];
  concurrency: number;
  pollMs: number;
  heartbeatMs: number;
  deadAfterMs: number;
  sweepMs: number;
  clockMs: number;
  stalledAfterMs: number;
  stopWithinMs: number;
};

export function taskSettings(env: EnvOf<'worker'>): TaskSettings {
  return {
    importPageRecords: env.IMPORT_PAGE_RECORDS,
    importLeaseMs: env.IMPORT_LEASE_MS,
    importSliceMs: env.IMPORT_SLICE_MS,
    importRecordsMax: env.IMPORT_RECORDS_MAX,
    importColumnsMax: env.IMPORT_COLUMNS_MAX,
    importCellBytesMax: env.IMPORT_CELL_BYTES_MAX,
    importAttemptsMax: env.IMPORT_ATTEMPTS_MAX,
  };
}

export function fleetSettings(env: EnvOf<'worker'>): FleetSettings {
  return {
    lanes: env.WORKER_LANES,
    concurrency: env.WORKER_CONCURRENCY,
    pollMs: env.WORKER_POLL_MS,
    heartbeatMs: env.WORKER_HEARTBEAT_MS,
    deadAfterMs: env.WORKER_DEAD_AFTER_MS,
    sweepMs: env.WORKER_SWEEP_MS,
    clockMs: env.WORKER_CLOCK_MS,
    stalledAfterMs: env.WORKER_STALLED_AFTER_MS,
    stopWithinMs: env.STOP_WITHIN_MS,
  };
}
