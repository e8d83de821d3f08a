import { vi } from 'vitest';
import { TenantClient } from '../prisma/tenant-client.ts';

/** The SELECT statements of Prisma's that are sent to the database while `run` runs. */
export async function selectsOf(run: () => Promise<unknown>): Promise<string[]> {
  return (await statementsOf(run)).filter((text) => text.startsWith('SELECT'));
}

/** All statements that are sent to the database while `run` runs, those written by hand included. */
export async function statementsOf(run: () => Promise<unknown>): Promise<string[]> {
  const spy = vi.spyOn(TenantClient.prototype, 'query');
  try {
    await run();
    return spy.mock.calls.map(([config]) => (typeof config === 'string' ? config : (config as { text: string }).text));
  } finally {
    spy.mockRestore();
  }
}
