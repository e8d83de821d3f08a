import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvError } from './csv-error.ts';
import type { Encoding } from './encoding.ts';
import { readCsv } from './read.ts';
import type { CsvRecord } from './scan.ts';

type Options = {
  delimiter?: string;
  encoding?: Encoding;
  columnsMax?: number;
  recordLengthMax?: number;
  from?: { byte: number; line: number };
};

/** Reads bytes that come in pieces of the given size. */
async function read(bytes: Buffer, pieceSize: number, options: Options = {}): Promise<CsvRecord[]> {
  async function* pieces() {
    for (let at = options.from?.byte ?? 0; at < bytes.length; at += pieceSize) yield bytes.subarray(at, at + pieceSize);
  }
  const { delimiter = ',', encoding = 'UTF-8', columnsMax = 100, recordLengthMax = 10_000 } = options;
  const shape = { delimiter, encoding, columnsMax, recordLengthMax };
  const records: CsvRecord[] = [];
  for await (const batch of readCsv(pieces(), shape, options.from ?? { byte: 0, line: 1 })) records.push(...batch);
  return records;
}

const cellsOf = async (text: string, options?: Options) =>
  (await read(Buffer.from(text), 7, options)).map(({ cells }) => cells);
const failure = (text: string, options?: Options) =>
  read(Buffer.from(text), 7, options).catch((error: unknown) => error);

const cell = fc.string({
  unit: fc.constantFrom('a', 'ç', '😀', '"', ',', ';', '\n', '\r', '\r\n', ' ', "'", '=', '\t', 'é'),
  maxLength: 6,
});
const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { maxLength: 12 });
const lineBreak = fc.constantFrom('\n', '\r\n', '\r');

test('well-formed files read as a proven parser reads them, however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      table,
      lineBreak,
      fc.constantFrom(',', ';', '\t'),
      fc.integer({ min: 1, max: 40 }),
      async (rows, end, delimiter, size) => {
        const write = (value: string) =>
          /["\r\n,;\t]/.test(value) || value === '' ? `"${value.replaceAll('"', '""')}"` : value;
        const text = rows.map((row) => row.map(write).join(delimiter) + end).join('');
        const expected = parse(text, {
          delimiter,
          record_delimiter: ['\r\n', '\n', '\r'],
          relax_column_count: true,
          skip_empty_lines: true,
        });
        expect((await read(Buffer.from(text), size, { delimiter })).map(({ cells }) => cells)).toEqual(expected);
        expect(expected).toEqual(rows);
      },
    ),
    { numRuns: 500 },
  );
});

test('reading goes on from behind any record with the same bytes and lines, malformed files included', async () => {
  const anything = fc.string({
    unit: fc.constantFrom('a', 'ç', '"', '"', ',', '\n', '\r', '\r\n', ' '),
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(anything, fc.integer({ min: 1, max: 40 }), fc.nat(), async (text, size, stop) => {
      const bytes = Buffer.from(text);
      const whole = await read(bytes, size).catch((error: unknown) => error);
      if (whole instanceof CsvError) return;
      const records = whole as CsvRecord[];
      if (records.length === 0) return;
      const at = stop % records.length;
      const { nextByte: byte, nextLine: line } = records[at] as CsvRecord;
      expect(await read(bytes, 1 + (stop % 9), { from: { byte, line } })).toEqual(records.slice(at + 1));
      expect(bytes.subarray(0, byte).toString()).toBe(text.slice(0, bytes.subarray(0, byte).toString().length));
    }),
    { numRuns: 1_000 },
  );
});

test('records are told by the line where they begin, line breaks in cells included', async () => {
  const records = await read(Buffer.from('a,b\r\n\r\n"1\r\n2",x\r\n"3\n4\r5",y\nz\n'), 5);
  expect(records.map(({ line, nextLine }) => [line, nextLine])).toEqual([
    [1, 2],
    [3, 5],
    [5, 8],
    [8, 9],
  ]);
});

test('quotes in the midst of a cell are letters; blanks behind a closing quote are none', async () => {
  expect(await cellsOf('João "Jojo" Silva,5" pipe\n"a" ,"b"\t,c\n')).toEqual([
    ['João "Jojo" Silva', '5" pipe'],
    ['a', 'b', 'c'],
  ]);
  expect(await cellsOf('a,b,\n,')).toEqual([
    ['a', 'b', ''],
    ['', ''],
  ]);
});

test('a quote that closes within its line but amid its cell spoils that record alone', async () => {
  const records = await read(Buffer.from('x,y\n"Ana" Silva,"1"\nz,2\n'), 4);
  expect(records.map(({ cells, isBroken }) => [...cells, isBroken])).toEqual([
    ['x', 'y', false],
    ['"Ana" Silva', '"1"', true],
    ['z', '2', false],
  ]);
});

test('a quote that is never closed, or only lines later, is told by the line where it opened', async () => {
  const expected = { code: 'QUOTE_NOT_CLOSED', line: 2 };
  expect(await failure('name,phone\n"Ana,1\nBob,2\n')).toMatchObject(expected);
  expect(await failure('name,phone\n"Ana,1\nBob,2\n"Carl",3\n')).toMatchObject(expected);
  const large = await failure(`name,phone\nx,1\n"Ana,1\n${'Bob,2\n'.repeat(5_000)}`);
  expect(large).toMatchObject({
    code: 'RECORD_TOO_LARGE',
    line: 3,
    message: expect.stringContaining('opens in line 3'),
  });
});

test('a record may have thousands of cells without their number growing in memory', async () => {
  const [record] = await read(Buffer.from(`${','.repeat(9_000)}\n`), 1_000);
  expect(record?.cells).toHaveLength(101);
  const [late] = await read(Buffer.from(`${','.repeat(9_000)}x,,\n`), 1_000);
  expect(late?.cells.at(-1)).toBe('x'); // so that what is left out is noticed
  expect(await failure(','.repeat(20_000))).toMatchObject({ code: 'RECORD_TOO_LARGE', line: 1 });
});

test.each<[Encoding, (text: string) => Buffer]>([
  ['UTF-8', (text) => Buffer.from(text)],
  ['UTF-16LE', (text) => Buffer.from(text, 'utf16le')],
  ['UTF-16BE', (text) => Buffer.from(text, 'utf16le').swap16()],
  ['WINDOWS-1252', (text) => Buffer.from(text, 'latin1')],
])('%s is read and resumed by its own bytes', async (encoding, encode) => {
  const bytes = encode('nome,x\nJoão,1\n"Conceição\né",2\n');
  const records = await read(bytes, 3, { encoding });
  expect(records.map(({ cells }) => cells)).toEqual([
    ['nome', 'x'],
    ['João', '1'],
    ['Conceição\né', '2'],
  ]);
  const from = { byte: records[0]?.nextByte ?? 0, line: 2 };
  expect(await read(bytes, 3, { encoding, from })).toEqual(records.slice(1));
});

test('Turkish and typographic letters of the Windows code pages are read', async () => {
  const turkish = await read(Buffer.from([0xdd, 0xfe, 0xfd, 0xf0, 0x2c, 0x80]), 2, { encoding: 'WINDOWS-1254' });
  expect(turkish[0]?.cells).toEqual(['İşığ', '€']);
  const western = await read(Buffer.from([0x93, 0x41, 0x94]), 2, { encoding: 'WINDOWS-1252' });
  expect(western[0]?.cells).toEqual(['“A”']);
});

test.each<[Encoding, number[]]>([
  ['UTF-8', [0xc3, 0x28]],
  ['UTF-8', [0xf0, 0x9f]],
  ['UTF-16LE', [0x00, 0xd8, 0x41, 0x00]],
])('bytes that are not %s are told by their line', async (encoding, bad) => {
  const encode = (text: string) => Buffer.from(text, encoding === 'UTF-8' ? 'utf8' : 'utf16le');
  const bytes = Buffer.concat([encode('a,b\nc,"d\ne'), Buffer.from(bad), encode('\n')]);
  const outcome = await read(bytes, 64, { encoding }).catch((error: unknown) => error);
  expect(outcome).toMatchObject({ code: 'NOT_DECODABLE', line: 3 });
});
