import { tables } from '../../prisma/tables.ts';
import type { Connection } from '../sql.ts';
import type { Owner } from './fill.ts';

/** A hash of everything an owner has in each table: equal before and after means that nothing was touched. */
export async function hashRows({ query }: Connection, owner: Owner): Promise<Record<string, string>> {
  const parts = tables.map((table) => {
    const [whose, whom] = table.class === 'person' ? [table.personOf, '$2::uuid'] : [table.tenantOf, '$1::uuid'];
    return `select '${table.name}' as name, count(*) || ' rows, ' || md5(string_agg(t::text, E'\\n' order by t::text)) as hash
      from "${table.name}" t where ${whose === null ? 'false' : `${whose} = ${whom}`}`;
  });
  const { rows } = await query<{ name: string; hash: string | null }>(parts.join(' union all '), [
    owner.tenantId,
    owner.userId,
  ]);
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash ?? 'none']));
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
