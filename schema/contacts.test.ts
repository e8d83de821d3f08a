import { foldText } from '../domain/contacts/text.ts';
import { inScope, inTenant } from '../prisma/client.ts';
import { mutate, newContact, newTag, readContact, refusalOf, wholeContact } from '../test/ask.ts';
import { expect, test } from '../test/fixtures.ts';

const whole = `... on Contact { ${wholeContact} }`;

test('a contact is created with everything that is known of it', async ({ shop }) => {
  await mutate(shop, 'customFieldCreate', { key: 'size', label: 'Shoe size', type: 'SELECT', options: ['S', 'M'] });
  const contact = await mutate(
    shop,
    'contactCreate',
    {
      name: ' Ana  Silva ',
      phone: '(11) 98765-4321',
      email: 'ANA@example.com',
      externalId: 'A-1',
      birthDate: '1990-05-17',
      language: 'pt_br',
      address: { street: 'Rua 1', city: 'São Paulo', country: 'br' },
      identities: [
        { kind: 'USERNAME', value: '@Ana.S' },
        { kind: 'PHONE', value: '+5511987654321' },
      ],
      customFields: [{ key: 'size', value: 'm' }],
      tagIds: [await newTag(shop, 'VIP')],
      consents: [{ purpose: 'MARKETING', channel: 'WHATSAPP', granted: true, source: 'PERSON', proof: 'form 7' }],
    },
    whole,
  );
  expect(contact).toMatchObject({
    name: 'Ana Silva',
    phone: '+5511987654321',
    email: 'ana@example.com',
    externalId: 'A-1',
    birthDate: '1990-05-17',
    language: 'pt-BR',
    address: { street: 'Rua 1', city: 'São Paulo', region: null, postalCode: null, country: 'BR' },
    identities: [
      { kind: 'PHONE', value: '+5511987654321' },
      { kind: 'USERNAME', value: 'Ana.S' },
    ],
    tags: [{ name: 'VIP' }],
    customFields: [{ key: 'size', value: 'M', field: { label: 'Shoe size', type: 'SELECT' } }],
    blocked: false,
    blockedAt: null,
    consents: [{ purpose: 'MARKETING', channel: 'WHATSAPP', granted: true, source: 'PERSON' }],
    consentHistory: { nodes: [{ granted: true, source: 'PERSON', proof: 'form 7' }] },
    notes: { nodes: [] },
    merged: [],
  });
  expect(await readContact(shop, contact['id'])).toEqual({ ...contact, __typename: undefined });
});

test('an update changes what it says: what is left out stays, null clears', async ({ shop }) => {
  await mutate(shop, 'customFieldCreate', { key: 'a', type: 'TEXT' });
  await mutate(shop, 'customFieldCreate', { key: 'b', type: 'NUMBER' });
  const contactId = await newContact(shop, {
    name: 'Ana',
    email: 'ana@example.com',
    birthDate: '1990-05-17',
    address: { street: 'Rua 1', city: 'Santos' },
    phone: '+5511987654321',
    customFields: [
      { key: 'a', value: 'x' },
      { key: 'b', value: 1 },
    ],
  });
  const before = await readContact(shop, contactId);
  const after = await mutate(
    shop,
    'contactUpdate',
    { contactId, email: null, name: 'Ana S.', address: { street: null }, customFields: [{ key: 'a', value: null }] },
    whole,
  );
  expect(after).toMatchObject({
    name: 'Ana S.',
    email: null,
    birthDate: '1990-05-17',
    phone: '+5511987654321',
    address: { street: null, city: 'Santos' },
    customFields: [{ key: 'b', value: 1 }],
    createdAt: before?.['createdAt'],
  });
  expect(Date.parse(after['updatedAt'])).toBeGreaterThan(Date.parse(before?.['updatedAt']));
  expect(
    await mutate(shop, 'contactUpdate', { contactId, address: null, birthDate: null, name: ' ' }, whole),
  ).toMatchObject({
    name: null,
    birthDate: null,
    address: null,
  });
});

test('a repeated request acts once; a repeated refusal stays a refusal', async ({ shop }) => {
  const input = { name: 'Ana', phone: '+5511987654321', idempotencyKey: 'create-1' };
  const first = await mutate(shop, 'contactCreate', input, '... on Contact { id }');
  expect(await mutate(shop, 'contactCreate', input, '... on Contact { id }')).toEqual(first);
  const refused = { name: 'Bob', phone: '+551187654321', idempotencyKey: 'create-2' };
  const conflict = await mutate(shop, 'contactCreate', refused);
  expect(conflict).toMatchObject({ __typename: 'ConflictError', path: 'phone', conflictingId: first['id'] });
  await mutate(shop, 'contactDelete', { contactId: first['id'], idempotencyKey: 'delete-1' });
  expect(await mutate(shop, 'contactCreate', refused)).toEqual(conflict);
  expect(
    await mutate(
      shop,
      'contactDelete',
      { contactId: first['id'], idempotencyKey: 'delete-1' },
      '... on Deleted { id }',
    ),
  ).toEqual({
    __typename: 'Deleted',
    id: first['id'],
  });
  expect(await mutate(shop, 'contactDelete', { contactId: first['id'] })).toMatchObject({ code: 'NOT_FOUND' });
});

test('blocking hides nobody and can be taken back', async ({ shop }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  const blocked = await mutate(shop, 'contactBlock', { contactId }, whole);
  expect(blocked).toMatchObject({ blocked: true, blockedAt: expect.any(String) });
  expect(await mutate(shop, 'contactBlock', { contactId }, whole)).toEqual(blocked); // since when stays
  expect(await mutate(shop, 'contactUnblock', { contactId }, whole)).toMatchObject({ blocked: false, blockedAt: null });
});

test('a seller works with contacts, and deletes none; nobody works with them unasked', async ({ shop, db, api }) => {
  await inScope(db, shop, (tx) =>
    tx.membership.updateMany({ where: { tenantId: shop.tenantId }, data: { role: 'SELLER' } }),
  );
  const contactId = await newContact(shop, { name: 'Ana' });
  const remove = 'mutation ($id: ID!) { contactDelete(input: { contactId: $id }) { __typename } }';
  expect(await refusalOf(shop, remove, { id: contactId })).toBe('FORBIDDEN');
  expect(await refusalOf(shop, 'mutation { customFieldCreate(input: { key: "a", type: TEXT }) { __typename } }')).toBe(
    'FORBIDDEN',
  );
  expect(await refusalOf(api, remove, { id: contactId })).toBe('UNAUTHENTICATED');
  expect(await refusalOf(api, 'mutation { contactCreate(input: { name: "A" }) { __typename } }')).toBe(
    'UNAUTHENTICATED',
  );
  expect(await refusalOf(api, '{ tags { nodes { id } } }')).toBe('UNAUTHENTICATED');
  expect(await readContact(shop, contactId)).toMatchObject({ name: 'Ana' });
});

test('no line of the log and no error holds a name, a phone or an address', async ({ shop, api }) => {
  const person = { name: 'Zuleika', phone: '+5511955554444', email: 'zuleika@example.com' };
  const contactId = await newContact(shop, person);
  const conflict = await mutate(shop, 'contactCreate', person);
  const invalid = await mutate(shop, 'contactUpdate', {
    contactId,
    name: 'Zuleika'.repeat(30),
    phone: '+55119',
    email: 'zuleika@',
  });
  for (const text of [...api.logLines, JSON.stringify([conflict, invalid])]) {
    expect(text).not.toMatch(/zuleika|55554444/i);
  }
});

test('the database folds names as we do', async ({ shop, db }) => {
  const names = ['Ágata ÇELİK', 'İpek Işık', 'ŞÜKRÜ', 'Jose\u0301', 'ﬁt', 'ＡＢＣ', '张伟', 'Ǆ', 'ẞtraße'];
  for (const name of names) await newContact(shop, { name });
  const rows = await inTenant(db, shop.tenantId, (tx) =>
    tx.contact.findMany({ select: { name: true, nameKey: true } }),
  );
  expect(rows.map(({ nameKey }) => nameKey).sort()).toEqual(rows.map(({ name }) => foldText(name ?? '')).sort());
});
