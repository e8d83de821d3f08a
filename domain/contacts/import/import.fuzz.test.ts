import fc from 'fast-check';
import { expect, test } from '../../../test/fixtures.ts';
import { importRow, makeImport, runImport } from '../../../test/imports.ts';
import { makeContact, makeTenant } from '../../../test/make.ts';
import { type Db, inTenant } from '../../../prisma/client.ts';
import type { OnConflict } from './decide.ts';

// What an import means, said a second time in the plainest way: one record after the other, everything in memory.

type Row = { name: string; phones: string[]; externalId: string; tags: string[] };
type Person = { keys: Set<string>; externalId: string | null; name: string | null; tags: Set<string>; line?: number };
type Verdict = 'created' | 'updated' | 'skipped' | 'failed';

const badPhone = '12';

function importPlainly(people: Person[], rows: readonly Row[], onConflict: OnConflict): Verdict[] {
  return rows.map((row, index) => {
    const keys = [...row.phones, ...(row.externalId ? [`id:${row.externalId}`] : [])];
    if (row.phones.includes(badPhone)) return 'failed';
    if (keys.length === 0) return row.name === '' && row.tags.length === 0 ? 'skipped' : 'failed';
    const matches = people.filter((person) => keys.some((key) => person.keys.has(key)));
    if (matches.some(({ line }) => line !== undefined)) return 'skipped';
    if (matches.length > 1) return 'failed';
    const [match] = matches;
    if (!match) {
      const tags = new Set(row.tags);
      people.push({
        keys: new Set(keys),
        externalId: row.externalId || null,
        name: row.name || null,
        tags,
        line: index,
      });
      return 'created';
    }
    if (onConflict !== 'UPDATE') return onConflict === 'SKIP' ? 'skipped' : 'failed';
    if (row.externalId && match.externalId !== null && match.externalId !== row.externalId) return 'failed';
    for (const key of keys) match.keys.add(key);
    for (const tag of row.tags) match.tags.add(tag);
    match.externalId ??= row.externalId || null;
    match.name = row.name || match.name;
    match.line = index;
    return 'updated';
  });
}

const phones = ['+551133330001', '+551133330002', '+551133330003', '+551133330004'];
const row: fc.Arbitrary<Row> = fc.record({
  name: fc.constantFrom('', 'Ana', 'Bia'),
  phones: fc.uniqueArray(fc.constantFrom(...phones, ...phones, badPhone), { maxLength: 2 }),
  externalId: fc.constantFrom('', '', 'x1', 'x2', 'x3'),
  tags: fc.uniqueArray(fc.constantFrom('a', 'b'), { maxLength: 2 }),
});
const known = fc.uniqueArray(fc.constantFrom(...phones), { maxLength: 3 }).chain((some) =>
  fc.tuple(
    ...some.map((phone, index) =>
      fc.record({
        phone: fc.constant(phone),
        externalId: fc.constantFrom(null, `x${index + 1}`),
        name: fc.constantFrom(null, 'Old'),
      }),
    ),
  ),
);

const write = (rows: readonly Row[]) =>
  [
    'name,phone,mobile,external id,tags',
    ...rows.map(
      ({ name, phones: [one = '', other = ''], externalId, tags }) =>
        `${name},${one},${other},${externalId},"${tags.join(';')}"`,
    ),
  ].join('\n');

async function readPeople(db: Db, tenantId: string) {
  const rows = await inTenant(db, tenantId, (tx) =>
    tx.contact.findMany({ where: { tenantId }, include: { identities: true, tags: { include: { tag: true } } } }),
  );
  return rows
    .map(({ name, externalId, identities, tags }) => ({
      name,
      externalId,
      keys: [...identities.map(({ value }) => value), ...(externalId ? [`id:${externalId}`] : [])].sort(),
      tags: tags.map(({ tag }) => tag.name).sort(),
    }))
    .sort((a, b) => (JSON.stringify(a.keys) < JSON.stringify(b.keys) ? -1 : 1));
}

test(
  'any file does to any contacts what reading it record by record would, dry runs say so before, in pages of any size',
  {
    timeout: 180_000,
  },
  async ({ db, storage }) => {
    const services = { db, storage };
    const cases = fc.record({
      rows: fc.array(row, { minLength: 1, maxLength: 12 }),
      known,
      onConflict: fc.constantFrom<OnConflict[]>('UPDATE', 'UPDATE', 'SKIP', 'FAIL'),
      pageSize: fc.integer({ min: 1, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, known, onConflict, pageSize }) => {
        const tenantId = await makeTenant(db);
        for (const { phone, ...contact } of known)
          await makeContact(db, tenantId, { ...contact, phones: [{ value: phone, matchKey: phone }] });
        const people: Person[] = known.map(({ phone, externalId, name }) => {
          const keys = new Set([phone, ...(externalId ? [`id:${externalId}`] : [])]);
          return { keys, externalId, name, tags: new Set() };
        });
        const verdicts = importPlainly(people, rows, onConflict);
        const count = (verdict: Verdict) => verdicts.filter((one) => one === verdict).length;
        const expected = {
          status: 'FINISHED',
          total: rows.length,
          created: count('created'),
          updated: count('updated'),
          skipped: count('skipped'),
          failed: count('failed'),
        };
        const before = await readPeople(db, tenantId);
        for (const isDryRun of [true, false]) {
          const importId = await makeImport(services, tenantId, write(rows), { onConflict, isDryRun });
          await runImport(services, { tenantId }, importId, { importPageRecords: pageSize });
          expect(await importRow(db, tenantId, importId), isDryRun ? 'dry' : 'real').toMatchObject(expected);
          if (isDryRun) expect(await readPeople(db, tenantId)).toEqual(before);
        }
        expect(await readPeople(db, tenantId)).toEqual(
          people
            .map(({ name, externalId, keys, tags }) => ({
              name,
              externalId,
              keys: [...keys].sort(),
              tags: [...tags].sort(),
            }))
            .sort((a, b) => (JSON.stringify(a.keys) < JSON.stringify(b.keys) ? -1 : 1)),
        );
      }),
      { numRuns: 40 },
    );
  },
);
