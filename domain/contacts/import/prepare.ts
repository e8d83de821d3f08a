import { CsvError } from '../../csv/csv-error.ts';
import { byteLengthIn, decodeText, UndecodableError } from '../../csv/decode.ts';
import { detectDelimiter, readDelimiterLine } from '../../csv/delimiter.ts';
import { detectEncoding, type Encoding } from '../../csv/encoding.ts';
import { readCsv } from '../../csv/read.ts';
import type { CsvRecord } from '../../csv/scan.ts';
import { type Column, type ColumnMapping, type KnownCustomField, readColumns } from './columns.ts';
import { type FileStore, readFrom } from './file.ts';
import { ImportFailure } from './import-failure.ts';
import { type ImportSettings, recordLengthMax } from './settings.ts';

/** What a file turned out to be; stored with the import. */
export type Format = { encoding: Encoding; delimiter: string; columns: Column[] };

/** A place between two records. */
export type Place = { byte: number; line: number };

export type Prepared = { format: Format; total: number; firstRecord: Place };

export type PrepareInput = {
  storageKey: string | null;
  mapping: readonly ColumnMapping[];
  customFields: readonly KnownCustomField[];
  country: string;
};

/**
 * Reads a file once from end to end before anything is stored: how it is written, what its columns are, how many records it has, and
 * that all of it can be read. `stillOurs` is called between pieces.
 */
export async function prepareFile(
  store: FileStore,
  input: PrepareInput,
  settings: ImportSettings,
  stillOurs: () => Promise<void>,
): Promise<Prepared> {
  const { storageKey, country } = input;
  const bytesFrom = (byte: number) => checking(readFrom(store, storageKey, byte), stillOurs);
  const { encoding, markBytes } = await detectEncoding(bytesFrom(0), country);
  const sample = await readSample(bytesFrom(markBytes), encoding);
  const named = readDelimiterLine(sample.text);
  const delimiter = named?.delimiter ?? detectDelimiter(sample.text, sample.isWhole);
  const shape = {
    encoding,
    delimiter,
    columnsMax: settings.importColumnsMax,
    recordLengthMax: recordLengthMax(settings),
  };
  const start = {
    byte: markBytes + (named ? byteLengthIn(encoding, named.line) : 0),
    line: named ? 2 : 1,
  };

  let header: { columns: Column[]; end: Place } | undefined;
  let total = 0;
  for await (const records of readCsv(bytesFrom(start.byte), shape, start)) {
    const [first] = records;
    if (!header && first) {
      const columns = readColumns(checkHeader(first, settings), input.mapping, input.customFields, country);
      header = { columns, end: { byte: first.nextByte, line: first.nextLine } };
      total -= 1;
    }
    total += records.length;
    if (total > settings.importRecordsMax) {
      throw new CsvError('TOO_MANY_RECORDS', `The file has more than ${settings.importRecordsMax} records.`);
    }
  }
  if (!header) throw new CsvError('EMPTY', 'The file is empty.');
  if (total === 0) throw new ImportFailure('NO_RECORDS', 'The file has a header and no records.');
  return { format: { encoding, delimiter, columns: header.columns }, total, firstRecord: header.end };
}

function checkHeader({ cells, line, isBroken }: CsvRecord, { importColumnsMax }: ImportSettings): string[] {
  if (cells.length > importColumnsMax) {
    throw new CsvError('TOO_MANY_COLUMNS', `The header has more than ${importColumnsMax} columns.`, line);
  }
  if (isBroken) throw new CsvError('QUOTE_NOT_CLOSED', 'A quote in the header closes in the midst of a cell.', line);
  return cells;
}

const sampleLength = 65_536;

/** The beginning of the text, for a look at its delimiter. What cannot be decoded is found out when all of it is read. */
async function readSample(
  bytes: AsyncIterable<Buffer>,
  encoding: Encoding,
): Promise<{ text: string; isWhole: boolean }> {
  let text = '';
  try {
    for await (const piece of decodeText(bytes, encoding)) {
      text += piece;
      if (text.length >= sampleLength) return { text, isWhole: false };
    }
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    return { text, isWhole: false };
  }
  return { text, isWhole: true };
}

async function* checking(bytes: AsyncIterable<Buffer>, stillOurs: () => Promise<void>): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    await stillOurs();
    yield chunk;
  }
}
