import { type Db, inTenant } from '../../../prisma/client.ts';
import { byteOrderMark, writeCsv } from '../../csv/write.ts';
import { errorColumns, isErrorColumn } from './columns.ts';
import type { Format } from './prepare.ts';

/** What links to error files are signed for. */
export const errorFileLink = 'errors of an import';
export const errorFileLinkMs = 15 * 60_000;

const pageSize = 500;

/**
 * Every failed record as it stood in the file, with its line and what was wrong, as CSV in the file's own columns and delimiter: it can
 * be corrected and sent again. Null: there is no such import, or its file could not be read.
 */
export async function openErrorFile(
  db: Db,
  tenantId: string,
  importId: string,
): Promise<AsyncGenerator<string> | null> {
  const found = await inTenant(
    db,
    tenantId,
    (tx) =>
      tx.contactImport.findUnique({ where: { tenantId_id: { tenantId, id: importId } }, select: { format: true } }),
    { readOnly: true },
  );
  const format = found?.format as unknown as Format | null | undefined;
  return format ? writeErrorFile(db, tenantId, importId, format) : null;
}

async function* writeErrorFile(
  db: Db,
  tenantId: string,
  importId: string,
  { columns, delimiter }: Format,
): AsyncGenerator<string> {
  const own = columns.flatMap(({ header }, index) => (isErrorColumn(header) ? [] : [index]));
  yield byteOrderMark + writeCsv([[...own.map((index) => columns[index]?.header ?? ''), ...errorColumns]], delimiter);
  for (let after = 0; ;) {
    const rows = await inTenant(
      db,
      tenantId,
      (tx) =>
        tx.contactImportRejected.findMany({
          where: { tenantId, importId, record: { gt: after } },
          orderBy: { record: 'asc' },
          take: pageSize,
        }),
      { readOnly: true },
    );
    const last = rows.at(-1);
    if (!last) return;
    yield writeCsv(
      rows.map(({ cells, line, error }) => [
        ...own.map((index) => cells[index] ?? ''),
        String(line),
        error,
        ...cells.slice(columns.length), // cells without a column of their own are not lost
      ]),
      delimiter,
    );
    after = last.record;
  }
}
