import { inScope, inTenant } from '../prisma/client.ts';
import { mutate, newContact, newTag, readContact, refusalOf, tally, wholeContact } from '../test/ask.ts';
import { describe, expect, globalId, test } from '../test/fixtures.ts';

const whole = `... on Contact { ${wholeContact} }`;
const nobody = '00000000-0000-7000-8000-000000000000';

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

describe('phones and other identities', () => {
  const kinds = (contact: Record<string, unknown>) =>
    (contact['identities'] as { kind: string; value: string }[]).map(({ value }) => value);

  test('phone is the first phone, and the others stay beside it', async ({ shop }) => {
    const contactId = await newContact(shop, {
      phone: '+5511911111111',
      identities: [
        { kind: 'PHONE', value: '+5511922222222' },
        { kind: 'SHOPEE_BUYER', value: '77' },
      ],
    });
    const update = (input: object) => mutate(shop, 'contactUpdate', { contactId, ...input }, whole);
    const replaced = await update({ phone: '+5511933333333' });
    expect(replaced).toMatchObject({ phone: '+5511933333333' });
    expect(kinds(replaced).sort()).toEqual(['+5511922222222', '+5511933333333', '77']);
    const promoted = await update({ phone: '+5511922222222' });
    expect(promoted).toMatchObject({ phone: '+5511922222222' });
    expect(kinds(promoted).sort()).toEqual(['+5511922222222', '77']);
    const removed = await update({ phone: null });
    expect(removed).toMatchObject({ phone: null, identities: [{ kind: 'SHOPEE_BUYER' }] });
    expect(await update({ phone: '+5511944444444' })).toMatchObject({ phone: '+5511944444444' });
  });

  test('identities are all of them', async ({ shop }) => {
    const contactId = await newContact(shop, {
      phone: '+5511911111111',
      identities: [{ kind: 'SHOPEE_BUYER', value: '77' }],
    });
    const identities = [
      { kind: 'USERNAME', value: 'ana' },
      { kind: 'PHONE', value: '+5511922222222' },
    ];
    const update = (input: object) => mutate(shop, 'contactUpdate', { contactId, ...input }, whole);
    expect(kinds(await update({ identities }))).toEqual(['ana', '+5511922222222']);
    expect(await update({ identities: [] })).toMatchObject({ phone: null, identities: [] });
    expect(await update({ identities, phone: '+5511933333333' })).toMatchObject({ phone: '+5511933333333' });
  });

  test('the same phone in another spelling is the same identity, kept as last written', async ({ shop }) => {
    const contactId = await newContact(shop, { phone: '+551187654321' });
    const contact = await mutate(shop, 'contactUpdate', { contactId, phone: '+5511987654321' }, whole);
    expect(contact).toMatchObject({ phone: '+5511987654321', identities: [{ value: '+5511987654321' }] });
  });

  test('an identity of somebody else is a conflict that says whose, and nothing is changed', async ({ shop }) => {
    const ana = await newContact(shop, {
      name: 'Ana',
      phone: '+5511987654321',
      identities: [{ kind: 'USERNAME', value: 'ana' }],
    });
    const bob = await newContact(shop, { name: 'Bob', phone: '+5511922222222' });
    const conflict = { __typename: 'ConflictError', code: 'CONFLICT', conflictingId: ana };
    const created = await mutate(shop, 'contactCreate', { name: 'New', phone: '+55 11 8765-4321' });
    expect(created).toEqual({ ...conflict, path: 'phone', message: 'phone: It belongs to another contact.' });
    const updated = await mutate(shop, 'contactUpdate', {
      contactId: bob,
      name: 'Robert',
      identities: [
        { kind: 'SHOPEE_BUYER', value: '1' },
        { kind: 'USERNAME', value: '@ANA' },
      ],
    });
    expect(updated).toMatchObject({ ...conflict, path: 'identities.1.value' });
    expect(await readContact(shop, bob)).toMatchObject({ name: 'Bob', identities: [{ value: '+5511922222222' }] });
    expect((await shop.graphql('{ contacts { nodes { name } } }')).data['contacts'].nodes).toHaveLength(2);
  });

  test('of many who create one person at the same moment, in any spelling, exactly one wins', async ({ shop }) => {
    const spellings = ['+5511987654321', '+551187654321', '(11) 98765-4321', '11 8765-4321'];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        mutate(shop, 'contactCreate', { name: `C${index}`, phone: spellings[index % 4] }, '... on Contact { id }'),
      ),
    );
    const winners = answers.filter(({ __typename }) => __typename === 'Contact');
    expect(winners).toHaveLength(1);
    const losers = answers.filter((answer) => answer !== winners[0]);
    expect(losers.map(({ conflictingId }) => conflictingId)).toEqual(losers.map(() => winners[0]?.['id']));
  });
});

describe('external ids', () => {
  test('an upsert creates, and then changes', async ({ shop }) => {
    const tag = await newTag(shop, 'VIP');
    const upsert = (input: object) => mutate(shop, 'contactUpsert', { externalId: 'K1', ...input }, whole);
    const created = await upsert({ name: 'Ana', phone: '+5511987654321', tagIds: [tag] });
    expect(created).toMatchObject({ name: 'Ana', externalId: 'K1', tags: [{ name: 'VIP' }] });
    const changed = await upsert({
      email: 'ana@example.com',
      consents: [{ purpose: 'MARKETING', channel: 'EMAIL', granted: true, source: 'API' }],
    });
    expect(changed).toMatchObject({
      id: created['id'],
      name: 'Ana',
      email: 'ana@example.com',
      tags: [{ name: 'VIP' }],
      consents: [{ granted: true }],
    });
    expect(await upsert({ tagIds: [] })).toMatchObject({ id: created['id'], tags: [] });
  });

  test('twenty upserts of one id at the same moment make one contact', async ({ shop }) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        mutate(
          shop,
          'contactUpsert',
          { externalId: 'K1', name: `Name ${index}`, phone: '+5511987654321' },
          '... on Contact { id }',
        ),
      ),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers[0]?.['id']).toBeTruthy();
  });

  test('belong to one contact', async ({ shop }) => {
    const ana = await newContact(shop, { externalId: 'K1' });
    const bob = await newContact(shop, { name: 'Bob' });
    const conflict = { __typename: 'ConflictError', path: 'externalId', conflictingId: ana };
    expect(await mutate(shop, 'contactCreate', { externalId: ' K1 ' })).toMatchObject(conflict);
    expect(await mutate(shop, 'contactUpdate', { contactId: bob, externalId: 'K1' })).toMatchObject(conflict);
    expect(await mutate(shop, 'contactUpdate', { contactId: ana, externalId: 'K1' })).toMatchObject({
      __typename: 'Contact',
    });
    expect(await mutate(shop, 'contactUpdate', { contactId: bob, externalId: 'k1' })).toMatchObject({
      __typename: 'Contact',
    });
  });

  test('of two updates that take one id at the same moment, one is a conflict', async ({ shop }) => {
    const ids = await Promise.all(['A', 'B', 'C', 'D'].map((name) => newContact(shop, { name })));
    const answers = await Promise.all(
      ids.map((contactId) => mutate(shop, 'contactUpdate', { contactId, externalId: 'K1' })),
    );
    expect(tally(answers)).toEqual({ Contact: 1, ConflictError: 3 });
  });
});

describe('what is wrong is said at once, and nothing is stored', () => {
  test.for<[string, Record<string, unknown>, string[]]>([
    ['nobody', {}, ['name']],
    ['blanks', { name: ' ', phone: '  ', email: '' }, ['name']],
    [
      'everything',
      {
        name: 'x'.repeat(201),
        email: 'ana',
        phone: '12',
        language: 'Portuguese',
        birthDate: '2999-01-01',
        address: { country: 'Brazil', city: 'x'.repeat(201) },
        identities: [
          { kind: 'SHOPEE_BUYER', value: 'a b' },
          { kind: 'PHONE', value: 'x' },
        ],
        customFields: [{ key: 'none', value: 1 }],
      },
      [
        'name',
        'email',
        'language',
        'address.city',
        'address.country',
        'birthDate',
        'phone',
        'identities.0.value',
        'identities.1.value',
        'customFields.0.key',
      ],
    ],
    [
      'too many identities',
      { identities: Array.from({ length: 51 }, (_, index) => ({ kind: 'SHOPEE_BUYER', value: `${index}` })) },
      ['identities'],
    ],
    [
      'consents that are ours to write',
      { name: 'A', consents: [{ purpose: 'SERVICE', channel: 'SMS', granted: true, source: 'MERGE' }] },
      ['consents.0.source'],
    ],
    [
      'a consent of tomorrow',
      {
        name: 'A',
        consents: [
          { purpose: 'SERVICE', channel: 'SMS', granted: true, source: 'PERSON', givenAt: '2999-01-01T00:00:00Z' },
        ],
      },
      ['consents.0.givenAt'],
    ],
  ])('%s', async ([, input, paths], { shop }) => {
    const answer = await mutate(shop, 'contactCreate', input);
    expect(answer).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' });
    expect(answer['fields'].map(({ path }: { path: string }) => path)).toEqual(paths);
    expect((await shop.graphql('{ contacts { nodes { id } } }')).data['contacts'].nodes).toEqual([]);
  });

  test('text that no database can hold is refused wherever it stands', async ({ shop }) => {
    const create = `mutation ($input: ContactCreateInput!) { contactCreate(input: $input) { __typename } }`;
    for (const input of [
      { name: 'a\0b' },
      { name: 'a', externalId: 'a\0' },
      { name: '\ud800' },
      { name: 'a', customFields: [{ key: 'a\0', value: 'x' }] },
      { name: 'a', customFields: [{ key: 'a', value: { deep: ['\0'] } }] },
    ]) {
      expect(await refusalOf(shop, create, { input })).toBe('BAD_USER_INPUT');
    }
    expect((await shop.graphql('{ contacts { nodes { id } } }')).data['contacts'].nodes).toEqual([]);
  });

  test('an update that is refused leaves everything as it was', async ({ shop }) => {
    const contactId = await newContact(shop, { name: 'Ana', phone: '+5511987654321' });
    const before = await readContact(shop, contactId);
    expect(await mutate(shop, 'contactUpdate', { contactId, name: 'Bob', email: 'nope' })).toMatchObject({
      fields: [{ path: 'email' }],
    });
    expect(await readContact(shop, contactId)).toEqual(before);
  });

  test('values of custom fields have their field’s type', async ({ shop }) => {
    for (const type of ['TEXT', 'NUMBER', 'BOOLEAN', 'DATE'])
      await mutate(shop, 'customFieldCreate', { key: `my${type}`, type });
    const values = { myTEXT: 5, myNUMBER: '5', myBOOLEAN: 'yes', myDATE: '17/05/1990' };
    const customFields = Object.entries(values).map(([key, value]) => ({ key, value }));
    const answer = await mutate(shop, 'contactCreate', { name: 'Ana', customFields });
    expect(answer['fields'].map(({ path }: { path: string }) => path)).toEqual(
      [0, 1, 2, 3].map((index) => `customFields.${index}.value`),
    );
    const right = { myTEXT: 'five', myNUMBER: -5.25, myBOOLEAN: false, myDATE: '1990-05-17' };
    const contact = await mutate(
      shop,
      'contactCreate',
      { name: 'Ana', customFields: Object.entries(right).map(([key, value]) => ({ key, value })) },
      whole,
    );
    expect(
      Object.fromEntries(
        contact['customFields'].map(({ key, value }: { key: string; value: unknown }) => [key, value]),
      ),
    ).toEqual(right);
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

test('somebody else’s contact and tags are as good as none, for every operation', async ({ signUp }) => {
  const [mine, theirs] = [await signUp('Mine'), await signUp('Theirs')];
  const tagIds = [await newTag(theirs, 'Secret')];
  const contactId = await newContact(theirs, { name: 'Secret', phone: '+5511987654321', externalId: 'K1', tagIds });
  const field = await mutate(theirs, 'customFieldCreate', { key: 'secret', type: 'TEXT' }, '... on CustomField { id }');
  const note = await mutate(theirs, 'contactNoteCreate', { contactId, body: 'secret' }, '... on ContactNote { id }');
  const own = await newContact(mine, { name: 'Own' });
  const before = await readContact(theirs, contactId);

  const consent = { purpose: 'MARKETING', channel: 'SMS', granted: false, source: 'PERSON' };
  const attempts: [
    string,
    (id: { contact: string; tag: string; field: string; note: string }) => Record<string, unknown>,
  ][] = [
    ['contactUpdate', ({ contact }) => ({ contactId: contact, name: 'Mine now' })],
    ['contactDelete', ({ contact }) => ({ contactId: contact })],
    ['contactBlock', ({ contact }) => ({ contactId: contact })],
    ['contactUnblock', ({ contact }) => ({ contactId: contact })],
    ['contactMerge', ({ contact }) => ({ sourceId: contact, targetId: own })],
    ['contactMerge', ({ contact }) => ({ sourceId: own, targetId: contact })],
    ['contactUnmerge', ({ contact }) => ({ contactId: contact })],
    ['contactTagsSet', ({ contact }) => ({ contactId: contact, tagIds: [] })],
    ['contactTagsSet', ({ tag }) => ({ contactId: own, tagIds: [tag] })],
    ['contactTagsAdd', ({ tag }) => ({ contactId: own, tagIds: [tag] })],
    ['contactTagsRemove', ({ tag }) => ({ contactId: own, tagIds: [tag] })],
    ['contactCreate', ({ tag }) => ({ name: 'New', tagIds: [tag] })],
    ['contactUpsert', ({ tag }) => ({ externalId: 'K2', tagIds: [tag] })],
    ['contactConsentSet', ({ contact }) => ({ contactId: contact, ...consent })],
    ['contactNoteCreate', ({ contact }) => ({ contactId: contact, body: 'x' })],
    ['contactNoteUpdate', ({ note }) => ({ noteId: note, body: 'x' })],
    ['contactNoteDelete', ({ note }) => ({ noteId: note })],
    ['tagUpdate', ({ tag }) => ({ tagId: tag, name: 'Mine now' })],
    ['tagDelete', ({ tag }) => ({ tagId: tag })],
    ['customFieldUpdate', ({ field }) => ({ customFieldId: field, label: 'Mine now' })],
    ['customFieldDelete', ({ field }) => ({ customFieldId: field })],
  ];
  const foreign = { contact: contactId, tag: tagIds[0] ?? '', field: field['id'], note: note['id'] };
  const missing = {
    contact: globalId('Contact', nobody),
    tag: globalId('Tag', nobody),
    field: globalId('CustomField', nobody),
    note: globalId('ContactNote', nobody),
  };
  const garbage = { contact: 'Q29udGFjdDp4', tag: contactId, field: '', note: '%' };
  for (const [mutation, inputOf] of attempts) {
    const answers = [];
    for (const ids of [foreign, missing, garbage]) answers.push(await mutate(mine, mutation, inputOf(ids)));
    expect(answers[0], mutation).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' });
    expect(answers[1], mutation).toEqual(answers[0]); // a foreign id answers exactly like a missing one
    expect(answers[2], mutation).toMatchObject({ code: 'NOT_FOUND' });
  }
  for (const id of Object.values(foreign)) {
    expect((await mine.graphql('query ($id: ID!) { node(id: $id) { id } }', { id })).data['node']).toBeNull();
  }
  expect((await mine.graphql('{ tags { nodes { name } } customFields { key } }')).data).toEqual({
    tags: { nodes: [] },
    customFields: [],
  });
  expect(await readContact(theirs, contactId)).toEqual(before);
  expect(await readContact(mine, own)).toMatchObject({ name: 'Own', tags: [] });
  expect(
    await mutate(mine, 'contactCreate', { name: 'Same', phone: '+5511987654321', externalId: 'K1' }),
  ).toMatchObject({
    __typename: 'Contact', // the same person may be a contact of two shops
  });
  expect(
    await mutate(mine, 'contactCreate', { name: 'New', customFields: [{ key: 'secret', value: 'x' }] }),
  ).toMatchObject({
    fields: [{ path: 'customFields.0.key' }],
  });
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
  const { foldText } = await import('../domain/contacts/text.ts');
  const names = ['Ágata ÇELİK', 'İpek Işık', 'ŞÜKRÜ', 'Jose\u0301', 'ﬁt', 'ＡＢＣ', '张伟', 'Ǆ', 'ẞtraße'];
  for (const name of names) await newContact(shop, { name });
  const rows = await inTenant(db, shop.tenantId, (tx) =>
    tx.contact.findMany({ select: { name: true, nameKey: true } }),
  );
  expect(rows.map(({ nameKey }) => nameKey).sort()).toEqual(rows.map(({ name }) => foldText(name ?? '')).sort());
});
