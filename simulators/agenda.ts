/** Something due at a time; whatever else it carries is for its own `run`. */
export type Entry = { due: number; run: (entry: never) => void };

/** The simulators' clock, which can be moved on, and what is due by it. */
export type Agenda = {
  /** Milliseconds since 1970, moved on by as much as was asked. */
  now(): number;
  /** Moves the clock on; what became due happens at once. */
  advance(ms: number): void;
  after(ms: number, run: () => void): void;
  add(entry: Entry): void;
  size(): number;
  clear(): void;
};

/** So many due entries are done before requests get their turn. */
const turnSize = 2_000;
const timerMax = 2_147_483_647;

export function createAgenda(): Agenda {
  const heap: Entry[] = [];
  let offset = performance.timeOrigin;
  let timer: NodeJS.Timeout | undefined;
  let armedFor = Number.POSITIVE_INFINITY;
  const now = () => performance.now() + offset;

  function arm(): void {
    const [first] = heap;
    if (!first || first.due >= armedFor) return;
    clearTimeout(timer);
    armedFor = first.due;
    timer = setTimeout(runDue, Math.min(Math.max(first.due - now(), 0), timerMax));
  }

  function runDue(): void {
    armedFor = Number.POSITIVE_INFINITY;
    const until = now() + 0.5; // timers wake up a fraction early
    for (let done = 0; done < turnSize; done += 1) {
      const [first] = heap;
      if (!first || first.due > until) break;
      removeFirst(heap);
      first.run(first as never);
    }
    arm();
  }

  const add = (entry: Entry) => {
    insert(heap, entry);
    arm();
  };
  return {
    now,
    advance(ms) {
      offset += ms;
      armedFor = Number.POSITIVE_INFINITY;
      arm();
    },
    after: (ms, run) => add({ due: now() + ms, run }),
    add,
    size: () => heap.length,
    clear() {
      heap.length = 0;
      clearTimeout(timer);
      armedFor = Number.POSITIVE_INFINITY;
    },
  };
}

function insert(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (!above || above.due <= entry.due) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = entry;
}

function removeFirst(heap: Entry[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const left = heap[child];
    if (!left) break;
    const right = heap[child + 1];
    const smaller = right && right.due < left.due ? right : left;
    if (smaller === right) child += 1;
    if (smaller.due >= last.due) break;
    heap[at] = smaller;
    at = child;
  }
  heap[at] = last;
}
