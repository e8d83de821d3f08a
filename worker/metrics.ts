import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Lane, lanes } from '../domain/jobs.ts';

/** `dead` is a failure that will not be tried again; `handed_back` was put back by a stop. */
export type JobOutcome = 'done' | 'failed' | 'dead' | 'handed_back';

export type LaneState = { lane: Lane; due: number; oldestDueMs: number };

/** What the bodies of tasks count themselves. */
export type TaskMetrics = {
  importedRecords(count: number): void;
  appliedEvents(counts: { taken: number; failed: number; setAside: number }): void;
  /** `off`: mails are not set up; `dropped`: there was nobody to write to any more. */
  mail(kind: string, outcome: 'sent' | 'refused' | 'failed' | 'off' | 'dropped'): void;
  sentMessages(counts: { accepted: number; failed: number; queuedAgain: number; unknown: number }): void;
};

export type WorkerMetrics = TaskMetrics & {
  job(task: string, lane: Lane, outcome: JobOutcome, seconds: number): void;
  queue(states: LaneState[], dead: number): void;
  beat(): void;
  swept(freed: number): void;
  wokenUp(kind: string, count: number): void;
  silentNumbers(count: number): void;
};

export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  const registers = [registry];
  const jobs = new Histogram({
    name: 'parley_job_seconds',
    help: 'Runs of jobs by task, lane and outcome.',
    labelNames: ['task', 'lane', 'outcome'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30, 60],
    registers,
  });
  const due = new Gauge({
    name: 'parley_queue_due_jobs',
    help: 'Jobs that are due and that nobody is at, by lane.',
    labelNames: ['lane'],
    registers,
  });
  const oldest = new Gauge({
    name: 'parley_queue_oldest_due_seconds',
    help: 'How long the oldest due job of a lane has been waiting.',
    labelNames: ['lane'],
    registers,
  });
  const deadJobs = new Gauge({
    name: 'parley_dead_jobs',
    help: 'Jobs that failed for good and were not replayed.',
    registers,
  });
  const lastBeat = new Gauge({
    name: 'parley_worker_last_beat_timestamp_seconds',
    help: 'When the last heartbeat was written.',
    registers,
  });
  const freed = new Counter({
    name: 'parley_worker_freed_pools_total',
    help: 'Dead runners whose jobs this worker gave back.',
    registers,
  });
  const woken = new Counter({
    name: 'parley_clock_woken_total',
    help: 'Work that nobody was at, and that the clock woke up.',
    labelNames: ['kind'],
    registers,
  });
  const importedRecords = new Counter({
    name: 'parley_import_records_total',
    help: 'Records of imported files that are done, whatever became of them.',
    registers,
  });
  const appliedEvents = new Counter({
    name: 'parley_webhook_events_applied_total',
    help: 'Stored events that were looked at, those that failed, and those that were set aside after failing too often.',
    labelNames: ['outcome'],
    registers,
  });
  const silent = new Gauge({
    name: 'parley_webhook_silent_numbers',
    help: 'Numbers whose messages were accepted and of which no status has come for ten minutes.',
    registers,
  });
  const sentMessages = new Counter({
    name: 'parley_messages_sent_total',
    help: 'Requests to send a message, by what came of them.',
    labelNames: ['outcome'],
    registers,
  });
  const mails = new Counter({
    name: 'parley_mails_total',
    help: 'Mails to people, by kind and by what came of the try to send them.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  return {
    mail: (kind, outcome) => mails.inc({ kind, outcome }),
    importedRecords: (count) => importedRecords.inc(count),
    appliedEvents({ taken, failed, setAside }) {
      appliedEvents.inc({ outcome: 'taken' }, taken);
      appliedEvents.inc({ outcome: 'failed' }, failed);
      appliedEvents.inc({ outcome: 'set_aside' }, setAside);
    },
    silentNumbers: (count) => silent.set(count),
    sentMessages({ accepted, failed, queuedAgain, unknown }) {
      sentMessages.inc({ outcome: 'accepted' }, accepted);
      sentMessages.inc({ outcome: 'failed' }, failed);
      sentMessages.inc({ outcome: 'queued_again' }, queuedAgain);
      sentMessages.inc({ outcome: 'unknown' }, unknown);
    },
    job: (task, lane, outcome, seconds) => jobs.observe({ task, lane, outcome }, seconds),
    queue(states, dead) {
      for (const lane of lanes) {
        const state = states.find((one) => one.lane === lane);
        due.set({ lane }, state?.due ?? 0);
        oldest.set({ lane }, (state?.oldestDueMs ?? 0) / 1_000);
      }
      deadJobs.set(dead);
    },
    beat: () => lastBeat.setToCurrentTime(),
    swept: (count) => freed.inc(count),
    wokenUp: (kind, count) => woken.inc({ kind }, count),
  };
}
