import { Gauge, type Registry } from 'prom-client';

/** How busy a pool of database connections is, whoever owns it. */
export type PoolCounts = { totalCount: number; idleCount: number; waitingCount: number };

/** Connections in use and idle, and who waits for one, read when Prometheus asks. */
export function watchPools(registry: Registry, pools: Record<string, PoolCounts>): void {
  const connections = new Gauge({
    name: 'parley_database_connections',
    help: 'Connections of a pool: in use, idle; and requests that wait for one.',
    labelNames: ['pool', 'state'],
    registers: [registry],
    collect() {
      for (const [pool, { totalCount, idleCount, waitingCount }] of Object.entries(pools)) {
        connections.set({ pool, state: 'used' }, totalCount - idleCount);
        connections.set({ pool, state: 'idle' }, idleCount);
        connections.set({ pool, state: 'waiting' }, waitingCount);
      }
    },
  });
}
