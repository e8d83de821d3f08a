import type { Db, Tx } from '../prisma/client.ts';

export type Loss = { statement: number } | { commit: number };
export type LosingDb = Db & { readonly isLost: boolean };

/**
 * A database that is lost to its client at one moment, and stays so: before a statement, so that its transaction is rolled back, or
 * just after a commit that the client never hears of. As when a process is killed there.
 */
export function losingDatabase(db: Db, loss: Loss): LosingDb {
  let [statements, commits, isLost] = [0, 0, false];
  const lose = (): never => {
    isLost = true;
    throw new Error('The database is lost.');
  };
  const beforeStatement = () => {
    statements += 1;
    if (isLost || ('statement' in loss && statements === loss.statement)) lose();
  };
  const counting = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const member: unknown = Reflect.get(object, name);
        if (typeof member === 'object' && member !== null) return counting(member);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          beforeStatement();
          return Reflect.apply(member, object, args);
        };
      },
    });
  type Run = (fn: (tx: Tx) => Promise<unknown>, options?: object) => Promise<unknown>;
  const run: Run = async (fn, options) => {
    if (isLost) lose();
    const result = await (db.$transaction as unknown as Run)((tx) => fn(counting(tx)), options);
    commits += 1;
    if ('commit' in loss && commits === loss.commit) lose();
    return result;
  };
  return {
    $transaction: run as unknown as Db['$transaction'],
    pool: db.pool,
    get isLost() {
      return isLost;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
