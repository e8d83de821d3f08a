import { inTenant } from '../../prisma/client.ts';
import { describe, expect, test as base } from '../../test/fixtures.ts';
import { makeContact, makeTenant } from '../../test/make.ts';
import { type ConsentEntry, recordConsents } from './consent.ts';

type Said = Partial<Omit<ConsentEntry, 'givenAt'>> & { at?: number };

/** A contact, and what is said of its marketing on WhatsApp; `at` is when, in seconds. */
const test = base.extend<{
  said: {
    tenantId: string;
    contactId: string;
    record: (...entries: Said[]) => Promise<ConsentEntry[]>;
    stand: () => Promise<unknown>;
  };
}>({
  said: async ({ db }, use) => {
    const tenantId = await makeTenant(db);
    const contactId = await makeContact(db, tenantId);
    const record = (...entries: Said[]) =>
      inTenant(db, tenantId, (tx) =>
        recordConsents(
          tx,
          tenantId,
          entries.map((entry) => fullEntry(contactId, entry)),
        ),
      );
    const stand = () =>
      inTenant(db, tenantId, async (tx) => {
        const ledger = await tx.consentEntry.findMany({
          where: { tenantId, contactId },
          orderBy: [{ recordedAt: 'desc' }, { id: 'desc' }],
        });
        const now = await tx.contactConsent.findMany({ where: { tenantId, contactId } });
        const newest = now.map((row) =>
          ledger.find(({ purpose, channel }) => purpose === row.purpose && channel === row.channel),
        );
        expect(newest.map((entry) => entry?.granted)).toEqual(now.map(({ granted }) => granted)); // the newest entry is the one that counts
        return { granted: now.map(({ granted }) => granted), entries: ledger.length };
      });
    await use({ tenantId, contactId, record, stand });
  },
});

function fullEntry(contactId: string, { at = 0, ...entry }: Said): ConsentEntry {
  return {
    contactId,
    purpose: 'MARKETING',
    channel: 'WHATSAPP',
    granted: true,
    source: 'PERSON',
    proof: null,
    givenAt: new Date(1e12 + at * 1_000),
    ...entry,
  };
}

describe('after a withdrawal', () => {
  test.for(['IMPORT', 'API', 'OPERATOR', 'MERGE', 'SUPPRESSION'] as const)(
    'a grant by %s is refused and leaves no trace',
    async (source, { said }) => {
      await said.record({ granted: true, source: 'API', at: 1 });
      await said.record({ granted: false, at: 2 });
      const refused = await said.record({ granted: true, source, at: 9 });
      expect(refused).toEqual([fullEntry(said.contactId, { source, at: 9 })]);
      expect(await said.stand()).toEqual({ granted: [false], entries: 2 });
    },
  );

  test('the person’s own later act counts, an earlier one does not', async ({ said }) => {
    await said.record({ granted: false, source: 'IMPORT', at: 5 });
    expect(await said.record({ granted: true, at: 4 })).toHaveLength(1);
    expect(await said.record({ granted: true, at: 5 })).toHaveLength(1);
    expect(await said.record({ granted: true, at: 6 })).toEqual([]);
    expect(await said.stand()).toEqual({ granted: [true], entries: 2 });
  });

  test('an older withdrawal that comes late does not let a grant between the two pass', async ({ said }) => {
    await said.record({ granted: false, at: 10 });
    await said.record({ granted: false, source: 'IMPORT', at: 5 });
    expect(await said.record({ granted: true, at: 7 })).toHaveLength(1);
    expect(await said.stand()).toEqual({ granted: [false], entries: 2 });
  });
});

test('a withdrawal holds whoever says it and whenever it was', async ({ said }) => {
  for (const source of ['IMPORT', 'API', 'OPERATOR', 'PERSON', 'MERGE', 'SUPPRESSION'] as const) {
    await said.record({ granted: true, at: 10 });
    expect(await said.record({ granted: false, source, at: 1 })).toEqual([]);
    expect(await said.stand()).toMatchObject({ granted: [false] });
  }
});

test('purposes and channels are separate', async ({ said }) => {
  await said.record(
    { granted: false },
    { granted: true, channel: 'EMAIL', source: 'API' },
    { granted: true, purpose: 'SERVICE', source: 'API' },
  );
  expect(await said.stand()).toMatchObject({ granted: expect.arrayContaining([true, true, false]), entries: 3 });
});

test('what is said twice in one batch is taken in order', async ({ said }) => {
  const refused = await said.record(
    { granted: true, source: 'API' },
    { granted: false, at: 1 },
    { granted: true, source: 'IMPORT', at: 2 },
    { granted: true, at: 3 },
  );
  expect(refused.map(({ source }) => source)).toEqual(['IMPORT']);
  expect(await said.stand()).toEqual({ granted: [true], entries: 3 });
});

test('ten thousand are recorded at once, and those that are refused are named', async ({ db, said }) => {
  const { tenantId } = said;
  const ids = await inTenant(db, tenantId, (tx) =>
    tx.contact.createManyAndReturn({
      data: Array.from({ length: 10_000 }, () => ({ tenantId })),
      select: { id: true },
    }),
  );
  const withdrawn = ids.filter((_, index) => index % 100 === 0).map(({ id }) => fullEntry(id, { granted: false }));
  const grants = ids.map(({ id }) => fullEntry(id, { source: 'IMPORT', at: 1, proof: 'list 7' }));
  const refused = await inTenant(db, tenantId, async (tx) => {
    await recordConsents(tx, tenantId, withdrawn);
    return recordConsents(tx, tenantId, grants);
  });
  expect(refused.map(({ contactId }) => contactId)).toEqual(withdrawn.map(({ contactId }) => contactId));
  const granted = await inTenant(db, tenantId, (tx) => tx.contactConsent.count({ where: { tenantId, granted: true } }));
  expect(granted).toBe(9_900);
});

test('a withdrawal and bulk grants at the same moment: the withdrawal stands, and the ledger agrees', async ({
  db,
  said,
}) => {
  for (let round = 0; round < 10; round += 1) {
    const tenantId = said.tenantId;
    const contactId = await makeContact(db, tenantId);
    const say = (entry: Said) =>
      inTenant(db, tenantId, (tx) => recordConsents(tx, tenantId, [fullEntry(contactId, entry)]));
    await Promise.all([
      say({ source: 'IMPORT', at: 2 }),
      say({ source: 'API', at: 2 }),
      say({ granted: false, at: 1 }),
      say({ source: 'IMPORT', at: 2 }),
      say({ source: 'OPERATOR', at: 2 }),
    ]);
    const [newest, now] = await inTenant(db, tenantId, async (tx) => [
      await tx.consentEntry.findFirst({ where: { contactId }, orderBy: [{ recordedAt: 'desc' }, { id: 'desc' }] }),
      await tx.contactConsent.findFirst({ where: { contactId } }),
    ]);
    expect([newest?.granted, now?.granted]).toEqual([false, false]);
  }
});

test('batches that meet in opposite orders wait for each other', async ({ db, said }) => {
  const { tenantId } = said;
  const ids = await Promise.all(Array.from({ length: 40 }, () => makeContact(db, tenantId)));
  const batch = ids.map((id) => fullEntry(id, { source: 'API' }));
  await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      inTenant(db, tenantId, (tx) => recordConsents(tx, tenantId, index % 2 === 0 ? batch : batch.toReversed())),
    ),
  );
  expect(await inTenant(db, tenantId, (tx) => tx.consentEntry.count({ where: { tenantId } }))).toBe(320);
});

test('the ledger cannot be rewritten', async ({ db, said }) => {
  await said.record({ granted: false });
  const { tenantId } = said;
  await expect(
    inTenant(db, tenantId, (tx) => tx.consentEntry.updateMany({ data: { granted: true } })),
  ).rejects.toThrow();
  await expect(inTenant(db, tenantId, (tx) => tx.consentEntry.deleteMany({}))).rejects.toThrow();
  expect(await said.stand()).toEqual({ granted: [false], entries: 1 });
});

test('nothing is recorded for another tenant’s contact', async ({ db, said }) => {
  const other = await makeTenant(db);
  const foreign = fullEntry(said.contactId, { source: 'API' });
  await expect(inTenant(db, other, (tx) => recordConsents(tx, other, [foreign]))).rejects.toThrow();
  await expect(inTenant(db, other, (tx) => recordConsents(tx, said.tenantId, [foreign]))).rejects.toThrow();
  expect(await said.stand()).toEqual({ granted: [], entries: 0 });
});
