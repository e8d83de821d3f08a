import { setTimeout as pause } from 'node:timers/promises';
import { type Db, inTenant } from '../../prisma/client.ts';
import { adoptPhones, type ReportedPhone } from '../contacts/adopt-phones.ts';
import { type Outcome, recordOutcomes } from './outcomes.ts';
import type { Gate } from './take.ts';

type Deps = {
  db: Db;
  tenantId: string;
  numberId: string;
  settings: { sendSettleMs: number };
  onProblem: (error: unknown) => void;
};

export type Totals = { accepted: number; failed: number; queuedAgain: number; unknown: number; campaignIds: string[] };

export type Recorder = {
  add(gate: Gate, outcome: Outcome): void;
  /** Waits until everything is written. Throws when it could not be: the rows then run into the end of their lease. */
  end(): Promise<void>;
  totals(): Totals;
};

const batchMax = 500;
/** So long answers are gathered before they are written, unless many are waiting. */
const gatherMs = 20;
const enough = 200;

/** A database that is away for a moment must not cost the outcomes: they are known only here. */
const triesMax = 20;
const retryMs = 500;

/** How often a campaign that has failures is looked at as a whole. */
const healthEveryMs = 1_000;

/** Writes outcomes down in batches, one batch at a time, while further requests are under way. */
export function startRecorder(deps: Deps, onFailures: (campaignIds: string[]) => Promise<void>): Recorder {
  const waiting: { gate: Gate; outcome: Outcome }[] = [];
  const totals: Totals = { accepted: 0, failed: 0, queuedAgain: 0, unknown: 0, campaignIds: [] };
  const campaigns = new Set<string>();
  const failing = new Set<string>();
  let lookedAt = 0;
  let writing: Promise<void> | undefined;
  let isEnding = false;
  let hurry = Promise.withResolvers<void>();

  const write = async () => {
    const batch = waiting.splice(0, batchMax);
    const [first] = batch;
    if (!first) return;
    const outcomes = batch.map(({ outcome }) => outcome);
    for (const { message } of outcomes) if (message.campaignId !== null) campaigns.add(message.campaignId);
    const recorded = await insist(
      () =>
        inTenant(deps.db, deps.tenantId, async (tx) => {
          await adoptPhones(tx, deps.tenantId, reportedPhones(outcomes));
          return recordOutcomes(tx, deps.tenantId, deps.numberId, first.gate, outcomes, deps.settings.sendSettleMs);
        }),
      deps.onProblem,
    );
    totals.accepted += recorded.accepted;
    totals.failed += recorded.failed;
    totals.queuedAgain += recorded.queuedAgain;
    totals.unknown += recorded.unknown;
    for (const id of recorded.campaignIds) failing.add(id);
    if (failing.size > 0 && (isEnding || performance.now() - lookedAt > healthEveryMs)) {
      lookedAt = performance.now();
      const ids = [...failing];
      failing.clear();
      await onFailures(ids);
    }
  };

  const run = async () => {
    while (waiting.length > 0) {
      if (!isEnding && waiting.length < enough) await Promise.race([pause(gatherMs), hurry.promise]);
      await write();
    }
  };
  const start = () => {
    if (writing) return;
    writing = run().finally(() => {
      writing = undefined;
    });
    writing.catch(deps.onProblem); // said here, and thrown by end()
  };

  return {
    add(gate, outcome) {
      waiting.push({ gate, outcome });
      start();
      if (waiting.length >= enough) {
        hurry.resolve();
        hurry = Promise.withResolvers<void>();
      }
    },
    async end() {
      isEnding = true;
      hurry.resolve();
      await writing;
      while (waiting.length > 0) await write();
    },
    totals: () => ({ ...totals, campaignIds: [...campaigns] }),
  };
}

function reportedPhones(outcomes: readonly Outcome[]): ReportedPhone[] {
  return outcomes.flatMap(({ message: { id, address }, sent }) =>
    sent.outcome === 'accepted' && sent.waId && address.startsWith('+') && address !== `+${sent.waId}`
      ? [{ messageId: id, waId: sent.waId }]
      : [],
  );
}

async function insist<T>(write: () => Promise<T>, onProblem: (error: unknown) => void): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (tries === triesMax) throw error;
      onProblem(error);
      await pause(retryMs);
    }
  }
}
