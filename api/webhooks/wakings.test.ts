import { expect, test, vi } from 'vitest';
import { createWakings } from './wakings.ts';

const never = () => {
  throw new Error('Nothing was to fail.');
};

test('the first write wakes; what is stored soon after it is woken for when the while is over, once', async () => {
  const woken: string[] = [];
  await using wakings = createWakings(async (tenantId) => void woken.push(tenantId), never, { everyMs: 50 });
  expect(wakings.isDue('a')).toBe(true);
  wakings.woken('a');
  expect(wakings.isDue('a')).toBe(false);
  expect(wakings.isDue('b')).toBe(true);
  for (let write = 0; write < 5; write += 1) wakings.stored('a');
  expect(woken).toEqual([]);
  await vi.waitFor(() => expect(woken).toEqual(['a']), { timeout: 5_000 });
  await vi.waitFor(() => expect(wakings.isDue('a')).toBe(true), { timeout: 5_000 });
  expect(woken).toEqual(['a']);
});

test('a write that wakes takes the owed wake-up with it, and one that fails owes nothing less', async () => {
  const woken: string[] = [];
  await using wakings = createWakings(async (tenantId) => void woken.push(tenantId), never, { everyMs: 50 });
  wakings.woken('a');
  wakings.stored('a');
  wakings.woken('a'); // the next write came when it was due, before the timer
  wakings.stored('b'); // its write was to wake and could not: nothing was said to be woken
  await vi.waitFor(() => expect(woken).toEqual(['b']), { timeout: 5_000 });
  await vi.waitFor(() => expect(wakings.isDue('a')).toBe(true), { timeout: 5_000 });
  expect(woken).toEqual(['b']);
});

test('a wake-up that fails is tried again, and what is owed at the end is done then', async () => {
  const [woken, errors]: [string[], unknown[]] = [[], []];
  let isAway = true;
  const wake = async (tenantId: string) => {
    if (isAway) throw new Error('away');
    woken.push(tenantId);
  };
  const wakings = createWakings(wake, (error) => errors.push(error), { everyMs: 10, againMs: 20 });
  wakings.stored('a');
  await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1), { timeout: 5_000 });
  isAway = false;
  await vi.waitFor(() => expect(woken).toEqual(['a']), { timeout: 5_000 });
  wakings.woken('b');
  wakings.stored('b');
  await wakings[Symbol.asyncDispose]();
  expect(woken).toEqual(['a', 'b']);
});
