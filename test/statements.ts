import { vi } from 'vitest';
import { TenantClient } from '../prisma/tenant-client.ts';

/** The SELECT statements that are sent to the database while `run` runs. */
export async function selectsOf(run: () => Promise<unknown>): Promise<string[]> {
  const spy = vi.spyOn(TenantClient.prototype, 'query');
  try {
    await run();
    const texts = spy.mock.calls.map(([config]) =>
      typeof config === 'string' ? config : (config as { text: string }).text,
    );
    return texts.filter((text) => text.startsWith('SELECT'));
  } finally {
    spy.mockRestore();
  }
}
