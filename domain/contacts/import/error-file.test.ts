import { parse } from 'csv-parse/sync';
import { inTenant } from '../../../prisma/client.ts';
import { expect, type GraphQLAnswer, rawId, test } from '../../../test/fixtures.ts';
import { beginImport, downloadErrors, importFile, readImport, runImport, totalsOf } from '../../../test/imports.ts';
import { byteOrderMark } from '../../csv/write.ts';

const rowsOf = (text: string, delimiter = ',') => parse(text, { bom: true, delimiter, relax_column_count: true });

test('every failed record is in the error file as it stood, with its line and what was wrong', async ({
  shop,
  db,
  storage,
}) => {
  const lines = Array.from(
    { length: 1_300 },
    (_, index) => `"N ${index}",${index % 13 === 0 ? '+5511333' + (10_000 + index) : '12'},"a;b"`,
  );
  const done = await importFile({ db, storage }, shop, ['Nome,Telefone,Sobre', ...lines].join('\n'));
  expect(totalsOf(done)).toEqual({ total: 1_300, created: 100, updated: 0, skipped: 0, failed: 1_200 });
  const [header, ...rows] = rowsOf(await downloadErrors(done));
  expect(header).toEqual(['Nome', 'Telefone', 'Sobre', 'error_line', 'error']);
  expect(rows).toHaveLength(1_200);
  expect(rows[0]).toEqual([
    'N 1',
    '12',
    'a;b',
    '3',
    'Telefone: It is not a telephone number. Expected a telephone number as +5511987654321, or as written in the default country.',
  ]);
  expect(rows.map(([, , , line]) => Number(line))).toEqual(
    lines.flatMap((line, index) => (line.includes(',12,') ? index + 2 : [])),
  );

  // The connection shows the first thousand.
  const page = (after: string | null) =>
    shop.graphql(
      `query ($id: ID!, $after: String) { node(id: $id) { ... on ContactImport {
        errors(first: 100, after: $after) { nodes { line } pageInfo { hasNextPage endCursor } } } } }`,
      { id: done['id'], after },
    );
  const seen: number[] = [];
  for (let after: string | null = null, more = true; more;) {
    const { data }: GraphQLAnswer = await page(after);
    const { errors } = data['node'];
    seen.push(...errors.nodes.map(({ line }: { line: number }) => line));
    after = errors.pageInfo.endCursor;
    more = errors.pageInfo.hasNextPage;
  }
  expect(seen).toEqual(rows.slice(0, 1_000).map(([, , , line]) => Number(line)));
});

test('the error file, corrected and sent again, imports exactly what had failed', async ({ shop, db, storage }) => {
  const file = [
    'Nome;Telefone;Telefone;;E-mail',
    'Ana;+551133330001;;x;ana@example.com',
    '"=SUM(A1)";12;+551133330002;x;bia@example.com',
    "'Caio;+551133330003;13;;",
    '"Dora\nD";+551133330004;;-5;dora@',
    'Ana again;+551133330001;;;',
  ].join('\n');
  const first = await importFile({ db, storage }, shop, file);
  expect(totalsOf(first)).toEqual({ total: 5, created: 1, updated: 0, skipped: 1, failed: 3 });
  const errors = await downloadErrors(first);
  expect(errors.split('\r\n', 1)).toEqual([`${byteOrderMark}Nome;Telefone;Telefone;;E-mail;error_line;error`]);
  const corrected = errors.replace(';12;', ';;').replace(';13;', ';;').replace('dora@;', 'dora@example.com;');
  const second = await importFile({ db, storage }, shop, corrected);
  expect(totalsOf(second)).toEqual({ total: 3, created: 3, updated: 0, skipped: 0, failed: 0 });
  expect(second['format'].columns.slice(-2)).toMatchObject([
    { name: 'error_line', ignored: true },
    { name: 'error', ignored: true },
  ]);
  const { data } = await shop.graphql('{ contacts(first: 10, orderBy: { field: NAME }) { nodes { name email } } }');
  expect(data['contacts'].nodes).toEqual([
    { name: "'Caio", email: null },
    { name: '=SUM(A1)', email: 'bia@example.com' },
    { name: 'Ana', email: 'ana@example.com' },
    { name: 'Dora D', email: 'dora@example.com' },
  ]);
});

test('no cell of the error file is a formula to a spreadsheet', async ({ shop, db, storage }) => {
  const corpus = ['=1+1', '+1', '-1', '@x', "'=1", '\t=1', '\r=1', '=cmd|x', '+5511987654321'];
  const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const file = ['=header,phone', ...corpus.map((cell) => `${quote(cell)},12`)].join('\n');
  const done = await importFile({ db, storage }, shop, file);
  expect(done).toMatchObject({ failed: corpus.length });
  const [header, ...rows] = rowsOf(await downloadErrors(done));
  expect(header?.[0]).toBe("'=header");
  expect(rows.map(([cell]) => cell)).toEqual(corpus.map((cell) => (cell === '+5511987654321' ? cell : `'${cell}`)));
  for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=@\-\t\r]|^\+(?!\d{7,15}$)/);
});

test('there is a link only where records failed, and only for a while', async ({
  shop,
  signUp,
  db,
  storage,
  api,
  clock,
}) => {
  const clean = await importFile({ db, storage }, shop, 'name,phone\nAna,+551133330001\n');
  expect(clean['errorFileUrl']).toBeNull();
  const importId = await beginImport(shop, 'name,phone\nAna,12\nBia,13\n');
  await runImport({ db, storage }, shop, importId, { importPageRecords: 1, importSliceMs: 0 });
  const running = await readImport(shop, importId);
  expect(rowsOf(await downloadErrors(running))).toHaveLength(2); // while it runs: what has failed so far
  await runImport({ db, storage }, shop, importId);
  const answer = await fetch(running['errorFileUrl']);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': 'attachment; filename="errors.csv"',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  expect(rowsOf(await answer.text())).toHaveLength(3);
  const downloads = await inTenant(db, shop.tenantId, (tx) =>
    tx.auditEntry.findMany({ where: { action: 'contactImport.download' }, orderBy: { id: 'desc' } }),
  );
  expect(downloads).toHaveLength(2);
  expect(downloads[0]).toMatchObject({
    actorType: 'PERSON',
    actorId: shop.userId, // who asked for the link, whoever has it now
    targetId: rawId(importId),
    requestId: answer.headers.get('x-request-id'),
    address: expect.stringContaining('127.0.0.1'),
  });

  const [, token = ''] = /imports\/([\w-]+)\//.exec(running['errorFileUrl']) ?? [];
  const status = async (changed: string) => (await fetch(`${api.url}/imports/${changed}/errors.csv`)).status;
  const other = await signUp();
  const bytes = Buffer.from(token, 'base64url');
  const forged = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes);
    change(copy);
    return copy.toString('base64url');
  };
  const theirs = forged((copy) => Buffer.from(other.tenantId.replaceAll('-', ''), 'hex').copy(copy));
  const longer = forged((copy) => copy.writeUIntBE(Date.now() + 9e9, 49, 6));
  const another = forged((copy) => Buffer.from(other.userId.replaceAll('-', ''), 'hex').copy(copy, 32));
  for (const changed of [theirs, longer, another, `${token}A`, token.slice(1), 'x'])
    expect(await status(changed)).toBe(404);
  expect(await status(token)).toBe(200);
  clock.advance(16 * 60_000);
  expect(await status(token)).toBe(410);
  expect(api.logLines.join('\n')).not.toContain(token);
});
