import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { detectDelimiter, readDelimiterLine } from './delimiter.ts';
import { detectEncoding } from './encoding.ts';

async function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const detect = (bytes: Buffer | string, country = 'BR', size = 3) =>
  detectEncoding(pieces(Buffer.from(bytes as string), size), country);
const refusal = (bytes: Buffer | string) => detect(bytes).catch((error: unknown) => error);
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const names = 'nome;telefone\nJoão;1\nConceição;2\n';

test('a byte order mark says the encoding, and is no text', async () => {
  expect(await detect(`\uFEFF${names}`)).toEqual({ encoding: 'UTF-8', markBytes: 3 });
  expect(await detect(utf16(`\uFEFF${names}`))).toEqual({ encoding: 'UTF-16LE', markBytes: 2 });
  expect(await detect(utf16(`\uFEFF${names}`).swap16())).toEqual({ encoding: 'UTF-16BE', markBytes: 2 });
});

test('UTF-8 and UTF-16 are known without a mark', async () => {
  for (const size of [1, 3, 5_000]) {
    expect((await detect(names, 'BR', size)).encoding).toBe('UTF-8');
    expect((await detect('a,b\n', 'BR', size)).encoding).toBe('UTF-8');
    expect((await detect(utf16(names), 'BR', size)).encoding).toBe('UTF-16LE');
    expect((await detect(utf16(names).swap16(), 'BR', size)).encoding).toBe('UTF-16BE');
  }
});

test('a file is read to its end before it is called UTF-8', async () => {
  const ascii = 'nome,telefone\n'.repeat(20_000);
  expect(
    (await detect(Buffer.concat([Buffer.from(ascii), Buffer.from('Jo\xe3o,1\n', 'latin1')]), 'BR', 65_536)).encoding,
  ).toBe('WINDOWS-1252');
});

test('single-byte text is Turkish where the country or its letters are', async () => {
  const western = Buffer.from('nome\nJoão\nConceição\n', 'latin1');
  const turkish = Buffer.from([...Buffer.from('ad\n'), 0xdd, 0x70, 0x65, 0x6b, 0x0a, 0xfe, 0xe7, 0x0a]);
  expect((await detect(western, 'BR')).encoding).toBe('WINDOWS-1252');
  expect((await detect(western, 'TR')).encoding).toBe('WINDOWS-1254');
  expect((await detect(turkish, 'BR')).encoding).toBe('WINDOWS-1254');
  expect((await detect(turkish, 'IS')).encoding).toBe('WINDOWS-1252');
});

test('UTF-8 with a damaged character stays UTF-8, so that nobody’s name is misread silently', async () => {
  const bytes = Buffer.from(names.repeat(50));
  bytes[40] = 0xff;
  expect((await detect(bytes)).encoding).toBe('UTF-8');
});

test('what is no text is refused by what it is', async () => {
  const cases: [Buffer, string][] = [
    [Buffer.from('PK\x03\x04rest of it'), 'Excel workbook'],
    [gzipSync(names), 'gzip'],
    [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), 'PNG'],
    [Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0]), 'JPEG'],
    [Buffer.from('%PDF-1.7 and on'), 'PDF'],
    [Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1]), 'old Excel workbook'],
    [Buffer.from(Array.from({ length: 5_000 }, (_, at) => (at * 7) % 5)), 'binary'],
  ];
  for (const [bytes, what] of cases) {
    expect(await refusal(bytes)).toMatchObject({ code: 'NOT_TEXT', message: expect.stringContaining(what) });
    expect(await refusal(bytes)).toMatchObject({ message: expect.stringContaining('Expected CSV text') });
  }
  expect(await refusal('')).toMatchObject({ code: 'EMPTY' });
});

test.each([
  ['name,phone\nAna,1\nBob,2\n', ','],
  ['name;phone\n"Silva, Ana";1\nBob, Jr;2,5\n', ';'],
  ['name\tphone\nSilva, Ana\t1\n', '\t'],
  ['name|phone\nAna|1\n', '|'],
  ['"a;b;c;d",phone\n"1;2;3;4",2\n', ','],
  ['Name, City;Phone;Mail\nA, B;1;2\nC, D;1;2\n', ';'],
  ['phone\n1\n2\n', ','],
  ['phone\n"1\n', ','],
  ['a;b', ';'],
])('the delimiter of %j is %j', (text, delimiter) => {
  expect(detectDelimiter(text, true)).toBe(delimiter);
});

test('Excel’s line that names the delimiter is obeyed', () => {
  expect(readDelimiterLine('sep=;\r\na;b\r\n')).toEqual({ delimiter: ';', line: 'sep=;\r\n' });
  expect(readDelimiterLine('sep=x\na')).toBeUndefined();
  expect(readDelimiterLine('separator;b\n')).toBeUndefined();
});
