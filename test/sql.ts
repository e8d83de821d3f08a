import pg from 'pg';
import type { Sql } from '../prisma/catalogue/check.ts';

/** One plain connection, for what the application's client refuses or cannot do. */
export type Connection = AsyncDisposable & {
  sql: Sql;
  /** A statement that is put together by the test, with its values apart. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>;
};

export async function connect(url: string): Promise<Connection> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    async sql<Row>(strings: TemplateStringsArray, ...values: unknown[]) {
      const text = strings.reduce((before, part, index) => `${before}$${index}${part}`);
      return (await client.query(text, values)).rows as Row[];
    },
    query: (text, values) => client.query(text, values),
    [Symbol.asyncDispose]: () => client.end(),
  };
}
