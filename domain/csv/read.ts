import { byteLengthIn, decodeText, UndecodableError, undecodableAt } from './decode.ts';
import type { Encoding } from './encoding.ts';
import { createScanner, type CsvRecord } from './scan.ts';

/** How a file is written, and how much of it one record may be. */
export type CsvShape = { encoding: Encoding; delimiter: string; columnsMax: number; recordLengthMax: number };

/** Reads records from a place between two records on, a piece of the file at a time: memory does not grow with the file. */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  shape: CsvShape,
  from: { byte: number; line: number },
): AsyncGenerator<CsvRecord[]> {
  const scanner = createScanner({ ...shape, byteLength: (text) => byteLengthIn(shape.encoding, text), from });
  try {
    for await (const text of decodeText(bytes, shape.encoding)) yield scanner.push(text);
  } catch (error) {
    throw error instanceof UndecodableError ? undecodableAt(scanner.lineNow(), error) : error;
  }
  yield scanner.end();
}
