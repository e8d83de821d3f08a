import { stringify } from 'csv-stringify/sync';
import { neutralise } from './cells.ts';

/** Opens a file so that spreadsheets read it as UTF-8. */
export const byteOrderMark = '\uFEFF';

/** Rows as CSV text (RFC 4180), formulas neutralised: the one way in which we write CSV. */
export function writeCsv(rows: readonly (readonly string[])[], delimiter = ','): string {
  return stringify(
    rows.map((row) => row.map(neutralise)),
    { delimiter, record_delimiter: 'windows', quoted_match: /[\r\n]/ },
  );
}
