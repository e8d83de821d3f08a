/**
 * When a tenant's worker is to be woken for what was stored: with the first write, then at most once a while, because every wake-up is a
 * NOTIFY, and these queue up behind one another. What was stored without a wake-up gets one when the while is over; should the process die
 * first, the fleet's clock finds it.
 */
export function createWakings(
  wake: (tenantId: string) => Promise<void>,
  onError: (error: unknown) => void,
  { everyMs = 100, againMs = 1_000 } = {},
): Wakings {
  type State = { last: number; timer: NodeJS.Timeout | undefined };
  const states = new Map<string, State>();

  const wakeLate = async (tenantId: string, state: State): Promise<void> => {
    clearTimeout(state.timer);
    state.timer = undefined;
    state.last = performance.now();
    try {
      await wake(tenantId);
    } catch (error) {
      onError(error);
      plan(tenantId, state, againMs);
    }
  };
  const plan = (tenantId: string, state: State, afterMs: number): void => {
    state.timer ??= setTimeout(() => void wakeLate(tenantId, state), Math.max(0, afterMs)).unref();
  };

  return {
    isDue: (tenantId) => performance.now() - (states.get(tenantId)?.last ?? -Infinity) >= everyMs,
    woken(tenantId) {
      if (states.size >= statesMax) forgetIdle(states);
      clearTimeout(states.get(tenantId)?.timer);
      states.set(tenantId, { last: performance.now(), timer: undefined });
    },
    stored(tenantId) {
      const state = states.get(tenantId) ?? { last: -Infinity, timer: undefined };
      states.set(tenantId, state);
      plan(tenantId, state, state.last + everyMs - performance.now());
    },
    async [Symbol.asyncDispose]() {
      const owed = [...states].filter(([, { timer }]) => timer !== undefined);
      await Promise.all(
        owed.map(([tenantId, { timer }]) => {
          clearTimeout(timer);
          return wake(tenantId).catch(onError);
        }),
      );
    },
  };
}

export type Wakings = AsyncDisposable & {
  /** Whether the next write of a tenant is to wake its worker in its own transaction. */
  isDue(tenantId: string): boolean;
  /** A write that woke the worker is committed. */
  woken(tenantId: string): void;
  /** A write without a wake-up is committed: one is owed. */
  stored(tenantId: string): void;
};

const statesMax = 10_000;

function forgetIdle(states: Map<string, { timer: NodeJS.Timeout | undefined }>): void {
  for (const [tenantId, { timer }] of states) if (timer === undefined) states.delete(tenantId);
}
