import { sqlStateOf } from '../../../prisma/sql-state.ts';

/** Somebody changed what a page had found before the page was stored: it is looked up anew. */
export class PageRaceError extends Error {}

/** Deadlock, serialisation failure, a lock waited for too long; a unique value that somebody else stored, a row that somebody deleted meanwhile. */
const races = new Set(['40P01', '40001', '55P03', '23505', '23503']);

export function isRace(error: unknown): boolean {
  return error instanceof PageRaceError || races.has(sqlStateOf(error) ?? '');
}
