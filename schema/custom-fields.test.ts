import { inTenant } from '../prisma/client.ts';
import { mutate, newContact, readContact, tally } from '../test/ask.ts';
import { expect, type Person, test } from '../test/fixtures.ts';

const parts = '... on CustomField { id key label type options createdAt }';
const create = (shop: Person, input: object) => mutate(shop, 'customFieldCreate', { ...input }, parts);
const fieldsOf = async (shop: Person) =>
  (await shop.graphql('{ customFields { id key label type options createdAt } }')).data['customFields'];

test('fields are created, listed, changed and deleted', async ({ shop }) => {
  const size = await create(shop, { key: 'shoeSize', label: 'Shoe size', type: 'SELECT', options: [' S ', 'M', 'L'] });
  expect(size).toMatchObject({ key: 'shoeSize', label: 'Shoe size', type: 'SELECT', options: ['S', 'M', 'L'] });
  const points = await create(shop, { key: 'points', type: 'NUMBER' });
  expect(points).toMatchObject({ key: 'points', label: 'points', options: [] });
  expect(await fieldsOf(shop)).toMatchObject([{ key: 'shoeSize' }, { key: 'points' }]);
  const contactId = await newContact(shop, {
    name: 'Ana',
    customFields: [
      { key: 'shoeSize', value: 'L' },
      { key: 'points', value: 3 },
    ],
  });

  const change = { customFieldId: size['id'], label: 'Size', options: ['S', 'M'] };
  expect(await mutate(shop, 'customFieldUpdate', change, parts)).toMatchObject({
    key: 'shoeSize',
    label: 'Size',
    options: ['S', 'M'],
  });
  expect(await mutate(shop, 'customFieldUpdate', { customFieldId: size['id'], label: null }, parts)).toMatchObject({
    label: 'shoeSize',
    options: ['S', 'M'],
  });
  expect(await readContact(shop, contactId)).toMatchObject({
    customFields: [{ key: 'shoeSize', value: 'L' }, { key: 'points' }],
  }); // chosen before
  const refused = await mutate(shop, 'contactUpdate', { contactId, customFields: [{ key: 'shoeSize', value: 'L' }] });
  expect(refused).toMatchObject({ fields: [{ path: 'customFields.0.value' }] });

  expect(await mutate(shop, 'customFieldDelete', { customFieldId: size['id'] }, '... on Deleted { id }')).toMatchObject(
    { id: size['id'] },
  );
  expect(await readContact(shop, contactId)).toMatchObject({ customFields: [{ key: 'points', value: 3 }] });
  expect(await fieldsOf(shop)).toMatchObject([{ key: 'points' }]);
  expect(await mutate(shop, 'customFieldDelete', { customFieldId: size['id'] })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await mutate(shop, 'customFieldUpdate', { customFieldId: size['id'], label: 'x' })).toMatchObject({
    code: 'NOT_FOUND',
  });
  expect((await shop.graphql('query ($id: ID!) { node(id: $id) { id } }', { id: size['id'] })).data['node']).toBeNull();
  expect(await create(shop, { key: 'shoeSize', type: 'NUMBER' })).toMatchObject({ type: 'NUMBER' });
  expect(await readContact(shop, contactId)).toMatchObject({ customFields: [{ key: 'points', value: 3 }] }); // the old values do not come back
});

test.for<[string, object, string[]]>([
  ['a key with blanks', { key: 'shoe size', type: 'TEXT' }, ['key']],
  ['a key with accents', { key: 'tamanho_é', type: 'TEXT' }, ['key']],
  ['an endless key', { key: 'k'.repeat(64), type: 'TEXT' }, ['key']],
  ['a key that is SQL', { key: "a'; drop table contacts; --", type: 'TEXT' }, ['key']],
  ['an endless label', { key: 'a', label: 'x'.repeat(101), type: 'TEXT' }, ['label']],
  ['a choice of nothing', { key: 'a', type: 'SELECT' }, ['options']],
  ['options where there is no choice', { key: 'a', type: 'TEXT', options: ['x'] }, ['options']],
  ['the same option twice', { key: 'a', type: 'SELECT', options: ['Médio', ' MEDIO '] }, ['options.1']],
  ['empty options', { key: 'a', type: 'SELECT', options: ['', 'x'.repeat(101)] }, ['options.0', 'options.1']],
  [
    'too many options',
    { key: 'a', type: 'SELECT', options: Array.from({ length: 201 }, (_, index) => `${index}`) },
    ['options'],
  ],
])('%s is refused', async ([, input, paths], { shop }) => {
  const answer = await create(shop, input);
  expect(answer).toMatchObject({ __typename: 'InvalidInputError', fields: paths.map((path) => ({ path })) });
  expect(await fieldsOf(shop)).toEqual([]);
});

test('a key is taken once, whatever its case and however many ask at the same moment', async ({ shop }) => {
  const answers = await Promise.all(
    ['size', 'Size', 'SIZE', 'size', 'sizE'].map((key) => create(shop, { key, type: 'TEXT' })),
  );
  expect(tally(answers)).toEqual({ CustomField: 1, ConflictError: 4 });
  const [field] = await fieldsOf(shop);
  const losers = answers.filter(({ __typename }) => __typename === 'ConflictError');
  expect(losers.map(({ conflictingId, path }) => [conflictingId, path])).toEqual(losers.map(() => [field.id, 'key']));
});

test('there is an end to fields', async ({ shop, db }) => {
  const { tenantId } = shop;
  const data = Array.from({ length: 99 }, (_, index) => ({ tenantId, key: `f${index}`, label: 'F', type: 'TEXT' }));
  await inTenant(db, tenantId, (tx) => tx.customField.createMany({ data }));
  const answers = await Promise.all(['a', 'b', 'c'].map((key) => create(shop, { key, type: 'TEXT' })));
  expect(tally(answers)).toEqual({ CustomField: 1, ConflictError: 2 });
});

test('a repeated request creates one field, and several mutations in one operation see each other', async ({
  shop,
}) => {
  const input = { key: 'size', type: 'TEXT', idempotencyKey: 'k' };
  expect(await create(shop, input)).toEqual(await create(shop, input));
  const answer = await shop.graphql(`mutation {
    a: customFieldCreate(input: { key: "a", type: NUMBER }) { ... on CustomField { key } }
    b: contactCreate(input: { name: "Ana", customFields: [{ key: "a", value: 5 }] }) { ... on Contact { customFields { key value } } }
    c: customFieldCreate(input: { key: "c", type: TEXT }) { ... on CustomField { key } }
    d: contactCreate(input: { name: "Bob", customFields: [{ key: "c", value: "x" }] }) { ... on Contact { customFields { key value } } }
  }`);
  expect(answer.data).toEqual({
    a: { key: 'a' },
    b: { customFields: [{ key: 'a', value: 5 }] },
    c: { key: 'c' },
    d: { customFields: [{ key: 'c', value: 'x' }] },
  });
});

test('a field that is deleted while contacts are written leaves no value behind', async ({ shop, db }) => {
  for (let round = 0; round < 5; round += 1) {
    const field = await create(shop, { key: 'size', type: 'TEXT' });
    const ids = await Promise.all(['A', 'B', 'C'].map((name) => newContact(shop, { name })));
    const value = { customFields: [{ key: 'size', value: 'M' }] };
    const writes = ids.map((contactId) => mutate(shop, 'contactUpdate', { contactId, ...value }));
    const [deleted, ...written] = await Promise.all([
      mutate(shop, 'customFieldDelete', { customFieldId: field['id'] }),
      ...writes,
    ]);
    expect(deleted).toMatchObject({ __typename: 'Deleted' });
    expect(written.every(({ __typename }) => __typename === 'Contact' || __typename === 'InvalidInputError')).toBe(
      true,
    );
  }
  const rows = await inTenant(db, shop.tenantId, (tx) => tx.contact.findMany({ select: { customFields: true } }));
  expect(rows.filter(({ customFields }) => JSON.stringify(customFields) !== '{}')).toEqual([]);
});
