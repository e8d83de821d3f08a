import { connect } from 'node:net';
import pg from 'pg';

/** Opens every statement that binds a transaction to its scope; nothing else may start one. */
export const scopeMark = '/* parley:scope */';

type Statement = { text: string; values?: unknown[] };

/** Connections that are in a transaction, by the name that the transaction was given. */
const underWay = new Map<string, TenantClient>();

/** Breaks a transaction off: its running statement is cancelled, and its connection is closed, never used again. */
export function breakOff(transaction: string): void {
  underWay.get(transaction)?.breakOff();
}

/**
 * A connection on which nothing runs before it is said whose rows may be seen.
 *
 * Prisma's adapter sends BEGIN, then our first statement sets the tenant: two round trips. Here BEGIN is held back until the setting
 * comes, both leave as one message, and (the connection pipelines) the first real query follows without waiting for their answer.
 * A statement outside such a transaction is refused: one more wall behind row-level security.
 */
export class TenantClient extends pg.Client {
  /** What the server knows the connection by; pg has them, its types do not. */
  declare readonly processID: number | null;
  declare readonly secretKey: number | null;

  #state: 'idle' | 'held' | 'open' = 'idle';
  #begun: Promise<unknown> = Promise.resolve();
  #transaction = '';
  #isBrokenOff = false;

  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true });
  }

  // pg's overloads cover callbacks and cursors, which Prisma's adapter does not use.
  override query(...args: unknown[]): never {
    return this.#run(args[0]) as never;
  }

  breakOff(): void {
    this.#isBrokenOff = true;
    cancelRunning(this);
    // The server may be told too late, when the statement is over: the connection must not be somebody else's by then.
    this.end().catch(() => {}); // it ends when the statement has; whoever runs one is told there
  }

  async #run(config: unknown): Promise<unknown> {
    const { text, values = [] } = asStatement(config);
    if (text === 'BEGIN') {
      if (this.#state !== 'idle') throw new Error('A transaction is open already.');
      this.#state = 'held';
      return nothing;
    }
    if (this.#state === 'idle') throw new Error('A statement outside of a transaction that says whose it is.');
    if (text === 'COMMIT') return this.#commit(config);
    if (text === 'ROLLBACK') return this.#rollBack(config);
    if (this.#state === 'open') {
      const [, result] = await Promise.all([this.#begun, this.#send(config)]);
      return result;
    }
    if (!text.startsWith(scopeMark)) throw new Error('A transaction must first say whose it is.');
    const [tenantId, userId, contactsOf, campaignsOf, access, transaction = ''] = values.map(String);
    this.#state = 'open';
    this.#transaction = transaction;
    underWay.set(transaction, this);
    const settings = { tenant_id: tenantId, user_id: userId, contacts_of: contactsOf, campaigns_of: campaignsOf };
    this.#begun = this.#send(beginWith(settings, access));
    this.#begun.catch(() => {}); // reported by every statement that follows, COMMIT included
    return nothing;
  }

  async #commit(config: unknown): Promise<unknown> {
    if (this.#leave() === 'held') return nothing;
    const [, result] = await Promise.all([this.#begun, this.#send(config)]);
    if ((result as pg.QueryResult).command === 'ROLLBACK') {
      throw new Error('The transaction was rolled back: a statement in it had failed.');
    }
    return result;
  }

  async #rollBack(config: unknown): Promise<unknown> {
    if (this.#leave() === 'held' || this.#isBrokenOff) return nothing; // a connection that ends takes its transaction along
    return this.#send(config);
  }

  #leave(): 'held' | 'open' | 'idle' {
    const state = this.#state;
    this.#state = 'idle';
    underWay.delete(this.#transaction);
    return state;
  }

  #send(config: unknown): Promise<unknown> {
    return super.query(config as pg.QueryConfig);
  }
}

const nothing = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] };

function asStatement(config: unknown): Statement {
  if (typeof config === 'string') return { text: config };
  if (typeof config === 'object' && config !== null && 'text' in config) return config as Statement;
  throw new Error('Only plain statements are run here.');
}

/** BEGIN and the settings as one simple message: values are escaped, since that protocol has no parameters. */
function beginWith(settings: Record<string, string | undefined>, access: string | undefined): string {
  const set = Object.entries(settings).map(
    ([name, value = '']) => `set_config('app.${name}', ${pg.escapeLiteral(value)}, true)`,
  );
  return `begin ${access === 'read' ? 'read only' : 'read write'}; select ${set.join(', ')}`;
}

/** Postgres takes the wish to cancel on a connection of its own: 16 bytes, no answer. Not heard, the role's statement timeout is left. */
function cancelRunning({ host, port, processID, secretKey }: TenantClient): void {
  if (processID === null || secretKey === null) return;
  const wish = Buffer.alloc(16);
  [16, 80_877_102, processID, secretKey].forEach((word, index) => wish.writeInt32BE(word, index * 4));
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.on('error', () => {});
  socket.end(wish);
}
