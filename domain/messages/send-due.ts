import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Meta } from '../../connectors/whatsapp/meta.ts';
import { send, type Sent } from '../../connectors/whatsapp/send.ts';
import { type Db, inTenant } from '../../prisma/client.ts';
import type { Keyring } from '../connections/keyring.ts';
import { open } from '../connections/seal.ts';
import { finishCampaigns } from '../campaigns/finish.ts';
import { pauseIfFailing } from '../campaigns/health.ts';
import { startRecorder } from './recorder.ts';
import { createRenderers } from './render.ts';
import { take, type Gate, type Taken } from './take.ts';
import { wakeLater } from './wake.ts';

export type SendSettings = {
  /** For how long a message that is about to leave is a worker's; longer than a request may take. */
  sendLeaseMs: number;
  /** How long one run goes on before others have their turn. */
  sendSliceMs: number;
  /** Requests of one number under way at the same time. */
  sendInFlightMax: number;
  /** How long after an unclear answer a webhook may still settle a message. */
  sendSettleMs: number;
  /** How long requests under way may go on after a stop was asked for. */
  sendStopMs: number;
  /** Messages a second of one number at most, whatever Meta allows it. */
  sendRateMax: number;
};

export type SendJob = { tenantId: string; numberId: string; isSingle: boolean };
export type SendReport = {
  taken: number;
  accepted: number;
  failed: number;
  queuedAgain: number;
  unknown: number;
  why: string;
};

type Deps = { db: Db; meta: Meta; keyring: Keyring; settings: SendSettings; onProblem: (error: unknown) => void };

/** Rows taken in one statement, and what may be left of the lease when a request leaves. */
const takeMax = 512;
const leaseMarginMs = 1_000;

/** A token a millisecond would mean a statement a millisecond: bulk is taken in slices. A single message does not wait for one. */
const bulkSliceMs = 40;
const singleSliceMs = 5;
const waitMaxMs = 250;

/**
 * Sends what is due for a number until nothing is, or the run's time is over. Several runs may be at one number, in several processes: rows
 * are taken one by one, and tokens from one bucket. A row is DISPATCHING before its request leaves, and what became of it is written in batches.
 */
export async function sendDue(deps: Deps, job: SendJob, signal: AbortSignal): Promise<SendReport> {
  const { db, meta, settings } = deps;
  const { tenantId, numberId, isSingle } = job;
  const renderers = createRenderers(db, tenantId);
  const recorder = startRecorder({ ...deps, tenantId, numberId }, onFailures);
  const tokens = new Map<string, string>();
  const cut = cutAfter(signal, settings.sendStopMs);
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  let taken = 0;
  let why = 'time is over';
  let looksAhead = false;

  // A statement for each request that ends would take rows one by one: it waits until there is room for a batch.
  const roomWanted = Math.min(takeMax / 2, Math.ceil(settings.sendInFlightMax / 4));
  let onRoom = Promise.withResolvers<void>();
  const room = async () => {
    onRoom = Promise.withResolvers<void>();
    await onRoom.promise;
  };

  async function onFailures(campaignIds: string[]): Promise<void> {
    await inTenant(db, tenantId, (tx) => pauseIfFailing(tx, tenantId, campaignIds));
  }

  const tokenOf = (gate: Gate): string => {
    const sealed = gate.sealedToken ?? '';
    const known = tokens.get(sealed);
    if (known !== undefined) return known;
    const opened = open(
      deps.keyring,
      { table: 'connections', column: 'token', tenantId, rowId: gate.connectionId },
      sealed,
    );
    tokens.set(sealed, opened);
    return opened;
  };

  /** What cannot be made ready never left: it goes back to the queue, instead of ending in doubt when its lease is over. */
  const readyFor = async (gate: Gate, messages: readonly Taken[]): Promise<string> => {
    try {
      await renderers.prepare(messages);
      return tokenOf(gate);
    } catch (error) {
      for (const message of messages)
        recorder.add(gate, { message, sent: { outcome: 'not-sent', reason: 'NOT_READY' } });
      throw error;
    }
  };

  const dispatch = async (message: Taken, gate: Gate, token: string, leaseEnd: number): Promise<Sent> => {
    const content = renderers.contentOf(message);
    if (!content) return { outcome: 'refused', code: 132000, details: '' }; // it no longer fits its template: Meta would say the same
    // The lease fences our rows, not Meta: whoever slept through it sends nothing more.
    if (signal.aborted || performance.now() >= leaseEnd) return { outcome: 'not-sent', reason: 'TOO_LATE' };
    const callbackData = `${message.id}.${message.attempt}`;
    const { address, contextWamid } = message;
    return send(
      meta,
      { phoneNumberId: gate.phoneNumberId, token },
      { address, callbackData, contextWamid, content },
      cut.signal,
    );
  };

  try {
    while (!signal.aborted && performance.now() - began < settings.sendSliceMs) {
      const headroom = settings.sendInFlightMax - underWay.size;
      if (headroom < roomWanted) {
        await room();
        continue;
      }
      const takenAt = performance.now(); // before the database's clock starts the lease
      const wanted = Math.min(headroom, takeMax);
      const result = await inTenant(db, tenantId, (tx) =>
        take(tx, tenantId, numberId, {
          isSingle,
          wanted,
          looksAhead,
          leaseMs: settings.sendLeaseMs,
          rateMax: settings.sendRateMax,
        }),
      );
      looksAhead = result.kind === 'passed' || (result.kind === 'taken' && result.passed > 0);
      if (result.kind === 'taken') {
        const { gate, messages } = result;
        taken += messages.length;
        const leaseEnd = takenAt + settings.sendLeaseMs - meta.timeoutMs - leaseMarginMs;
        const token = await readyFor(gate, messages);
        for (const message of messages) {
          const sending = dispatch(message, gate, token, leaseEnd).then((sent) =>
            recorder.add(gate, { message, sent }),
          );
          underWay.add(sending);
          void sending.finally(() => {
            underWay.delete(sending);
            if (settings.sendInFlightMax - underWay.size >= roomWanted) onRoom.resolve();
          });
        }
        const slice = isSingle ? singleSliceMs : bulkSliceMs;
        if (messages.length < takeMax / 2) await sleep(slice - (performance.now() - takenAt), signal);
        else await pause(0);
      } else if (result.kind === 'wait') {
        await sleep(Math.min(result.ms, waitMaxMs), signal);
      } else if (result.kind === 'blocked' || result.kind === 'idle') {
        why = result.kind === 'idle' ? 'nothing is due' : result.reason;
        break;
      }
    }
  } finally {
    await Promise.all(underWay);
    await recorder.end();
    cut[Symbol.dispose]();
  }
  const { campaignIds, ...counts } = recorder.totals();
  await inTenant(db, tenantId, async (tx) => {
    if (campaignIds.length > 0) await finishCampaigns(tx, tenantId, campaignIds);
    await wakeLater(tx, job, why);
  });
  return { taken, ...counts, why };
}

/** Aborts what is under way a while after a stop was asked for: its outcome is then in doubt, and written down as such. */
function cutAfter(signal: AbortSignal, afterMs: number): Disposable & { signal: AbortSignal } {
  const cut = new AbortController();
  setMaxListeners(0, cut.signal); // one for each request under way
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => (timer = setTimeout(() => cut.abort(), afterMs));
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: cut.signal,
    [Symbol.dispose]() {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    },
  };
}

/** A pause that a stop cuts short. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
