import { Prisma, type Tx } from '../../prisma/client.ts';
import { type KeyColumn, type Page, prismaPage, sqlPage } from '../page.ts';
import { contactsWhere } from './compile-filter.ts';
import type { ResolvedFilter } from './filter-definitions.ts';

export const contactOrders = {
  CREATED_AT: { field: 'createdAt', column: 'created_at', type: 'date' },
  UPDATED_AT: { field: 'updatedAt', column: 'updated_at', type: 'date' },
  NAME: { field: 'nameKey', column: 'name_key', type: 'text' },
} as const satisfies Record<string, Omit<KeyColumn, 'descending'>>;

/** An order of contacts; each has its index. */
export function contactOrder(by: keyof typeof contactOrders, descending: boolean): KeyColumn[] {
  return [
    { ...contactOrders[by], descending },
    { field: 'id', column: 'id', type: 'uuid', descending },
  ];
}

/**
 * A page of contacts, with what the caller selects of each. The ids of a filtered page come from one statement of ours and the
 * rows from Prisma: it can neither compare rows with a cursor nor say most of what a filter asks.
 */
export async function findContacts<Row extends { id: string }>(
  tx: Tx,
  tenantId: string,
  resolved: ResolvedFilter | null,
  page: Page,
  read: (args: Pick<Prisma.ContactFindManyArgs, 'where' | 'orderBy' | 'take'>) => Promise<Row[]>,
): Promise<Row[]> {
  if (!resolved) {
    const { where, ...rest } = prismaPage(page);
    return read({ ...rest, where: { AND: [{ tenantId, mergedIntoId: null }, where] } });
  }
  const ids = await tx.$queryRaw<{ id: string }[]>(idsOfPage(tenantId, resolved, page));
  if (ids.length === 0) return [];
  const rows = await read({ where: { tenantId, id: { in: ids.map(({ id }) => id) } } });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap(({ id }) => byId.get(id) ?? []);
}

/** The ids of a page, and of one contact more where there is one. */
export function idsOfPage(tenantId: string, resolved: ResolvedFilter, page: Page): Prisma.Sql {
  const { behind, orderAndLimit } = sqlPage(page, 'c');
  return Prisma.sql`select c.id from contacts c where ${contactsWhere(tenantId, resolved)} and ${behind} ${orderAndLimit}`;
}
