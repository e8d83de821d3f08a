import { inTenant } from '../../../prisma/client.ts';
import { expect, test } from '../../../test/fixtures.ts';
import { mutate, newContact, readContact } from '../../../test/ask.ts';
import {
  askForImport,
  beginImport,
  gatedStore,
  importFile,
  readImport,
  runImport,
  totalsOf,
  upload,
} from '../../../test/imports.ts';
import type { Person } from '../../../test/fixtures.ts';
import { identitiesPerContactMax, tagsPerContactMax } from '../contact-fields.ts';

const list = async (person: Person) => {
  const answer = await person.graphql(
    `{ contacts(first: 100, orderBy: { field: NAME }) { nodes { id name phone email externalId birthDate language updatedAt
      address { street city region postalCode country } tags { name } identities { kind value }
      customFields { key value } consents { purpose channel granted source } } } }`,
  );
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data['contacts'].nodes as Record<string, unknown>[];
};

test('every field of a contact can come from a file', async ({ shop, db, storage }) => {
  await mutate(shop, 'customFieldCreate', { key: 'size', label: 'Tamanho', type: 'SELECT', options: ['M', 'G'] });
  await mutate(shop, 'customFieldCreate', { key: 'points', label: 'Pontos', type: 'NUMBER' });
  const csv = [
    'First name,Last name,Phone,Celular,E-mail,External ID,Username,Tags,Birthday,Language,Address,City,State,ZIP,Country,Tamanho,points,Consent,Whatever',
    'Ana,da Silva,+55 11 3333-0001,(11) 98765-4321,ANA@Example.com,x-1,@ana,"vip, varejo|vip",17/05/1990,pt_br,"Rua A, 1",São Paulo,SP,01000-000,br,g,"1.234,5",sim,ignored',
  ].join('\n');
  const done = await importFile({ db, storage }, shop, csv);
  expect(totalsOf(done)).toEqual({ total: 1, created: 1, updated: 0, skipped: 0, failed: 0 });
  expect(await list(shop)).toMatchObject([
    {
      name: 'Ana da Silva',
      phone: '+551133330001',
      email: 'ana@example.com',
      externalId: 'x-1',
      birthDate: '1990-05-17',
      language: 'pt-BR',
      address: { street: 'Rua A, 1', city: 'São Paulo', region: 'SP', postalCode: '01000-000', country: 'BR' },
      tags: [{ name: 'varejo' }, { name: 'vip' }],
      identities: [
        { kind: 'PHONE', value: '+551133330001' },
        { kind: 'PHONE', value: '+5511987654321' },
        { kind: 'USERNAME', value: 'ana' },
      ],
      customFields: [
        { key: 'size', value: 'G' },
        { key: 'points', value: 1234.5 },
      ],
      consents: [{ purpose: 'MARKETING', channel: 'WHATSAPP', granted: true, source: 'IMPORT' }],
    },
  ]);
  expect(done['format'].columns.at(-1)).toMatchObject({ name: 'Whatever', ignored: true });
});

test('an update fills and overwrites with what is given, adds tags and phones, and leaves the rest', async ({
  shop,
  db,
  storage,
}) => {
  await mutate(shop, 'customFieldCreate', { key: 'size', type: 'TEXT' });
  await mutate(shop, 'customFieldCreate', { key: 'color', type: 'TEXT' });
  await importFile(
    { db, storage },
    shop,
    'name,phone,email,tags,size,color\nAna,+551133330001,ana@example.com,a,M,red\n',
  );
  const csv =
    'name,phone,external id,email,city,tags,size,phone 2\nAna Maria,+551133330001,x1,,Recife,b,G,+551133330002\n';
  expect(totalsOf(await importFile({ db, storage }, shop, csv))).toMatchObject({ updated: 1 });
  const [ana] = await list(shop);
  expect(ana).toMatchObject({
    name: 'Ana Maria',
    email: 'ana@example.com',
    externalId: 'x1',
    address: { city: 'Recife' },
    tags: [{ name: 'a' }, { name: 'b' }],
    identities: [{ value: '+551133330001' }, { value: '+551133330002' }],
    customFields: [
      { key: 'size', value: 'G' },
      { key: 'color', value: 'red' },
    ],
  });
  expect(totalsOf(await importFile({ db, storage }, shop, csv))).toMatchObject({ updated: 1 });
  expect(await list(shop)).toEqual([ana]); // nothing new: not even the time of the last change
});

test('people who are known already are updated, skipped or failed, as asked', async ({ shop, db, storage }) => {
  await newContact(shop, { name: 'Old', phone: '+5511987654321' });
  const csv = 'name,phone\nNew,11 98765-4321\nOther,+551133330001\n';
  const run = (onConflict: string, dryRun = true) => importFile({ db, storage }, shop, csv, { onConflict, dryRun });
  expect(totalsOf(await run('UPDATE'))).toMatchObject({ created: 1, updated: 1, skipped: 0, failed: 0 });
  const skipped = await run('SKIP');
  expect(totalsOf(skipped)).toMatchObject({ created: 1, updated: 0, skipped: 1, failed: 0 });
  expect(skipped['errors'].nodes).toMatchObject([{ outcome: 'SKIPPED', line: 2, code: 'KNOWN' }]);
  const failed = await run('FAIL');
  expect(totalsOf(failed)).toMatchObject({ created: 1, updated: 0, skipped: 0, failed: 1 });
  expect(failed['errors'].nodes).toMatchObject([{ outcome: 'FAILED', line: 2, code: 'KNOWN' }]);
  expect(await list(shop)).toMatchObject([{ name: 'Old' }]);
  await run('SKIP', false);
  expect(await list(shop)).toMatchObject([{ name: 'Old' }, { name: 'Other' }]);
});

test('one person written in several ways is one, within the file and against the tenant', async ({
  shop,
  db,
  storage,
}) => {
  const csv = [
    'name,phone',
    'With nine,+5511987654321',
    'Without nine,+551187654321',
    'Local,(11) 98765-4321',
    'Zeros,0055 11 98765 4321',
    'Mexico with 1,+5215512345678',
    'Mexico without,+525512345678',
  ].join('\n');
  const done = await importFile({ db, storage }, shop, csv, {}, { importPageRecords: 2 });
  expect(totalsOf(done)).toEqual({ total: 6, created: 2, updated: 0, skipped: 4, failed: 0 });
  expect(done['errors'].nodes[0]).toEqual({
    outcome: 'SKIPPED',
    record: 2,
    line: 3,
    column: null,
    value: null,
    code: 'DUPLICATE',
    message: 'Line 2 spoke for the same person before.',
    expected: 'each person once',
  });
  const again = await importFile({ db, storage }, shop, 'name,phone\nX,+551187654321\nY,+525512345678\n');
  expect(totalsOf(again)).toMatchObject({ created: 0, updated: 2 });
  expect((await list(shop)).map(({ phone }) => phone)).toEqual(['+5511987654321', '+525512345678']);
});

test('a record that belongs to two contacts, or would take another external id, fails and changes neither', async ({
  shop,
  db,
  storage,
}) => {
  await newContact(shop, { name: 'A', phone: '+551133330001', externalId: 'a' });
  await newContact(shop, { name: 'B', phone: '+551133330002' });
  const csv = 'name,phone,external id\nBoth,+551133330002,a\nRenamed,+551133330001,z\n';
  const done = await importFile({ db, storage }, shop, csv);
  expect(done['errors'].nodes).toMatchObject([
    { outcome: 'FAILED', line: 2, code: 'SEVERAL_CONTACTS' },
    { outcome: 'FAILED', line: 3, code: 'OTHER_EXTERNAL_ID' },
  ]);
  expect(await list(shop)).toMatchObject([
    { name: 'A', externalId: 'a' },
    { name: 'B', externalId: null },
  ]);
});

test('a merged contact is known by what it brought, and leads to where it was merged into', async ({
  shop,
  db,
  storage,
}) => {
  const sourceId = await newContact(shop, { name: 'Source', phone: '+551133330001', externalId: 's' });
  const targetId = await newContact(shop, { name: 'Target', phone: '+551133330002' });
  await mutate(shop, 'contactMerge', { sourceId, targetId });
  const csv = 'name,phone,external id\nBy phone,+551133330001,\nBy id,,s\n';
  const done = await importFile({ db, storage }, shop, csv, {}, { importPageRecords: 1 });
  expect(totalsOf(done)).toMatchObject({ created: 0, updated: 1, skipped: 1 });
  expect(await list(shop)).toMatchObject([{ id: targetId, name: 'By phone', externalId: null }]);
});

test('somebody who is merged while the import runs is still spoken for', async ({ shop, db, storage }) => {
  const targetId = await newContact(shop, { name: 'Target', phone: '+551133330009' });
  const importId = await beginImport(
    shop,
    'name,phone,external id\nAna,+551133330001,a\nAgain,+551133330001,\nBy id,,a\n',
  );
  await runImport({ db, storage }, shop, importId, { importPageRecords: 1, importSliceMs: 0 });
  const [ana] = await list(shop);
  await mutate(shop, 'contactMerge', { sourceId: ana?.['id'], targetId });
  await runImport({ db, storage }, shop, importId, { importPageRecords: 1 });
  expect(totalsOf(await readImport(shop, importId))).toEqual({
    total: 3,
    created: 1,
    updated: 0,
    skipped: 2,
    failed: 0,
  });
  expect(await list(shop)).toMatchObject([{ id: targetId, name: 'Target' }]);
});

test('a custom field that is deleted while the import runs takes no more values', async ({ shop, db, storage }) => {
  const field = await mutate(shop, 'customFieldCreate', { key: 'size', type: 'TEXT' }, '... on CustomField { id }');
  await mutate(shop, 'customFieldCreate', { key: 'color', type: 'TEXT' });
  const importId = await beginImport(shop, 'phone,size,color\n+551133330001,M,red\n+551133330002,G,blue\n');
  await runImport({ db, storage }, shop, importId, { importPageRecords: 1, importSliceMs: 0 });
  const gate = gatedStore(storage);
  const running = runImport({ db, storage: gate.store }, shop, importId);
  await gate.reached;
  await mutate(shop, 'customFieldDelete', { customFieldId: field['id'] });
  gate.open();
  expect(await running).toMatchObject({ outcome: 'finished' });
  expect(await readImport(shop, importId)).toMatchObject({ status: 'FINISHED', created: 2 });
  const stored = await inTenant(db, shop.tenantId, (tx) => tx.contact.findMany({ select: { customFields: true } }));
  expect(stored.map(({ customFields }) => customFields)).toContainEqual({ color: 'blue' });
  expect(JSON.stringify(stored)).not.toContain('size');
});

test('a contact takes no more tags and identities than there may be', async ({ shop, db, storage }) => {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}${index}`);
  const phones = many('+5511333300', identitiesPerContactMax - 2).map(
    (phone, index) => `${phone.slice(0, 11)}${String(index).padStart(2, '0')}`,
  );
  await newContact(shop, {
    name: 'Full',
    externalId: 'full',
    identities: phones.map((value) => ({ kind: 'PHONE', value })),
  });
  const run = (csv: string) => importFile({ db, storage }, shop, csv);
  await run(`external id,tags\nfull,"${many('t', tagsPerContactMax - 1).join(';')}"\n`);
  const csv = (tags: string) => `external id,phone,phone 2,tags\nfull,+551144440001,+551144440002,${tags}\n`;
  expect((await run(csv('x;t1;y')))['errors'].nodes).toMatchObject([{ outcome: 'FAILED', code: 'TOO_MANY_VALUES' }]);
  expect(totalsOf(await run(csv('x;t1;t2')))).toMatchObject({ updated: 1 });
  const one = await run('external id,phone\nfull,+551144440003\n');
  expect(one['errors'].nodes).toMatchObject([
    { code: 'TOO_MANY_VALUES', message: 'The contact would have too many identities.' },
  ]);
  expect(totalsOf(await run('external id,phone,tags\nfull,+551144440002,t5;x\n'))).toMatchObject({ updated: 1 });
});

test('bad cells are told by line, column and value, and the rest of the file goes on', async ({
  shop,
  db,
  storage,
}) => {
  const csv = [
    'Nome;Telefone;E-mail;Nascimento;País',
    '"Ana\nMaria";12;ana@;31/02/1990;',
    'Bia;+5511987654321;;;XX',
    '\u0000Caio;+551133330003;;;',
    ';;x@example.com;;',
    'Good;+551133330004;;;',
    '"Dora" x;+551133330005;;;',
    'Extra;+551133330006;;;;more',
  ].join('\r\n');
  const done = await importFile({ db, storage }, shop, csv);
  expect(totalsOf(done)).toEqual({ total: 7, created: 1, updated: 0, skipped: 0, failed: 6 });
  expect(
    done['errors'].nodes.map(({ line, column, value, code }: Record<string, unknown>) => [line, column, value, code]),
  ).toEqual([
    [2, 'Telefone', '12', 'INVALID_PHONE'],
    [2, 'E-mail', 'ana@', 'INVALID_EMAIL'],
    [2, 'Nascimento', '31/02/1990', 'INVALID_DATE'],
    [4, 'País', 'XX', 'INVALID_COUNTRY'],
    [5, 'Nome', '\uFFFDCaio', 'INVALID_CHARACTER'],
    [6, 'Telefone', null, 'NO_IDENTITY'],
    [8, null, null, 'STRAY_QUOTE'],
    [9, null, null, 'TOO_MANY_CELLS'],
  ]);
  expect(await list(shop)).toMatchObject([{ name: 'Good' }]);
});

test('text that tries to look like something else is stored without its tricks', async ({ shop, db, storage }) => {
  const csv = `name,phone\n\u202EgnitekraM,+551133330001\n"'=HYPERLINK(""x"")",'+551133330002\n=1+1,+551133330003\n`;
  await importFile({ db, storage }, shop, csv);
  expect((await list(shop)).map(({ name }) => name)).toEqual(['=1+1', '=HYPERLINK("x")', 'gnitekraM']);
});

test('a local number is of the record’s country, else of the file’s, else of the tenant’s', async ({
  shop,
  db,
  storage,
}) => {
  const csv = 'name,phone,country\nA,55 1234 5678,MX\nB,0532 123 45 67,\n';
  await importFile({ db, storage }, shop, csv, { defaultCountry: 'TR' });
  await importFile({ db, storage }, shop, 'name,phone\nC,(11) 98765-4321\n');
  expect((await list(shop)).map(({ phone }) => phone)).toEqual(['+525512345678', '+905321234567', '+5511987654321']);
});

test('no import gives back a consent that was withdrawn, nor to somebody who was deleted', async ({
  shop,
  db,
  storage,
}) => {
  const marketing = { purpose: 'MARKETING', channel: 'WHATSAPP' };
  const withdrawn = await newContact(shop, {
    name: 'Withdrawn',
    phone: '+551133330001',
    consents: [{ ...marketing, granted: false, source: 'PERSON' }],
  });
  const deleted = await newContact(shop, { name: 'Deleted', phone: '+551133330002' });
  await mutate(shop, 'contactDelete', { contactId: deleted });
  const csv = 'name,phone,consent\nA,+551133330001,yes\nB,+551133330002,sim\nC,+551133330003,no\nD,+551133330004,\n';
  const done = await importFile({ db, storage }, shop, csv, {
    consent: [
      { ...marketing, proof: 'the form of May' },
      { purpose: 'SERVICE', channel: 'EMAIL' },
    ],
  });
  expect(totalsOf(done)).toMatchObject({ created: 3, updated: 1 });
  const contacts = await list(shop);
  const marketingOf = contacts.map(({ name, consents }) => [
    name,
    (consents as Record<string, unknown>[]).find(
      ({ purpose, channel }) => purpose === 'MARKETING' && channel === 'WHATSAPP',
    )?.['granted'],
  ]);
  expect(marketingOf).toEqual([
    ['A', false],
    ['B', false],
    ['C', false],
    ['D', true],
  ]);
  expect((await readContact(shop, withdrawn))?.['consentHistory'].nodes).toMatchObject([
    { purpose: 'SERVICE', channel: 'EMAIL', granted: true },
    { ...marketing, granted: false, source: 'PERSON' },
  ]);
  expect(contacts[3]?.['consents']).toContainEqual({
    purpose: 'SERVICE',
    channel: 'EMAIL',
    granted: true,
    source: 'IMPORT',
  });
});

test('cancelling ends an import at once; what was done stays and is counted', async ({ shop, db, storage }) => {
  const csv = ['name,phone', ...Array.from({ length: 9 }, (_, index) => `N${index},+55113333000${index}`)].join('\n');
  const importId = await beginImport(shop, csv);
  await runImport({ db, storage }, shop, importId, { importPageRecords: 4, importSliceMs: 0 });
  const cancel = () =>
    mutate(shop, 'contactsImportCancel', { importId }, '... on ContactImport { status created finishedAt }');
  expect(await cancel()).toMatchObject({ status: 'CANCELLED', created: 4, finishedAt: expect.any(String) });
  expect(await cancel()).toMatchObject({ status: 'CANCELLED' });
  expect(await runImport({ db, storage }, shop, importId)).toMatchObject({ outcome: 'nothing to do' });
  expect(await readImport(shop, importId)).toMatchObject({ done: 4, total: 9, created: 4, progress: 4 / 9 });
  expect(await list(shop)).toHaveLength(4);

  const finished = await importFile({ db, storage }, shop, csv);
  expect(await mutate(shop, 'contactsImportCancel', { importId: finished['id'] })).toMatchObject({ code: 'CONFLICT' });
});

test('an upload is imported once; dry runs, and an import that failed before its first record, do not count', async ({
  shop,
  db,
  storage,
}) => {
  const uploadId = await upload(shop, 'Who,Number\nAna,+551133330001\n');
  const start = async (options: object = {}) => {
    const asked = await askForImport(shop, uploadId, { ...options });
    if (asked['__typename'] !== 'ContactImport') return asked;
    await runImport({ db, storage }, shop, asked['id']);
    return { id: asked['id'], ...(await readImport(shop, asked['id'])) };
  };
  expect(await start()).toMatchObject({ status: 'FAILED', failure: { code: 'NO_IDENTITY_COLUMN' } });
  const mapping = [
    { column: 'who', field: 'NAME' },
    { column: 'number', field: 'PHONE' },
  ];
  expect(await start({ mapping, dryRun: true })).toMatchObject({ status: 'FINISHED', created: 1 });
  expect(await start({ mapping, dryRun: true })).toMatchObject({ status: 'FINISHED', created: 1 });
  const real = await start({ mapping });
  expect(real).toMatchObject({ status: 'FINISHED', created: 1 });
  expect(await start({ mapping })).toMatchObject({ code: 'CONFLICT', path: 'uploadId', conflictingId: real['id'] });
  expect(await list(shop)).toHaveLength(1);
});

test('an import is asked for with what can be right: everything wrong is said at once', async ({ shop, signUp }) => {
  const uploadId = await upload(shop, 'name,phone\nAna,+551133330001\n');
  const asked = await askForImport(shop, uploadId, {
    mapping: [
      { column: 'a', field: 'NAME' },
      { column: 'A', field: 'NAME' },
      { column: 'b' },
      { column: 'c', field: 'NAME', customField: 'x' },
      { column: 'd', customField: 'nothing' },
      { column: ' ', field: 'TAGS' },
    ],
  });
  expect(asked).toMatchObject({ code: 'INVALID_INPUT' });
  expect(asked['fields'].map(({ path }: { path: string }) => path)).toEqual([
    'mapping.1.column',
    'mapping.1',
    'mapping.2',
    'mapping.3',
    'mapping.4.customField',
    'mapping.5.column',
  ]);
  expect(await askForImport(shop, uploadId, { defaultCountry: 'XX' })).toMatchObject({
    fields: [{ path: 'defaultCountry' }],
  });
  const waiting = await mutate(
    shop,
    'uploadCreate',
    { fileName: 'a', contentType: 'text/csv', byteSize: 3 },
    '... on Upload { id }',
  );
  expect(await askForImport(shop, waiting['id'])).toMatchObject({ code: 'CONFLICT', path: 'uploadId' });

  const other = await signUp();
  const missing = await askForImport(other, Buffer.from(`Upload:${crypto.randomUUID()}`).toString('base64'));
  expect(missing).toMatchObject({ code: 'NOT_FOUND' });
  expect(await askForImport(other, uploadId)).toEqual(missing);
});

test('another tenant neither sees, cancels nor disturbs an import, though the people are the same', async ({
  shop,
  signUp,
  db,
  storage,
}) => {
  const other = await signUp();
  const csv = 'name,phone,external id\nAna,+551133330001,x\n';
  const ours = await importFile({ db, storage }, shop, csv);
  const theirs = await importFile({ db, storage }, other, csv);
  expect([totalsOf(ours), totalsOf(theirs)]).toMatchObject([{ created: 1 }, { created: 1 }]);
  expect(await readImport(other, ours['id'])).toBeNull();
  expect(await mutate(other, 'contactsImportCancel', { importId: ours['id'] })).toMatchObject({ code: 'NOT_FOUND' });
  const imports = await other.graphql('{ contactImports(first: 5) { nodes { id upload { fileName } } } }');
  expect(imports.data['contactImports'].nodes).toEqual([{ id: theirs['id'], upload: { fileName: 'people.csv' } }]);
  expect(await runImport({ db, storage }, other, ours['id'])).toMatchObject({ outcome: 'nothing to do' });
});
