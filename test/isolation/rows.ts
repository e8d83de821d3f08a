import { tables } from '../../prisma/tables.ts';
import type { Connection } from '../sql.ts';
import { ownedBy, type Owner } from './fill.ts';

/** A hash of everything an owner has in each table: equal before and after means that nothing was touched. */
export async function hashRows({ query }: Connection, owner: Owner): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const table of tables) {
    const { condition, values } = ownedBy(table, owner);
    const { rows } = await query<{ hash: string }>(
      `select count(*) || ' rows, ' || coalesce(md5(string_agg(t::text, E'\\n' order by t::text)), 'none') as hash
       from "${table.name}" t where ${condition}`,
      values,
    );
    hashes[table.name] = rows[0]?.hash ?? '';
  }
  return hashes;
}

/** Runs tasks, at most so many at a time, and returns what each returned. */
export async function atMost<T>(concurrency: number, tasks: (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  const queue = tasks.entries();
  const work = async () => {
    for (const [index, task] of queue) results[index] = await task();
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results;
}
