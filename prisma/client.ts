import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { Prisma, PrismaClient } from './generated/client.ts';
import { breakOff, scopeMark, TenantClient } from './tenant-client.ts';

export * from './generated/client.ts';

/** The base client: runs nothing by itself, only opens transactions that say whose they are. */
export type Db = Pick<PrismaClient, '$transaction'> & { readonly pool: pg.Pool } & AsyncDisposable;

/** A transaction that is bound to a tenant (and a person): what every domain function is given. */
export type Tx = Prisma.TransactionClient;

/** Whose rows may be seen and written. Nobody's, where a field is missing. */
export type Scope = { tenantId?: string | undefined; userId?: string | undefined } & Assigned;

/**
 * The person whose contacts and campaigns these are, where not all of the tenant's may be seen: those that are assigned to somebody else are
 * not there then.
 */
export type Assigned = { contactsOf?: string | undefined; campaignsOf?: string | undefined };

export type TxOptions = {
  readOnly?: boolean;
  timeoutMs?: number;
  /** Breaks the transaction off, whatever it is at: nothing of it stays. */
  signal?: AbortSignal;
};

export function createDb(databaseUrl: string, options: { poolSize?: number; applicationName?: string } = {}): Db {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    Client: TenantClient,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: options.applicationName ?? 'parley',
  });
  pool.on('error', () => {}); // an idle connection broke: the pool replaces it, and a query under way reports it itself
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), errorFormat: 'minimal' });
  return {
    $transaction: prisma.$transaction.bind<PrismaClient['$transaction']>(prisma),
    pool,
    async [Symbol.asyncDispose]() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

let transactions = 0;

/** Runs `fn` in one transaction within a scope; rolled back by whatever it throws. Never call a partner in it. */
export async function inScope<T>(
  db: Db,
  scope: Scope,
  fn: (tx: Tx) => Promise<T>,
  options: TxOptions = {},
): Promise<T> {
  const { tenantId = '', userId = '', contactsOf = '', campaignsOf = '' } = scope;
  const { readOnly = false, timeoutMs = 10_000, signal } = options;
  const access = readOnly ? 'read' : 'write';
  const name = String((transactions += 1));
  const onAbort = () => breakOff(name);
  signal?.addEventListener('abort', onAbort);
  try {
    return await db.$transaction(
      async (tx) => {
        await tx.$queryRaw`${Prisma.raw(scopeMark)} select ${tenantId}, ${userId}, ${contactsOf}, ${campaignsOf}, ${access}, ${name}`; // what TenantClient makes of it: tenant-client.ts
        signal?.throwIfAborted(); // from here on it is known by its name
        return fn(tx);
      },
      { maxWait: 5_000, timeout: timeoutMs },
    );
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Runs `fn` in one transaction of a tenant. */
export function inTenant<T>(db: Db, tenantId: string, fn: (tx: Tx) => Promise<T>, options: TxOptions = {}): Promise<T> {
  return inScope(db, { tenantId }, fn, options);
}
