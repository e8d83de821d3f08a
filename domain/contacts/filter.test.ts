import { type Db, inTenant } from '../../prisma/client.ts';
import { describe, expect, test } from '../../test/fixtures.ts';
import { makeContact, makeTag, makeTenant } from '../../test/make.ts';
import { InvalidInputError } from '../errors.ts';
import { contactsWhere } from './compile-filter.ts';
import { filterDepthMax, filterListMax, filterNodesMax, readFilter } from './filter.ts';
import { findMisfits, loadDefinitions, resolveFilter } from './filter-definitions.ts';
import { matchKeyOf } from './phone.ts';

describe('a filter that is not one is refused by path', () => {
  const blocked = { blocked: true };
  test.for<[name: string, input: unknown, path: string]>([
    ['nothing', null, 'filter'],
    ['a list', [], 'filter'],
    ['no key', {}, 'filter'],
    ['two keys', { and: [blocked], blocked: true }, 'filter'],
    ['an unknown key', { title: 'x' }, 'filter'],
    ['an empty and', { and: [] }, 'filter.and'],
    ['an empty or', { not: { or: [] } }, 'filter.not.or'],
    ['an and that is no list', { and: blocked }, 'filter.and'],
    ['an unknown field', { field: { shoeSize: { eq: '42' } } }, 'filter.field'],
    ['two fields at once', { field: { name: { eq: 'a' }, email: { eq: 'b' } } }, 'filter.field'],
    ['a field without a comparison', { and: [blocked, blocked, { field: { name: {} } }] }, 'filter.and.2.field.name'],
    ['an empty text', { field: { name: { contains: '' } } }, 'filter.field.name.contains'],
    ['nothing but accents', { field: { name: { contains: '\u0301' } } }, 'filter.field.name.contains'],
    ['a text that is too long', { field: { name: { eq: 'x'.repeat(1_001) } } }, 'filter.field.name.eq'],
    ['U+0000', { field: { externalId: { eq: 'a\0' } } }, 'filter.field.externalId.eq'],
    ['a broken surrogate', { field: { externalId: { eq: '\ud800' } } }, 'filter.field.externalId.eq'],
    ['an empty list', { field: { name: { in: [] } } }, 'filter.field.name.in'],
    ['too long a list', { field: { name: { in: Array(filterListMax + 1).fill('a') } } }, 'filter.field.name.in'],
    ['a number for a text', { field: { name: { in: ['a', 7] } } }, 'filter.field.name.in.1'],
    ['a local number', { field: { phone: { eq: '98765-4321' } } }, 'filter.field.phone.eq'],
    ['no digit at all', { field: { phone: { contains: 'ana' } } }, 'filter.field.phone.contains'],
    ['a day that is none', { field: { birthDate: { gte: '1990-02-30' } } }, 'filter.field.birthDate.gte'],
    ['a time without a zone', { createdAt: { gte: '2026-01-01' } }, 'filter.createdAt.gte'],
    ['no bound', { updatedAt: {} }, 'filter.updatedAt'],
    ['no tag id', { tag: { has: 'vip' } }, 'filter.tag.has'],
    ['two wishes for a tag', { tag: { isSet: true, hasAny: [] } }, 'filter.tag.hasAny'],
    ['an unknown purpose', { consent: { purpose: 'SALES', granted: true } }, 'filter.consent.purpose'],
    ['consent without its sense', { consent: { purpose: 'SERVICE' } }, 'filter.consent.granted'],
    ['a thirteenth month', { birthday: { month: 13 } }, 'filter.birthday.month'],
    ['an object for a value', { customField: { key: 'a', op: 'EQ', value: {} } }, 'filter.customField.value'],
    ['an unknown operator', { customField: { key: 'a', op: '=', value: 1 } }, 'filter.customField.op'],
  ])('%s', ([, input, path]) => {
    expect(problemsOf(() => readFilter(input)).map((problem) => problem.path)).toContain(path);
  });

  test('everything that is wrong is said at once', () => {
    const input = { and: [{ field: { name: { eq: '' } } }, { blocked: 'yes' }, { or: [{ blocked: true }, {}] }] };
    expect(problemsOf(() => readFilter(input)).map(({ path }) => path)).toEqual([
      'filter.and.0.field.name.eq',
      'filter.and.1.blocked',
      'filter.and.2.or.1',
    ]);
  });

  test('a tree that is too deep or too wide is refused, however deep or wide', () => {
    const nest = (levels: number): unknown => {
      let node: unknown = { blocked: true };
      for (let level = 1; level < levels; level += 1) node = { not: node };
      return node;
    };
    expect(readFilter(nest(filterDepthMax))).toBeDefined();
    expect(problemsOf(() => readFilter(nest(filterDepthMax + 1)))[0]?.message).toContain('levels');
    expect(problemsOf(() => readFilter(nest(1_000_000)))[0]?.message).toContain('levels');
    const wide = (conditions: number) => ({ or: Array.from({ length: conditions }, () => blocked) });
    expect(readFilter(wide(filterNodesMax - 1))).toBeDefined();
    expect(problemsOf(() => readFilter(wide(filterNodesMax)))[0]?.message).toContain('conditions');
    expect(problemsOf(() => readFilter(wide(1_000_000)))[0]?.message).toContain('conditions');
  });
});

test('texts match without case and accents, but not across them', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const joao = await makeContact(db, tenantId, { name: 'João da Silva', city: 'São Paulo', email: 'joao@example.com' });
  const isik = await makeContact(db, tenantId, { name: 'IŞIK Yılmaz', city: 'İstanbul', externalId: 'A1' });
  await makeContact(db, tenantId, { externalId: 'a1' });
  const found = (field: unknown) => find(db, tenantId, { field });
  expect(await found({ name: { eq: 'joao  DA silva ' } })).toEqual([joao]);
  expect(await found({ name: { startsWith: 'JOÃO' } })).toEqual([joao]);
  expect(await found({ name: { contains: 'ışık' } })).toEqual([isik]);
  expect(await found({ name: { startsWith: 'joa_' } })).toEqual([]);
  expect(await found({ name: { contains: '%' } })).toEqual([]);
  expect(await found({ city: { in: ['istanbul', 'sao paulo'] } })).toEqual([joao, isik]);
  expect(await found({ email: { eq: ' JOAO@example.com' } })).toEqual([joao]);
  expect(await found({ externalId: { eq: 'A1' } })).toEqual([isik]);
});

test('a phone is found by every way of writing it, and by its digits', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const stored = '+5511987654321';
  const ana = await makeContact(db, tenantId, { phones: [{ value: stored, matchKey: matchKeyOf(stored) }] });
  const found = (phone: unknown) => find(db, tenantId, { field: { phone } });
  expect(await found({ eq: '+55 11 98765-4321' })).toEqual([ana]);
  expect(await found({ eq: '+55 (11) 8765-4321' })).toEqual([ana]);
  expect(await found({ in: ['+60123456789', '0055 11 8765 4321'] })).toEqual([ana]);
  expect(await found({ contains: '98765-43' })).toEqual([ana]);
  expect(await found({ startsWith: '+55 (11)' })).toEqual([ana]);
  expect(await found({ eq: '+55 11 98765-4322' })).toEqual([]);
  expect(await find(db, tenantId, { not: { identity: { kind: 'PHONE', isSet: true } } })).toEqual([]);
});

test('a tag that was deleted matches nobody, not even those without it', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const vip = await makeTag(db, tenantId, 'VIP');
  const ana = await makeContact(db, tenantId, { name: 'Ana', tagIds: [vip] });
  const bia = await makeContact(db, tenantId, { name: 'Bia' });
  const hasNot = { tag: { hasNot: vip } };
  expect(await find(db, tenantId, { tag: { has: vip } })).toEqual([ana]);
  expect(await find(db, tenantId, hasNot)).toEqual([bia]);

  await inTenant(db, tenantId, (tx) => tx.tag.delete({ where: { tenantId_id: { tenantId, id: vip } } }));
  for (const filter of [hasNot, { tag: { has: vip } }, { not: { tag: { has: vip } } }, { not: { not: hasNot } }]) {
    expect(await find(db, tenantId, filter)).toEqual([]);
  }
  expect(await find(db, tenantId, { or: [hasNot, { field: { name: { eq: 'bia' } } }] })).toEqual([bia]);
  expect(await misfits(db, tenantId, { and: [{ blocked: false }, hasNot] })).toEqual([
    { path: 'filter.and.1.tag.hasNot', message: 'There is no such tag.' },
  ]);
});

test('another tenant’s tag is no tag, exactly like one that never was', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const theirs = await makeTag(db, await makeTenant(db), 'VIP');
  const never = crypto.randomUUID();
  const refusals = await Promise.all(
    [theirs, never].map((id) =>
      inTenant(db, tenantId, (tx) => resolveFilter(tx, tenantId, { tag: { has: id } })).catch(
        (error: unknown) => error,
      ),
    ),
  );
  expect(refusals[0]).toBeInstanceOf(InvalidInputError);
  expect(refusals[0]).toEqual(refusals[1]);
});

test('a custom field is compared in its type; once it is gone or of another type, it matches nobody', async ({
  db,
}) => {
  const tenantId = await makeTenant(db);
  const define = (key: string, type: string, options: string[] = []) =>
    inTenant(db, tenantId, (tx) => tx.customField.create({ data: { tenantId, key, label: key, type, options } }));
  await define('points', 'NUMBER');
  await define('since', 'DATE');
  await define('size', 'SELECT', ['S', 'M']);
  const ana = await makeContact(db, tenantId, { customFields: { points: 9, since: '2024-12-31', size: 'S' } });
  const bia = await makeContact(db, tenantId, { customFields: { points: 10, since: '2025-01-01', size: 'M' } });
  const odd = await makeContact(db, tenantId, { customFields: { points: 'ten', since: 20250101, size: null } });
  const found = (key: string, op: string, value: unknown) => find(db, tenantId, { customField: { key, op, value } });
  expect(await found('points', 'GT', 9)).toEqual([bia]); // as text, 10 would come before 9
  expect(await found('points', 'IN', [9.0, 11])).toEqual([ana]);
  expect(await found('since', 'LT', '2025-01-01')).toEqual([ana]);
  expect(await found('size', 'EQ', 'm')).toEqual([bia]);
  expect(await found('size', 'IS_SET', false)).toEqual([odd]);
  const notMany = { not: { customField: { key: 'points', op: 'GT', value: 9 } } };
  expect(await find(db, tenantId, notMany)).toEqual([ana, odd]);

  const bad = [
    { key: 'points', op: 'CONTAINS', value: 'x' },
    { key: 'points', op: 'EQ', value: '9' },
    { key: 'points', op: 'EQ', value: [9] },
    { key: 'since', op: 'IN', value: '2025-01-01' },
    { key: 'size', op: 'EQ', value: 'XL' },
    { key: 'colour', op: 'EQ', value: 'red' },
  ];
  const problems = await misfits(db, tenantId, { and: bad.map((customField) => ({ customField })) });
  expect(problems.map(({ path }) => path)).toEqual([
    'filter.and.0.customField.op',
    'filter.and.1.customField.value',
    'filter.and.2.customField.value',
    'filter.and.3.customField.value',
    'filter.and.4.customField.value',
    'filter.and.5.customField.key',
  ]);

  await inTenant(db, tenantId, (tx) =>
    tx.customField.update({ where: { tenantId_key: { tenantId, key: 'points' } }, data: { type: 'DATE' } }),
  );
  expect(await find(db, tenantId, notMany)).toEqual([]);
  await inTenant(db, tenantId, (tx) => tx.customField.deleteMany({ where: { tenantId, key: 'points' } }));
  expect(await find(db, tenantId, notMany)).toEqual([]);
});

test('consent that was never given is as good as withdrawn', async ({ db }) => {
  const tenantId = await makeTenant(db);
  const now = new Date();
  const given = await makeContact(db, tenantId);
  const taken = await makeContact(db, tenantId);
  const never = await makeContact(db, tenantId);
  const entry = (contactId: string, channel: string, granted: boolean) => {
    return {
      tenantId,
      contactId,
      channel,
      granted,
      purpose: 'MARKETING',
      source: 'API',
      givenAt: now,
      recordedAt: now,
    };
  };
  await inTenant(db, tenantId, (tx) =>
    tx.contactConsent.createMany({
      data: [entry(given, 'WHATSAPP', true), entry(given, 'EMAIL', false), entry(taken, 'WHATSAPP', false)],
    }),
  );
  const found = (consent: object) => find(db, tenantId, { consent: { purpose: 'MARKETING', ...consent } });
  expect(await found({ granted: true })).toEqual([given]);
  expect(await found({ granted: true, channel: 'EMAIL' })).toEqual([]);
  expect(await found({ granted: false, channel: 'WHATSAPP' })).toEqual([taken, never]);
});

/** What a filter finds now, whether what it refers to is there or not: as of a stored one. Oldest first. */
async function find(db: Db, tenantId: string, input: unknown): Promise<string[]> {
  const filter = readFilter(input);
  expect(readFilter(JSON.parse(JSON.stringify(filter)))).toEqual(filter); // it is stored as JSON
  const rows = await inTenant(db, tenantId, async (tx) => {
    const where = contactsWhere(tenantId, { filter, definitions: await loadDefinitions(tx, tenantId, [filter]) });
    return tx.$queryRaw<{ id: string }[]>`select c.id from contacts c where ${where} order by c.created_at, c.id`;
  });
  return rows.map(({ id }) => id);
}

function misfits(db: Db, tenantId: string, input: unknown) {
  const filter = readFilter(input);
  return inTenant(db, tenantId, async (tx) => findMisfits(filter, await loadDefinitions(tx, tenantId, [filter])));
}

function problemsOf(run: () => unknown): InvalidInputError['fields'] {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidInputError) return error.fields;
    throw error;
  }
  return [];
}
