import { gzipSync } from 'node:zlib';
import { expect, test } from '../../../test/fixtures.ts';
import type { Person } from '../../../test/fixtures.ts';
import { beginImport, importFile, readImport, runImport, totalsOf } from '../../../test/imports.ts';

const names = async (person: Person) => {
  const answer = await person.graphql('{ contacts(first: 100, orderBy: { field: NAME }) { nodes { name } } }');
  return answer.data['contacts'].nodes.map(({ name }: { name: string }) => name) as string[];
};
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const turkish = (text: string) =>
  Buffer.from(
    Array.from(text, (letter) => ({ İ: 0xdd, ş: 0xfe, ı: 0xfd, ğ: 0xf0, ü: 0xfc })[letter] ?? letter.charCodeAt(0)),
  );

const portuguese = 'Nome;Telefone\nJoão Conceição;+551133330001\nÉder;+551133330002\n';

test('letters survive every encoding that spreadsheets write, on every page', async ({ signUp, db, storage }) => {
  const cases: [string, Buffer][] = [
    ['UTF-8', Buffer.from(portuguese)],
    ['UTF-8', Buffer.from(`\uFEFF${portuguese}`)],
    ['UTF-16LE', utf16(`\uFEFF${portuguese}`)],
    ['UTF-16LE', utf16(portuguese)],
    ['UTF-16BE', utf16(`\uFEFF${portuguese}`).swap16()],
    ['WINDOWS-1252', Buffer.from(portuguese, 'latin1')],
  ];
  for (const [encoding, file] of cases) {
    const shop = await signUp();
    const importId = await beginImport(shop, file);
    const slices = { importPageRecords: 1, importSliceMs: 0 }; // each page resumes at a byte of the file
    await runImport({ db, storage }, shop, importId, slices);
    await runImport({ db, storage }, shop, importId, slices);
    expect(await readImport(shop, importId)).toMatchObject({ status: 'FINISHED', created: 2, format: { encoding } });
    expect(await names(shop)).toEqual(['Éder', 'João Conceição']);
  }
});

test('a Turkish file in Windows-1254 keeps its letters', async ({ shop, db, storage }) => {
  const done = await importFile({ db, storage }, shop, turkish('Ad Soyad;Cep\nİpek Işığ;0532 123 45 67\n'), {
    defaultCountry: 'TR',
  });
  expect(done).toMatchObject({ created: 1, format: { encoding: 'WINDOWS-1254', delimiter: ';' } });
  expect(await names(shop)).toEqual(['İpek Işığ']);
});

test('any delimiter, line break and quoting that spreadsheets write is read', async ({ shop, db, storage }) => {
  const files: [string, string][] = [
    [',', 'name,phone\r"A, a",+551133330001\r'],
    [';', 'sep=;\r\nname;phone\r\n"B ""b""";+551133330002'],
    ['\t', 'name\tphone\nC\t+551133330003\n\n\n'],
    ['|', 'name|phone\n"D\nd"|+551133330004\n'],
  ];
  for (const [delimiter, file] of files) {
    expect(await importFile({ db, storage }, shop, file)).toMatchObject({
      total: 1,
      created: 1,
      format: { delimiter },
    });
  }
  expect(await names(shop)).toEqual(['A, a', 'B "b"', 'C', 'D d']);
});

test('records count, not lines: blank lines are none, empty ones are skipped', async ({ shop, db, storage }) => {
  const file = '\n\nname,phone\n\n"A\n\na",+551133330001\n,\n\n  ,\n';
  expect(totalsOf(await importFile({ db, storage }, shop, file))).toEqual({
    total: 3,
    created: 1,
    updated: 0,
    skipped: 2,
    failed: 0,
  });
});

test('a file that cannot be imported says why, and nothing of it is stored', async ({ shop, db, storage }) => {
  const head = 'name,phone\nAna,+551133330001\n';
  const lowered = { importRecordsMax: 50, importColumnsMax: 20, importCellBytesMax: 500 };
  const cases: [
    string,
    string | Buffer,
    { code: string; line: number | null; message?: string },
    Record<string, unknown>?,
  ][] = [
    ['only a mark', '\uFEFF', { code: 'EMPTY', line: null }],
    ['only blank lines', '\n\r\n\n', { code: 'EMPTY', line: null }],
    ['only a header', 'name,phone\n', { code: 'NO_RECORDS', line: null }],
    ['an open quote', `${head}"Bia,+551133330002\nCaio,3\n`, { code: 'QUOTE_NOT_CLOSED', line: 3 }],
    ['a quote closed too late', `${head}"Bia,2\nCaio,3\n"Dora",4\n`, { code: 'QUOTE_NOT_CLOSED', line: 3 }],
    ['one giant quoted cell', `${head}"${'x'.repeat(1_000_000)}",1\n`, { code: 'RECORD_TOO_LARGE', line: 3 }],
    ['a million commas', `${head}${','.repeat(1_000_000)}\n`, { code: 'RECORD_TOO_LARGE', line: 3 }],
    ['thousands of columns', `${'phone,'.repeat(1_500)}x\n1\n`, { code: 'TOO_MANY_COLUMNS', line: 1 }],
    ['too many records', `name,phone\n${'a,1\n'.repeat(51)}`, { code: 'TOO_MANY_RECORDS', line: null }],
    [
      'broken UTF-8',
      Buffer.concat([Buffer.from(`\uFEFF${head}Jo`), Buffer.from([0xe3, 0x6f]), Buffer.from('\n')]),
      { code: 'NOT_DECODABLE', line: 3 },
    ],
    [
      'broken UTF-16',
      Buffer.concat([utf16(`\uFEFF${head}`), Buffer.from([0x00, 0xdc])]),
      { code: 'NOT_DECODABLE', line: 3 },
    ],
    ['an archive', gzipSync(head), { code: 'NOT_TEXT', line: null }],
    ['a workbook', Buffer.from('PK\x03\x04 and so on'), { code: 'NOT_TEXT', line: null }],
    ['an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), { code: 'NOT_TEXT', line: null }],
    ['binary', Buffer.alloc(5_000, Buffer.from([0, 1, 2, 0])), { code: 'NOT_TEXT', line: null }],
    ['nobody’s columns', 'who,what\na,b\n', { code: 'NO_IDENTITY_COLUMN', line: 1 }],
    [
      'an unknown column',
      head,
      { code: 'UNKNOWN_COLUMN', line: 1 },
      { mapping: [{ column: 'Telefon', field: 'PHONE' }] },
    ],
  ];
  for (const [what, file, failure, options] of cases) {
    const done = await importFile({ db, storage }, shop, file, options, lowered);
    expect(done, what).toMatchObject({
      status: 'FAILED',
      failure,
      done: 0,
      created: 0,
      finishedAt: expect.any(String),
    });
    expect(done['failure'].message.length, what).toBeGreaterThan(10);
  }
  expect(await names(shop)).toEqual([]);
});

test('an unknown column is named, with the columns that there are', async ({ shop, db, storage }) => {
  const mapping = [{ column: 'Telefon', field: 'PHONE' }];
  const done = await importFile({ db, storage }, shop, 'Nome;Fone do cliente\nAna;1\n', { mapping });
  expect(done['failure'].message).toBe(
    'The mapping names columns that the file does not have: “Telefon”. It has: “Nome”, “Fone do cliente”.',
  );
});

test('a file that is gone from storage says so', async ({ shop, db, storage }) => {
  const importId = await beginImport(shop, 'name,phone\nAna,+551133330001\n');
  await storage.deleteAll(shop.tenantId);
  await runImport({ db, storage }, shop, importId);
  expect(await readImport(shop, importId)).toMatchObject({ status: 'FAILED', failure: { code: 'FILE_MISSING' } });
});

test('cells that are too long, and records of thousands of cells, fail by themselves', async ({
  shop,
  db,
  storage,
}) => {
  const file = `name,phone\n${'x'.repeat(600)},+551133330001\nBia,+551133330002${','.repeat(5_000)}1\nCaio,+551133330003${','.repeat(5_000)}\n`;
  const done = await importFile({ db, storage }, shop, file, {}, { importCellBytesMax: 500, importColumnsMax: 20 });
  expect(totalsOf(done)).toMatchObject({ total: 3, created: 1, failed: 2 });
  expect(done['errors'].nodes).toMatchObject([
    { line: 2, column: 'name', code: 'TOO_LONG', expected: 'at most 500 bytes' },
    { line: 3, code: 'TOO_MANY_CELLS' },
  ]);
});

test('no message, value or token of an import reaches the log', async ({ shop, db, storage, api }) => {
  await importFile({ db, storage }, shop, 'name,phone\nSecretName,12\nOther,+551133330001\n');
  expect(api.logLines.join('\n')).not.toMatch(/SecretName|551133330001/);
});
