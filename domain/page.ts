import { Prisma } from '../prisma/client.ts';

/** A column that a list is ordered by: NOT NULL, and no finer than a JavaScript value can hold (`Timestamptz(3)`). */
export type KeyColumn = {
  field: string;
  column: string;
  type: 'date' | 'text' | 'number' | 'uuid';
  descending: boolean;
};

/** A page of an ordered list: `from` is the key of the row it begins behind. The last column is unique. */
export type Page = { order: KeyColumn[]; size: number; backward: boolean; from: (string | Date | number)[] | null };

const goesDown = (page: Page, { descending }: KeyColumn) => descending !== page.backward;

/** The page for Prisma. Takes one row more than the page: whether there is more. */
export function prismaPage(page: Page): { where: object; orderBy: Record<string, 'asc' | 'desc'>[]; take: number } {
  const orderBy = page.order.map((key) => ({
    [key.field]: goesDown(page, key) ? ('desc' as const) : ('asc' as const),
  }));
  return { where: behind(page), orderBy, take: page.size + 1 };
}

/** Rows behind the page's start. The first column's bound stands by itself too: Prisma cannot compare rows, and an OR alone uses no index. */
function behind(page: Page): object {
  const { from, order } = page;
  if (!from) return {};
  const beyond = (key: KeyColumn) => (goesDown(page, key) ? 'lt' : 'gt');
  const [first] = order;
  if (!first) return {};
  const ties = order.map((key, index) => ({
    ...Object.fromEntries(order.slice(0, index).map(({ field }, at) => [field, from[at]])),
    [key.field]: { [beyond(key)]: from[index] },
  }));
  return { AND: [{ [first.field]: { [`${beyond(first)}e`]: from[0] } }, { OR: ties }] };
}

/** The page for SQL, over a table by its alias: a condition to add with AND, and the rest of the statement. */
export function sqlPage(page: Page, alias: string): { behind: Prisma.Sql; orderAndLimit: Prisma.Sql } {
  const column = (key: KeyColumn) => Prisma.raw(`${alias}."${key.column}"`);
  const orderBy = page.order.map(
    (key) => Prisma.sql`${column(key)} ${Prisma.raw(goesDown(page, key) ? 'desc' : 'asc')}`,
  );
  const orderAndLimit = Prisma.sql`order by ${Prisma.join(orderBy)} limit ${page.size + 1}`;
  const { from, order } = page;
  if (!from) return { behind: Prisma.sql`true`, orderAndLimit };
  const downs = new Set(order.map((key) => goesDown(page, key)));
  if (downs.size > 1) throw new Error('All columns of an order go the same way: rows are compared as one.');
  const values = order.map(({ type }, index) => Prisma.sql`${from[index]}${Prisma.raw(castOf[type])}`);
  const comparison = Prisma.raw(downs.has(true) ? '<' : '>');
  return {
    behind: Prisma.sql`(${Prisma.join(order.map(column))}) ${comparison} (${Prisma.join(values)})`,
    orderAndLimit,
  };
}

const castOf = { date: '::timestamptz', text: '::text', number: '::bigint', uuid: '::uuid' };
