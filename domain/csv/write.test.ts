import fc from 'fast-check';
import { expect, test } from 'vitest';
import { neutralise, restore } from './cells.ts';
import { readCsv } from './read.ts';
import { writeCsv } from './write.ts';

async function readBack(text: string, delimiter = ','): Promise<string[][]> {
  async function* bytes() {
    yield Buffer.from(text);
  }
  const rows: string[][] = [];
  const shape = { encoding: 'UTF-8', delimiter, columnsMax: 100, recordLengthMax: 100_000 } as const;
  for await (const records of readCsv(bytes(), shape, { byte: 0, line: 1 }))
    rows.push(...records.map(({ cells }) => cells.map(restore)));
  return rows;
}

test.each([
  '=HYPERLINK("http://example.com","x")',
  '=1+1',
  '+1+1',
  '-1+1',
  '-5',
  '@SUM(1)',
  "'=1+1",
  '\t=1',
  '\r=1',
  '+55 11 98765-4321',
  '+',
  '-',
  "+551198765432'",
])('%j begins with an apostrophe in our files', (value) => {
  expect(neutralise(value)).toBe(`'${value}`);
  expect(restore(neutralise(value))).toBe(value);
});

test.each(['+5511987654321', 'Ana', '', ' =1', 'a=1', '1-1', '5'])('%j stays as it is', (value) => {
  expect(neutralise(value)).toBe(value);
  expect(restore(value)).toBe(value);
});

test('what we write comes back as it was', async () => {
  const cell = fc.string({
    unit: fc.constantFrom('a', '=', '+', '-', '@', "'", '\t', '\r', '\n', '"', ',', ';', '1', 'ç'),
  });
  const row = fc.array(cell, { minLength: 2, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 6 }), fc.constantFrom(',', ';'), async (rows, delimiter) => {
      expect(await readBack(writeCsv(rows, delimiter), delimiter)).toEqual(rows);
    }),
  );
});
