import { Prisma } from './generated/client.ts';

/** Postgres's own code of what went wrong (as 23503), however Prisma has wrapped it; undefined when it did not come from Postgres. */
export function sqlStateOf(error: unknown): string | undefined {
  const wrapped = error instanceof Prisma.PrismaClientKnownRequestError ? error.meta?.['driverAdapterError'] : error;
  if (!(wrapped instanceof Error) || typeof wrapped.cause !== 'object' || wrapped.cause === null) return undefined;
  const { originalCode } = wrapped.cause as { originalCode?: unknown };
  return typeof originalCode === 'string' ? originalCode : undefined;
}
