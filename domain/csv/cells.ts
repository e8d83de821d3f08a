const e164 = /^\+[1-9]\d{6,14}$/;
const dangerous = /^[=+\-@'\t\r]/;
const neutralised = /^'[=+\-@'\t\r]/;

/** A cell that no spreadsheet takes for a formula. Phones in E.164 stay: they are numbers to any spreadsheet. */
export function neutralise(value: string): string {
  return dangerous.test(value) && !e164.test(value) ? `'${value}` : value;
}

/** Takes off the one `'` that `neutralise` puts before a cell, so that our own files come back as they were. */
export function restore(cell: string): string {
  return neutralised.test(cell) ? cell.slice(1) : cell;
}
