import { expect, test } from '../test/fixtures.ts';
import { makeContact, makeTenant } from '../test/make.ts';
import { selectsOf } from '../test/statements.ts';
import { inTenant } from './client.ts';

test('a nested page is limited for each parent, in the one statement of the parents', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const ids = await Promise.all([1, 2, 3].map(() => makeContact(db, tenantId)));
  await inTenant(db, tenantId, (tx) =>
    tx.contactNote.createMany({
      data: ids.flatMap((contactId) =>
        Array.from({ length: 5 }, (_, index) => ({ tenantId, contactId, body: `${index}` })),
      ),
    }),
  );
  let found: { notes: { body: string }[] }[] = [];
  const statements = await selectsOf(async () => {
    found = await inTenant(db, tenantId, (tx) =>
      tx.contact.findMany({
        where: { tenantId },
        select: { notes: { orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], take: 2, select: { body: true } } },
      }),
    );
  });
  expect(found.map(({ notes }) => notes.map(({ body }) => body))).toEqual([
    ['4', '3'],
    ['4', '3'],
    ['4', '3'],
  ]);
  expect(statements).toHaveLength(1);
  expect(statements[0]).toMatch(/LEFT JOIN LATERAL/);
  expect(statements[0]).toMatch(/LIMIT/);
});

test('times, days and large numbers below a row are what was stored', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const byteSize = 9_007_199_254_740_993n; // no double holds it
  const moments = [
    new Date('2026-03-29T01:59:59.999Z'),
    new Date('0099-12-31T23:59:59.001Z'),
    new Date('9999-12-31T23:59:59.998Z'),
  ];
  const birthDate = new Date('1900-02-28');
  const rows = await inTenant(db, tenantId, async (tx) => {
    const upload = await tx.upload.create({
      data: {
        tenantId,
        fileName: 'a.csv',
        contentType: 'text/csv',
        tokenHash: Buffer.from([0, 255, 7]),
        byteSize,
        expiresAt: moments[0] ?? '',
      },
    });
    await tx.contactImport.createMany({
      data: moments.map((createdAt) => ({
        tenantId,
        uploadId: upload.id,
        createdAt,
        dryRun: true,
        onConflict: 'SKIP',
        defaultCountry: 'BR',
        bytesDone: byteSize,
      })),
    });
    const contact = await tx.contact.create({ data: { tenantId, birthDate, customFields: { n: 1.5, t: "é\u2028'" } } });
    await tx.contactNote.create({ data: { tenantId, contactId: contact.id, body: 'x' } });
    return {
      upload: await tx.upload.findFirstOrThrow({
        select: { imports: { orderBy: { createdAt: 'asc' }, select: { createdAt: true, bytesDone: true } } },
      }),
      below: await tx.contactImport.findFirstOrThrow({
        select: { upload: { select: { byteSize: true, tokenHash: true, expiresAt: true } } },
      }),
      note: await tx.contactNote.findFirstOrThrow({
        select: { contact: { select: { birthDate: true, customFields: true, blockedAt: true } } },
      }),
    };
  });
  const inOrder = moments.toSorted((a, b) => a.getTime() - b.getTime());
  expect(rows.upload.imports).toEqual(inOrder.map((createdAt) => ({ createdAt, bytesDone: byteSize })));
  expect(rows.below.upload).toEqual({ byteSize, tokenHash: new Uint8Array([0, 255, 7]), expiresAt: moments[0] });
  expect(rows.note.contact).toEqual({ birthDate, customFields: { n: 1.5, t: "é\u2028'" }, blockedAt: null });
});
