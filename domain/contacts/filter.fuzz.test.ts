import fc from 'fast-check';
import { type Db, inTenant } from '../../prisma/client.ts';
import { expect, test } from '../../test/fixtures.ts';
import { customFields, matches, type Person } from '../../test/filter-oracle.ts';
import { makeContact, makeTag, makeTenant } from '../../test/make.ts';
import { DomainError, InvalidInputError } from '../errors.ts';
import { compileFilter, contactsWhere } from './compile-filter.ts';
import { type ContactFilter, type CustomFieldOperator, customFieldOperators, readFilter } from './filter.ts';
import { loadDefinitions } from './filter-definitions.ts';
import { matchKeyOf } from './phone.ts';

// Every text that comes in carries this; none may leave in the text of a statement.
const mark = 'zq7';

const hostile = [
  `' or 1=1 -- ${mark}`,
  `"; drop table contacts; -- ${mark}`,
  `\\'${mark}`,
  `$1 ${mark} $2 $$`,
  `%${mark}_%`,
  `${mark}\u0000`,
  `\ud800${mark}`,
  `😀 ${mark} 🇧🇷`,
  `${mark}{{"}}?`,
  `E'\\x27${mark}`,
  `Ação ${mark}`,
  `İstanbul ${mark}`,
  mark.repeat(400),
];
const stored = [
  'Ana Zq7 Souza',
  'AÇÃO ZQ7',
  'İSTANBUL zq7',
  'ana zq7',
  `%zq7_%`,
  `$1 zq7 $2 $$`,
  `' or 1=1 -- zq7`,
  `\\'zq7`,
];

const words = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...stored) },
  { weight: 2, arbitrary: fc.constantFrom(...stored).chain((text) => fc.nat(4).map((at) => text.slice(at))) },
  { weight: 1, arbitrary: fc.constantFrom(...hostile) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map((text) => `${text}${mark}`) },
);
const codes = fc.oneof(words, fc.constantFrom('BR', 'br', 'TR', 'pt-BR', 'PT', 'a@zq7.com', 'A@ZQ7.com'));
const days = fc.constantFrom('1990-02-28', '1990-03-01', '2000-12-31');
const phones = fc.constantFrom('+5511987654321', '+551187654321', '+5215512345678', '+60123456789');
const numbers = fc.oneof(fc.constantFrom(0, 1, 1.5, -3), fc.double({ noNaN: true, noDefaultInfinity: true }));
const some = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: 1, maxLength: 3 });
const given = (shape: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(shape, { requiredKeys: [] }).filter((made) => Object.keys(made).length > 0);

const texts = (value: fc.Arbitrary<string>) =>
  given({ eq: value, in: some(value), contains: value, startsWith: value, isSet: fc.boolean() });
const asked = <T>(key: string, values: fc.Arbitrary<T>, ops: readonly CustomFieldOperator[]) =>
  fc.oneof(
    fc.record({ key: fc.constant(key), op: fc.constantFrom(...ops), value: values }),
    fc.record({ key: fc.constant(key), op: fc.constant('IN'), value: some(values) }),
    fc.record({ key: fc.constant(key), op: fc.constant('IS_SET'), value: fc.boolean() }),
  );
const customField = fc.oneof(
  asked('note', words, ['EQ', 'CONTAINS', 'STARTS_WITH']),
  asked('points', numbers, ['EQ', 'LT', 'LTE', 'GT', 'GTE']),
  asked('member', fc.boolean(), ['EQ']),
  asked('since', days, ['EQ', 'LT', 'LTE', 'GT', 'GTE']),
  asked('size', fc.constantFrom('S', 'm', 'XL'), ['EQ']),
  asked('gone', words, ['EQ']),
  fc.record({
    key: fc.constantFrom(...customFields.keys(), `${mark}'`),
    op: fc.constantFrom(...customFieldOperators),
    value: fc.oneof(words, numbers, fc.boolean(), days, some(words), some(numbers)),
  }),
);

function filters(tagIds: string[]): fc.Arbitrary<unknown> {
  const tags = fc.constantFrom(...tagIds);
  const leaf = fc.oneof(
    fc.record({
      field: fc.oneof(
        ...['name', 'city', 'region', 'street', 'postalCode', 'externalId'].map((name) =>
          texts(words).map((value) => ({ [name]: value })),
        ),
        ...['email', 'country', 'language'].map((name) => texts(codes).map((value) => ({ [name]: value }))),
        given({
          eq: phones,
          in: some(phones),
          contains: fc.constantFrom('1198', '8765-4321', mark),
          startsWith: phones,
          isSet: fc.boolean(),
        }).map((phone) => ({ phone })),
        given({ eq: days, gte: days, gt: days, lte: days, lt: days, isSet: fc.boolean() }).map((birthDate) => ({
          birthDate,
        })),
      ),
    }),
    fc.record({
      tag: fc.oneof(
        fc.record({ has: tags }),
        fc.record({ hasNot: tags }),
        fc.record({ hasAny: some(tags) }),
        fc.record({ hasAll: some(tags) }),
        fc.record({ isSet: fc.boolean() }),
      ),
    }),
    fc.record({ customField }),
    fc.record({
      consent: fc.record(
        {
          purpose: fc.constantFrom('MARKETING', 'SERVICE'),
          channel: fc.constantFrom('WHATSAPP', 'EMAIL', 'SMS'),
          granted: fc.boolean(),
        },
        { requiredKeys: ['purpose', 'granted'] },
      ),
    }),
    fc.constantFrom('createdAt', 'updatedAt').chain((key) =>
      given({ gte: days, gt: days, lte: days, lt: days }).map((bounds) => ({
        [key]: Object.fromEntries(Object.entries(bounds).map(([sign, day]) => [sign, `${String(day)}T00:00:00Z`])),
      })),
    ),
    fc.record({
      birthday: fc.record(
        { month: fc.constantFrom(2, 3, 12), day: fc.constantFrom(1, 28, 31) },
        { requiredKeys: ['month'] },
      ),
    }),
    fc.record({ blocked: fc.boolean() }),
    fc.record({ identity: fc.record({ kind: fc.constantFrom('PHONE', 'USERNAME'), isSet: fc.boolean() }) }),
  );
  const { node } = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 3, arbitrary: leaf },
      { weight: 1, arbitrary: fc.record({ and: some(tie('node')) }) },
      { weight: 1, arbitrary: fc.record({ or: some(tie('node')) }) },
      { weight: 1, arbitrary: fc.record({ not: tie('node') }) },
    ),
  }));
  return node;
}

test('any filter means the same to Postgres as to plain JavaScript, or is refused by path', async ({ db }) => {
  const { tenantId, tagIds, people } = await makeWorld(db);
  let found = 0;
  let refused = 0;
  const property = fc.asyncProperty(filters([...tagIds, '0190c0de-0000-7000-8000-000000000000']), async (input) => {
    const filter = accept(input);
    if (!filter) return void (refused += 1);
    const ids = await inTenant(db, tenantId, async (tx) => {
      const definitions = await loadDefinitions(tx, tenantId, [filter]);
      const where = contactsWhere(tenantId, { filter, definitions });
      return tx.$queryRaw<{ id: string }[]>`select c.id from contacts c where ${where}`;
    });
    const expected = people.filter((person) => matches(filter, person, new Set(tagIds)) === true);
    expect(ids.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    if (ids.length > 0) found += 1;
  });
  await fc.assert(property, { numRuns: 1_500 });
  expect(found).toBeGreaterThan(400); // it would prove little if everything matched nobody,
  expect(refused).toBeLessThan(700); // or nothing got through
});

test('no input reaches a statement as text, whatever it holds', () => {
  const tagId = '0190c0de-0000-7000-8000-00000000000a';
  const definitions = { customFields, tagIds: new Set([tagId]), userIds: new Set<string>() };
  const property = fc.property(filters([tagId]), (input) => {
    const filter = accept(input);
    if (!filter) return;
    const text = compileFilter(filter, definitions).strings.join('¤');
    expect(text).toMatch(/^[a-z_ .,:=<>@^()[\]¤'"0-]*$/i);
    const parts = text.split(/[^a-z_'"]+/i);
    expect(parts.filter((word) => word !== '' && !vocabulary.has(word))).toEqual([]);
  });
  fc.assert(property, { numRuns: 3_000 });
});

const vocabulary = new Set(
  `and any array as blocked_at boolean birth_date c city coalesce collate contact_consents contact_id contact_identities contact_tags
   country created_at custom_fields date day email exists external_id extract false fold_text from granted channel i id int is
   jsonb_typeof kind language lower match_key month name name_key not null numeric or postal_code purpose region s select street
   strpos t tag_id tenant_id text timestamptz to_jsonb true unnest updated_at uuid v value where 'PHONE' 'number' 'string' "C"`.split(
    /\s+/,
  ),
);

test('what is no filter at all is refused, never half understood', () => {
  const property = fc.property(
    fc.oneof(
      fc.jsonValue(),
      fc.anything(),
      fc.object({ key: fc.constantFrom('and', 'or', 'not', 'field', 'name', 'eq', '__proto__', 'blocked') }),
    ),
    (input) => {
      const filter = accept(input);
      if (filter) expect(readFilter(JSON.parse(JSON.stringify(filter)))).toEqual(filter);
    },
  );
  fc.assert(property, { numRuns: 3_000 });
});

/** The filter, or undefined when it was refused in the one way that is allowed. */
function accept(input: unknown): ContactFilter | undefined {
  try {
    return readFilter(input);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error instanceof DomainError && error.message).not.toContain(mark); // what somebody typed is in no error message
    return undefined;
  }
}

/** A tenant with a few dozen people, each random in every respect, and another one whose people must never be found. */
async function makeWorld(db: Db): Promise<{ tenantId: string; tagIds: string[]; people: Person[] }> {
  const tenantId = await makeTenant(db);
  const neighbour = await makeTenant(db);
  await makeContact(db, neighbour, { name: 'Ana Zq7 Souza', email: 'a@zq7.com' });
  await inTenant(db, tenantId, (tx) =>
    tx.customField.createMany({
      data: [...customFields].map(([key, { type, options }]) => ({
        tenantId,
        key,
        label: key,
        type,
        options: [...options],
      })),
    }),
  );
  const tagIds = await Promise.all(['vip', 'new', 'old'].map((name) => makeTag(db, tenantId, name)));

  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
  const texts = maybe(fc.constantFrom(...stored));
  const times = fc.constantFrom('1990-02-28', '1990-03-01', '2000-12-31').map((day) => new Date(`${day}T00:00:00Z`));
  const person = fc.record({
    name: texts,
    email: maybe(fc.constantFrom('a@zq7.com', 'b@zq7.com')),
    street: texts,
    city: texts,
    region: texts,
    postalCode: texts,
    country: maybe(fc.constantFrom('BR', 'TR')),
    language: maybe(fc.constantFrom('pt-BR', 'tr')),
    birthDate: maybe(times),
    blockedAt: maybe(times),
    createdAt: times,
    updatedAt: times,
    customFields: fc.record(
      {
        // Now and then of another type than the field: left from before it was made anew.
        note: fc.oneof(fc.constantFrom(...stored), numbers),
        points: fc.oneof(numbers, fc.constant('many')),
        member: fc.oneof(fc.boolean(), fc.constant('yes')),
        since: fc.oneof(days, fc.constant('long ago'), fc.constant(19900228)),
        size: fc.oneof(fc.constantFrom('S', 'M', 'XL'), fc.constant(42), fc.constant(null)),
      },
      { requiredKeys: [] },
    ),
    tagIds: fc.subarray(tagIds),
    consents: fc.uniqueArray(
      fc.record({
        purpose: fc.constantFrom('MARKETING', 'SERVICE'),
        channel: fc.constantFrom('WHATSAPP', 'EMAIL'),
        granted: fc.boolean(),
      }),
      { selector: ({ purpose, channel }) => `${purpose}:${channel}` },
    ),
  });
  const people: Person[] = [];
  const numbersLeft = ['+5511987654321', '+551133334444', '+525512345678', '+60123456789'];
  for (const [index, { consents, ...random }] of fc.sample(person, 40).entries()) {
    const value = numbersLeft[index];
    const phones = value ? [{ value, matchKey: matchKeyOf(value) }] : [];
    const externalId = index % 3 === 0 ? `${mark}-${index}` : null;
    const contact = { ...random, externalId };
    const id = await makeContact(db, tenantId, { ...contact, phones });
    const now = new Date();
    await inTenant(db, tenantId, (tx) =>
      tx.contactConsent.createMany({
        data: consents.map((consent) => ({
          ...consent,
          tenantId,
          contactId: id,
          source: 'API',
          givenAt: now,
          recordedAt: now,
        })),
      }),
    );
    // Merged into the first one, it is nobody any more.
    if (index === 39)
      await inTenant(db, tenantId, (tx) =>
        tx.contact.update({ where: { tenantId_id: { tenantId, id } }, data: { mergedIntoId: people[0]?.id ?? null } }),
      );
    else people.push({ ...contact, id, consents, phones });
  }
  return { tenantId, tagIds, people };
}
