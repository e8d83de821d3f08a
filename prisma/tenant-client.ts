import pg from 'pg';

/** Opens every statement that binds a transaction to its scope; nothing else may start one. */
export const scopeMark = '/* parley:scope */';

type Statement = { text: string; values?: unknown[] };

/**
 * A connection on which nothing runs before it is said whose rows may be seen.
 *
 * Prisma's adapter sends BEGIN, then our first statement sets the tenant: two round trips. Here BEGIN is held back until the setting
 * comes, both leave as one message, and (the connection pipelines) the first real query follows without waiting for their answer.
 * A statement outside such a transaction is refused: one more wall behind row-level security.
 */
export class TenantClient extends pg.Client {
  #state: 'idle' | 'held' | 'open' = 'idle';
  #begun: Promise<unknown> = Promise.resolve();

  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true });
  }

  // pg's overloads cover callbacks and cursors, which Prisma's adapter does not use.
  override query(...args: unknown[]): never {
    return this.#run(args[0]) as never;
  }

  async #run(config: unknown): Promise<unknown> {
    const { text } = asStatement(config);
    if (text === 'BEGIN') {
      if (this.#state !== 'idle') throw new Error('A transaction is open already.');
      this.#state = 'held';
      return nothing;
    }
    if (this.#state === 'held') {
      if (text === 'COMMIT' || text === 'ROLLBACK') {
        this.#state = 'idle';
        return nothing;
      }
      if (!text.startsWith(scopeMark)) throw new Error('A transaction must first say whose it is.');
      this.#state = 'open';
      this.#begun = this.#send(beginWith(asStatement(config)));
      this.#begun.catch(() => {}); // reported by every statement that follows, COMMIT included
      return nothing;
    }
    if (this.#state === 'idle') throw new Error('A statement outside of a transaction that says whose it is.');
    if (text === 'COMMIT' || text === 'ROLLBACK') this.#state = 'idle';
    const [, result] = await Promise.all([this.#begun, this.#send(config)]);
    if (text === 'COMMIT' && (result as pg.QueryResult).command === 'ROLLBACK') {
      throw new Error('The transaction was rolled back: a statement in it had failed.');
    }
    return result;
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
function beginWith({ values = [] }: Statement): string {
  const [tenantId, userId, access] = values.map(String);
  const set = (name: string, value = '') => `set_config('${name}', ${pg.escapeLiteral(value)}, true)`;
  return `begin ${access === 'read' ? 'read only' : 'read write'}; select ${set('app.tenant_id', tenantId)}, ${set('app.user_id', userId)}`;
}
