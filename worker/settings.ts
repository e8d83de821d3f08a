import type { Lane } from '../domain/jobs.ts';
import type { AdvanceSettings } from '../domain/campaigns/advance.ts';
import type { LaunchSettings } from '../domain/campaigns/launch-state.ts';
import type { SendSettings } from '../domain/messages/send-due.ts';
import type { EnvOf } from '../runtime/env.ts';

/** What the bodies of tasks may do at most. */
export type TaskSettings = SendSettings &
  LaunchSettings &
  AdvanceSettings & {
    importPageRecords: number;
    importPagesAtOnce: number;
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
    importPagesAtOnce: env.IMPORT_PAGES_AT_ONCE,
    importLeaseMs: env.IMPORT_LEASE_MS,
    importSliceMs: env.IMPORT_SLICE_MS,
    importRecordsMax: env.IMPORT_RECORDS_MAX,
    importColumnsMax: env.IMPORT_COLUMNS_MAX,
    importCellBytesMax: env.IMPORT_CELL_BYTES_MAX,
    importAttemptsMax: env.IMPORT_ATTEMPTS_MAX,
    campaignLaunchLeaseMs: env.CAMPAIGN_LAUNCH_LEASE_MS,
    campaignLaunchTimeoutMs: env.CAMPAIGN_LAUNCH_TIMEOUT_MS,
    campaignLaunchAttemptsMax: env.CAMPAIGN_LAUNCH_ATTEMPTS_MAX,
    campaignStalledAfterMs: env.CAMPAIGN_STALLED_AFTER_MS,
    sendLeaseMs: env.SEND_LEASE_MS,
    sendSliceMs: env.SEND_SLICE_MS,
    sendInFlightMax: env.SEND_IN_FLIGHT_MAX,
    sendSettleMs: env.SEND_SETTLE_MS,
    sendStopMs: env.SEND_STOP_MS,
    sendRateMax: env.SEND_RATE_MAX,
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
