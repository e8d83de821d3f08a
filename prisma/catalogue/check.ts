import type { Table } from '../tables.ts';

/** Runs one statement and returns its rows; `tx.$queryRaw` is one. */
export type Sql = <Row>(statement: TemplateStringsArray, ...values: unknown[]) => Promise<Row[]>;

/** One rule of the database. Returns what breaks it, by name: nothing, as long as it holds. */
export type Check = (sql: Sql, tables: readonly Table[]) => Promise<string[]>;

/** What is on one side only, said. */
export function differences(expected: string[], actual: string[]): string[] {
  const wanted = new Set(expected);
  const found = new Set(actual);
  return [
    ...actual.filter((one) => !wanted.has(one)).map((one) => `not approved: ${one}`),
    ...expected.filter((one) => !found.has(one)).map((one) => `missing: ${one}`),
  ];
}
