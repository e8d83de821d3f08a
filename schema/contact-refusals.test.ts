import { mutate, newContact, newTag, readContact, refusalOf, wholeContact } from '../test/ask.ts';
import { describe, expect, globalId, test } from '../test/fixtures.ts';

const whole = `... on Contact { ${wholeContact} }`;
const nobody = '00000000-0000-7000-8000-000000000000';

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

  test('a value of another type is refused before anything is done', async ({ shop }) => {
    const create = `mutation ($input: ContactCreateInput!) { contactCreate(input: $input) { __typename } }`;
    for (const input of [
      { name: 5 },
      { name: ['Ana'] },
      { name: 'Ana', birthDate: '17/05/1990' },
      { name: 'Ana', birthDate: '1990-02-30' },
      { name: 'Ana', identities: [{ kind: 'PIGEON', value: '1' }] },
      { name: 'Ana', identities: 'x' },
      { name: 'Ana', unknown: true },
      { name: 'Ana', tenantId: 'x' },
      'Ana',
      null,
    ]) {
      expect(await refusalOf(shop, create, { input }), JSON.stringify(input)).toBe('BAD_USER_INPUT');
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
