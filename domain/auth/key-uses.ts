import { type Db, inTenant } from '../../prisma/client.ts';
import type { KeyViewer } from './viewer.ts';

/** Writes down when a key was used last. Nobody waits for it but the process that stops. */
export type KeyUses = AsyncDisposable & { note(viewer: KeyViewer): void };

const everyMs = 60_000;
const rememberedMax = 10_000;

/** At most one small write a minute for each key and process; what goes wrong is told, and the key's next use tries again. */
export function createKeyUses(given: { db: Db; now: () => Date; onError: (error: unknown) => void }): KeyUses {
  const { db, now, onError } = given;
  const noted = new Map<string, number>();
  const underWay = new Set<Promise<void>>();

  const store = async ({ tenantId, apiKeyId, origin }: KeyViewer, at: Date) => {
    try {
      const data = { lastUsedAt: at, lastUsedAddress: origin?.address ?? null };
      const isNews = { OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: at } }] }; // processes do not wait for one another
      await inTenant(db, tenantId, (tx) =>
        tx.apiKey.updateMany({ where: { AND: [{ tenantId, id: apiKeyId }, isNews] }, data }),
      );
    } catch (error) {
      noted.delete(apiKeyId);
      onError(error);
    }
  };

  return {
    note(viewer) {
      const { apiKeyId } = viewer;
      const at = now();
      if (at.getTime() - (noted.get(apiKeyId) ?? -Infinity) < everyMs) return;
      noted.delete(apiKeyId);
      noted.set(apiKeyId, at.getTime());
      if (noted.size > rememberedMax) noted.delete(noted.keys().next().value ?? apiKeyId);
      const write = store(viewer, at).finally(() => underWay.delete(write));
      underWay.add(write);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(underWay);
    },
  };
}
