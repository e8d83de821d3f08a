import type { Route } from '../../connectors/whatsapp/read-webhook.ts';
import { findRoutes } from '../../domain/webhooks/store-events.ts';
import { type Db, inScope } from '../../prisma/client.ts';

/** Short: a number that changes hands must not go on leading to who had it. */
const knownMs = 5_000;
/** Shorter: whoever connects a number waits for its first event. */
const unknownMs = 1_000;
const knownMax = 50_000;

export type FindTenant = (routes: readonly Route[]) => Promise<(route: Route) => string | undefined>;

/** Whose events routes lead to, remembered for a moment; what is not known is asked for at once, and once at a time. */
export function createRoutes(db: Db, now: () => number = () => performance.now()): FindTenant {
  type Known = { tenantId: Promise<string | undefined>; until: number };
  const known = new Map<string, Known>();
  const keyOf = ({ source, externalId }: Route) => `${source} ${externalId}`;

  const ask = (source: Route['source'], externalIds: string[]): void => {
    if (externalIds.length === 0) return;
    if (known.size > knownMax) known.clear();
    const answer = inScope(db, {}, (tx) => findRoutes(tx, source, externalIds), { readOnly: true });
    for (const externalId of externalIds) {
      const key = keyOf({ source, externalId });
      const entry: Known = { tenantId: answer.then((found) => found.get(externalId)), until: Infinity };
      known.set(key, entry);
      entry.tenantId.then(
        (tenantId) => void (entry.until = now() + (tenantId === undefined ? unknownMs : knownMs)),
        () => known.get(key) === entry && known.delete(key), // whoever asked is told
      );
    }
  };

  return async (routes) => {
    const at = now();
    const distinct = new Map(routes.map((route) => [keyOf(route), route]));
    const missing = [...distinct]
      .filter(([key]) => (known.get(key)?.until ?? -Infinity) <= at)
      .map(([, route]) => route);
    for (const source of ['META_NUMBER', 'META_WABA'] as const) {
      ask(
        source,
        missing.filter((route) => route.source === source).map(({ externalId }) => externalId),
      );
    }
    const found = new Map<string, string | undefined>();
    await Promise.all([...distinct.keys()].map(async (key) => found.set(key, await known.get(key)?.tenantId)));
    return (route) => found.get(keyOf(route));
  };
}
