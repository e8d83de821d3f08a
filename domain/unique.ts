import { Prisma } from '../prisma/client.ts';

/** Another transaction has the same unique value, and committed first. The transaction that meets this is over. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
