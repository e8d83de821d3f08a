import { readStatus, type WireStatus } from '../../connectors/whatsapp/webhook-payloads.ts';
import { parseLossless } from '../../connectors/whatsapp/json.ts';
import { type Db, inTenant, type Tx } from '../../prisma/client.ts';
import { sqlStateOf } from '../../prisma/sql-state.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import { applyStatuses, type StatusOutcome } from '../messages/apply-statuses.ts';
import { countInbound } from '../messages/pace.ts';
import { applyEvent } from './apply-event.ts';
import { failEvent, noteEvents, parkEvents, type TakenEvent, takeEvents, takeTheseEvents } from './event-queue.ts';
import { followStatuses } from './status-effects.ts';

/** What a round did. */
export type Round = {
  /** Events that were looked at; 0: nothing is due. */
  taken: number;
  /** Statuses that reached their messages. */
  applied: number;
  /** Events that failed by themselves, and those of them that are set aside now. */
  failed: number;
  setAside: number;
};

export type RoundOptions = { atMost?: number; signal?: AbortSignal; onProblem?: (error: unknown) => void };

/** Transactions with single events at a time. */
const besideOneAnother = 4;

/**
 * Applies the next events of a tenant that are due: all statuses of the round in one transaction, every other event in its own. What is
 * bad in one event never holds the others: it is tried again later, and set aside after a few times.
 */
export async function applyRound(db: Db, tenantId: string, options: RoundOptions = {}): Promise<Round> {
  const { atMost = 1_000, signal } = options;
  const round: Round = { taken: 0, applied: 0, failed: 0, setAside: 0 };
  let taken: TakenEvent[] = [];
  const together = () =>
    inTenant(db, tenantId, async (tx) => {
      taken = await takeEvents(tx, tenantId, atMost);
      return applyStatusEvents(tx, tenantId, taken.filter(isStatus));
    });
  try {
    add(round, await again(together, raced));
  } catch (error) {
    if (taken.length === 0 || isUnreachable(error)) throw error;
    await applyHalves(db, tenantId, taken.filter(isStatus), round, options); // one of them is bad: the others are found
  }
  round.taken = taken.length;
  await applySingly(
    db,
    tenantId,
    taken.filter((event) => !isStatus(event)),
    round,
    options,
  );
  signal?.throwIfAborted();
  return round;
}

const isStatus = ({ kind }: TakenEvent) => kind === 'STATUS';

type Counts = Omit<Round, 'taken'>;

/** Applies statuses that were taken in this transaction. */
async function applyStatusEvents(tx: Tx, tenantId: string, events: readonly TakenEvent[]): Promise<Counts> {
  const counts: Counts = { applied: 0, failed: 0, setAside: 0 };
  const readable: { key: string; status: WireStatus }[] = [];
  for (const { key, payload } of events) {
    const status = readOrNothing(payload);
    if (status) readable.push({ key, status });
    else {
      counts.failed += 1;
      const isSetAside = await failEvent(tx, tenantId, key, { problem: 'UNREADABLE', isHeld: true }); // the next version may know better
      if (isSetAside) counts.setAside += 1;
    }
  }
  if (readable.length === 0) return counts;
  const statuses = readable.map(({ status }) => status);
  const result = await applyStatuses(tx, tenantId, statuses);
  await followStatuses(tx, tenantId, statuses, result);
  const keysOf = (wanted: StatusOutcome) =>
    readable.filter((_, index) => result.outcomes[index]?.outcome === wanted).map(({ key }) => key);
  await parkEvents(tx, tenantId, keysOf('NOT_FOUND'), 'NOT_FOUND');
  await noteEvents(tx, tenantId, keysOf('OTHER_ATTEMPT'), 'OTHER_ATTEMPT');
  await noteEvents(tx, tenantId, keysOf('IGNORED'), 'IGNORED');
  return { ...counts, applied: keysOf('APPLIED').length };
}

function readOrNothing(payload: string | null): WireStatus | undefined {
  try {
    return readStatus(parseLossless(payload ?? 'null'));
  } catch {
    return undefined; // its event says so
  }
}

function add(round: Round, counts: Counts): void {
  round.applied += counts.applied;
  round.failed += counts.failed;
  round.setAside += counts.setAside;
}

/** Applies statuses by halves, until the bad ones stand alone. */
async function applyHalves(
  db: Db,
  tenantId: string,
  events: readonly TakenEvent[],
  round: Round,
  options: RoundOptions,
): Promise<void> {
  const middle = Math.ceil(events.length / 2);
  for (const half of [events.slice(0, middle), events.slice(middle)]) {
    const [first] = half;
    if (!first) continue;
    const keys = half.map(({ key }) => key);
    const apply = () =>
      inTenant(db, tenantId, async (tx) => applyStatusEvents(tx, tenantId, await takeTheseEvents(tx, tenantId, keys)));
    try {
      add(round, await again(apply, raced));
    } catch (error) {
      if (isUnreachable(error)) throw error;
      if (half.length > 1) await applyHalves(db, tenantId, half, round, options);
      else await note(db, tenantId, first, error, round, options);
    }
  }
}

/** Applies every event in a transaction of its own, a few beside one another. */
async function applySingly(
  db: Db,
  tenantId: string,
  events: readonly TakenEvent[],
  round: Round,
  options: RoundOptions,
): Promise<void> {
  const inbound = new Map<string, number>();
  const waiting = events.values();
  const applyOne = async (event: TakenEvent): Promise<void> => {
    try {
      const numberId = await again(
        () =>
          inTenant(db, tenantId, async (tx) => {
            const [held] = await takeTheseEvents(tx, tenantId, [event.key]);
            return held ? applyEvent(tx, tenantId, held) : null;
          }),
        (error) => raced(error) || overtaken(error),
      );
      if (numberId !== null) inbound.set(numberId, (inbound.get(numberId) ?? 0) + 1);
    } catch (error) {
      await note(db, tenantId, event, error, round, options);
    }
  };
  const worker = async (): Promise<void> => {
    for (const event of waiting) {
      if (options.signal?.aborted) return;
      await applyOne(event);
    }
  };
  await Promise.all(Array.from({ length: Math.min(besideOneAnother, events.length) }, worker));
  for (const [numberId, messages] of inbound) {
    await inTenant(db, tenantId, (tx) => countInbound(tx, tenantId, numberId, messages));
  }
}

/** Writes down that an event failed. Throws where not even that is possible: then it is not the event. */
async function note(
  db: Db,
  tenantId: string,
  { key }: TakenEvent,
  error: unknown,
  round: Round,
  { onProblem }: RoundOptions,
): Promise<void> {
  onProblem?.(error);
  const problem = [error instanceof Error ? error.constructor.name : 'Error', sqlStateOf(error)]
    .filter(Boolean)
    .join(' ');
  const isSetAside = await inTenant(db, tenantId, (tx) => failEvent(tx, tenantId, key, { problem, isHeld: false }));
  round.failed += 1;
  if (isSetAside) round.setAside += 1;
}

/** Tries once more, a few times, when somebody else came in between. */
async function again<T>(run: () => Promise<T>, mayHelp: (error: unknown) => boolean): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      if (tries >= 5 || !mayHelp(error)) throw error;
    }
  }
}

/** A deadlock, or a row that changed under a transaction: nothing is wrong with what was to be written. */
function raced(error: unknown): boolean {
  return ['40P01', '40001', '55P03'].includes(sqlStateOf(error) ?? '');
}

/** Somebody else made, merged or removed the same contact just now. */
function overtaken(error: unknown): boolean {
  return (
    error instanceof ConflictError ||
    error instanceof NotFoundError ||
    ['23505', '23503'].includes(sqlStateOf(error) ?? '')
  );
}

/** The database is away, overloaded or going down: no event is to blame. */
function isUnreachable(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:08|53|57|58)/.test(sqlStateOf(error) ?? '') || /^(?:P1\d{3}|P2024|P2028|E[A-Z]{4,})$/.test(code);
}
