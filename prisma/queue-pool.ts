import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

export type QueuePoolOptions = {
  max: number;
  applicationName: string;
  /** How long a statement may take before its connection is given up; 0: as long as it takes. */
  statementMs?: number;
  /** The role to act as, when the login is only a member of it. */
  role?: string;
  /** Until it aborts, a connection that cannot be had is waited for instead of reported: a restart of Postgres is a pause. */
  patientUntil?: AbortSignal;
  /** What broke on a connection that nobody was using. */
  onError?: (error: Error) => void;
};

/** Connections of the queue's role, for graphile-worker and for the fleet's own upkeep. */
export function createQueuePool(connectionString: string, options: QueuePoolOptions): pg.Pool {
  const config: pg.PoolConfig = {
    connectionString,
    Client: QueueClient,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    query_timeout: options.statementMs ?? 20_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(options.role ? { options: `-c role=${options.role}` } : {}),
  };
  const pool = options.patientUntil ? new PatientPool(config, options.patientUntil) : new pg.Pool(config);
  const report = (error: Error) => options.onError?.(error);
  // The pool replaces what broke, and a query under way reports it itself; without a listener Node would end the process.
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', report));
  return pool;
}

/** Whether an error says that the connection, and not the statement, is at fault. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    /^(08...|57P0[1-3]|53300|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/.test(code) ||
    /^(Connection terminated|Client (has encountered a connection error|was closed)|Query read timeout|timeout (exceeded|expired))/.test(
      error.message,
    )
  );
}

/**
 * graphile-worker writes the outcome of a job without waiting for it, and tries again only after the few errors in its list: whatever else
 * a restart of Postgres raises would be an unhandled rejection, and the outcome lost. So every lost connection is given one code of that list.
 */
class QueueClient extends pg.Client {
  // pg's overloads cover callbacks and cursors too: they are passed through.
  override query(...args: unknown[]): never {
    const result = (super.query as (...args: unknown[]) => unknown).apply(this, args);
    return (result instanceof Promise ? result.catch((error: unknown) => this.#rethrow(error)) : result) as never;
  }

  #rethrow(error: unknown): never {
    if (error instanceof Error && isConnectionLoss(error)) {
      if (error.message === 'Query read timeout') this.#abandon();
      throw Object.assign(new Error(error.message, { cause: error }), { code: '57P03' });
    }
    throw error;
  }

  /** A statement that was given up on still occupies its connection: nobody else may get it. */
  #abandon(): void {
    const { connection } = this as unknown as { connection?: { stream?: { destroy(): void } } };
    connection?.stream?.destroy();
  }
}

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

class PatientPool extends pg.Pool {
  readonly #until: AbortSignal;

  constructor(config: pg.PoolConfig, until: AbortSignal) {
    super(config);
    this.#until = until;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(connected: Connected): void;
  override connect(connected?: Connected): Promise<pg.PoolClient> | void {
    const client = this.#connect();
    if (!connected) return client;
    client.then(
      (it) => connected(undefined, it, (release) => it.release(release as boolean | Error | undefined)),
      (error: unknown) => connected(error instanceof Error ? error : new Error(String(error)), undefined, () => {}),
    );
  }

  async #connect(): Promise<pg.PoolClient> {
    for (;;) {
      try {
        return await super.connect();
      } catch (error) {
        if (this.#until.aborted || !isConnectionLoss(error)) throw error;
        await pause(200, undefined, { signal: this.#until }).catch(() => {}); // it aborts: one last try
      }
    }
  }
}
