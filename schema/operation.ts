import {
  type Claims,
  findViewer,
  isPerson,
  type KeyClaims,
  type Origin,
  type PersonViewer,
  type Viewer,
} from '../domain/auth/viewer.ts';
import { type Db, inScope, type Scope, type Tx } from '../prisma/client.ts';
import { UnauthorizedError } from './unauthorized.ts';

/** One GraphQL operation and its transactions: reads share one, opened when first needed; each mutation field writes in its own. */
export type Operation = {
  /** Where the request came from; null where none is behind it. */
  origin: Origin | null;
  /** Reads: read-only, bound to the caller's tenant. The same object all along (Pothos keeps it). */
  tx: Tx;
  /** The caller went away, or the operation took too long. */
  signal: AbortSignal;
  /** Who is asking; null when nobody is signed in. Read once an operation. */
  viewer(): Promise<Viewer | null>;
  /** The same, for a field that has checked it: throws when nobody is signed in. */
  signedIn(): Promise<Viewer>;
  /** The same, for what only a person has: throws for a key. */
  person(): Promise<PersonViewer>;
  /** What is known of the caller so far, without asking the database. */
  knownViewer(): Viewer | null;
  /** Writes: rolled back by any throw, committed before it returns. Scope: the caller's, unless given. */
  write<T>(fn: (tx: Tx) => Promise<T>, scope?: Scope): Promise<T>;
  /**
   * Work with a partner in it: each `run` is a transaction of its own, and the partner is called between them. Once begun it goes on to its end
   * even if nobody waits any more: what the partner did must be written down.
   */
  writeAround<T>(fn: (run: Run) => Promise<T>): Promise<T>;
  /** From here on the operation is this person's: the answer of a sign-up or sign-in is read as the new person. */
  becomes(claims: Claims): void;
  /** Nobody waits any more: reading is broken off and nothing new begins. A write under way is left to end, unless it took too long. */
  abandon(because: 'gone' | 'timeout'): void;
  /** Ends the reading transaction; nothing is read or written afterwards. */
  end(): Promise<void>;
};

/** One write transaction: committed when it returns, rolled back by any throw. */
export type Run = <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>;

type Reading = { tx: Promise<Tx>; close: () => Promise<void> };

/** What a resolver gets that runs on after its operation has ended, as it does when a null took its parent away. */
export class OperationOverError extends Error {
  constructor() {
    super('The operation is over.');
  }
}

export function startOperation(
  db: Db,
  claimed: Claims | KeyClaims | null,
  origin: Origin | null,
  now: () => Date,
): Operation {
  let claims = claimed;
  let reading: Reading | undefined;
  let isWriting = false;
  let isOver = false;
  let viewer: Promise<Viewer | null> | undefined;
  let known: Viewer | null = null;
  const abandoned = new AbortController();
  const timedOut = new AbortController();

  const read = (): Promise<Tx> => {
    if (isOver) return Promise.reject(new OperationOverError());
    if (isWriting) return Promise.reject(new Error('Nothing is read while a mutation writes.'));
    reading ??= openReading(db, scopeOf(claims, known), abandoned.signal);
    return reading.tx;
  };
  const close = async () => {
    const open = reading;
    reading = undefined;
    await open?.close();
  };
  const findOut = async () => {
    if (!claims) return null;
    known = await findViewer(await read(), claims, origin, now());
    if (!known && 'apiKeyId' in claims) {
      claims = null; // anybody can name a key: whoever does not have it is nobody, and reads as nobody
      await close();
    }
    return known;
  };
  const operation: Operation = {
    origin,
    tx: lazyTx(read),
    signal: abandoned.signal,
    viewer: () => (viewer ??= findOut()),
    async signedIn() {
      const found = await operation.viewer();
      if (!found) throw new UnauthorizedError(null);
      return found;
    },
    async person() {
      const found = await operation.signedIn();
      if (!isPerson(found)) throw new UnauthorizedError(found);
      return found;
    },
    knownViewer: () => known,
    async write(fn, scope = scopeOf(claims, known)) {
      if (isOver) throw new OperationOverError();
      isWriting = true;
      try {
        await close(); // never two connections for one operation
        return await inScope(db, scope, fn, { signal: timedOut.signal });
      } finally {
        isWriting = false;
      }
    },
    async writeAround(fn) {
      if (isOver) throw new OperationOverError();
      const scope = scopeOf(claims, known);
      isWriting = true;
      try {
        await close();
        return await fn((act) => inScope(db, scope, act));
      } finally {
        isWriting = false;
      }
    },
    becomes(next) {
      claims = next;
      viewer = undefined;
      known = null;
    },
    abandon(because) {
      isOver = true;
      abandoned.abort();
      if (because === 'timeout') timedOut.abort();
    },
    async end() {
      isOver = true;
      await close();
    },
  };
  return operation;
}

/** What the caller may see; until it is known who that is, the least that any role may. */
function scopeOf(claims: Claims | KeyClaims | null, known: Viewer | null): Scope {
  if (!claims) return {};
  const { tenantId } = claims;
  if ('apiKeyId' in claims) return { tenantId, ...known?.sees };
  const { userId } = claims;
  return { tenantId, userId, ...(known ? known.sees : { contactsOf: userId, campaignsOf: userId }) };
}

function openReading(db: Db, scope: Scope, signal: AbortSignal): Reading {
  const opened = Promise.withResolvers<Tx>();
  const release = Promise.withResolvers<void>();
  const ended = inScope(
    db,
    scope,
    (tx) => {
      opened.resolve(tx);
      return release.promise;
    },
    { readOnly: true, timeoutMs: 30_000, signal },
  );
  ended.catch(opened.reject);
  opened.promise.catch(() => {}); // whoever asked for it is told; nobody else has to be
  return {
    tx: opened.promise,
    // A failed statement has been reported by its resolver; the read-only transaction has nothing to lose.
    close: () => (release.resolve(), ended.catch(() => {})),
  };
}

/** One stable object whose models and `$` methods first open the transaction: Pothos keeps the client it was given first. */
function lazyTx(read: () => Promise<Tx>): Tx {
  type Methods = Record<string, (...args: unknown[]) => unknown>;
  const lazily =
    (choose: (tx: Tx) => unknown, method: string) =>
    (...args: unknown[]) =>
      lazyPromise(async () => {
        const methods = choose(await read()) as Methods;
        const run = methods[method];
        if (!run) throw new TypeError(`Prisma's client has no ${method}.`);
        return run.apply(methods, args);
      });
  const models = new Map<string, unknown>();
  const member = (name: string): unknown => {
    if (name.startsWith('$')) return lazily((tx) => tx, name);
    return new Proxy({}, { get: (_model, method) => lazily((tx) => tx[name as 'contact'], String(method)) });
  };
  return new Proxy({} as Tx, {
    has: () => true,
    get(_target, name) {
      if (typeof name !== 'string' || name === 'then') return undefined;
      if (!models.has(name)) models.set(name, member(name));
      return models.get(name);
    },
  });
}

/** Like a Prisma promise: nothing happens before it is awaited. */
function lazyPromise<T>(run: () => Promise<T>): Pick<Promise<T>, 'then' | 'catch' | 'finally'> {
  let started: Promise<T> | undefined;
  const start = () => (started ??= run());
  return {
    then: (resolve, reject) => start().then(resolve, reject),
    catch: (reject) => start().catch(reject),
    finally: (settled) => start().finally(settled),
  };
}
