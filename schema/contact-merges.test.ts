import { inTenant } from '../prisma/client.ts';
import { mutate, newContact, newTag, readContact, tally, wholeContact } from '../test/ask.ts';
import { describe, expect, type Person, test } from '../test/fixtures.ts';

const whole = `... on Contact { ${wholeContact} }`;
const merge = (shop: Person, sourceId: string, targetId: string) =>
  mutate(shop, 'contactMerge', { sourceId, targetId }, whole);
const unmerge = (shop: Person, contactId: string) => mutate(shop, 'contactUnmerge', { contactId }, whole);
const addNote = (shop: Person, contactId: string, body: string) =>
  mutate(shop, 'contactNoteCreate', { contactId, body });
const setConsent = (shop: Person, contactId: string, granted: boolean, consent: object = {}) =>
  mutate(shop, 'contactConsentSet', {
    contactId,
    purpose: 'MARKETING',
    channel: 'WHATSAPP',
    granted,
    source: 'PERSON',
    ...consent,
  });

type Contact = NonNullable<Awaited<ReturnType<typeof readContact>>>;

type Row = Record<'name' | 'value' | 'body' | 'key', string>;
const sorted = (rows: Row[], textOf: (row: Row) => string) => rows.map(textOf).sort();

/** What a merge may move or fill, without times and without the order in which it came. */
function holdings(contact: Contact | null) {
  if (!contact) return null;
  const {
    identities,
    tags,
    notes,
    customFields,
    consents,
    name,
    email,
    birthDate,
    language,
    address,
    externalId,
    blocked,
  } = contact;
  return {
    name,
    email,
    birthDate,
    language,
    address,
    externalId,
    blocked,
    identities: sorted(identities, ({ value }) => value),
    tags: sorted(tags, ({ name }) => name),
    notes: sorted(notes.nodes, ({ body }) => body),
    customFields: sorted(customFields, ({ key, value }) => `${key}=${value}`),
    consents: consents.map(
      ({ purpose, channel, granted }: Record<string, unknown>) =>
        `${String(purpose)} ${String(channel)} ${String(granted)}`,
    ),
  };
}

/** Two contacts with everything that a merge is about. */
async function makePair(shop: Person) {
  await mutate(shop, 'customFieldCreate', { key: 'size', type: 'TEXT' });
  await mutate(shop, 'customFieldCreate', { key: 'points', type: 'NUMBER' });
  const [vip, lead, old] = [await newTag(shop, 'VIP'), await newTag(shop, 'Lead'), await newTag(shop, 'Old')];
  const source = await newContact(shop, {
    name: 'Ana Silva',
    email: 'ana@example.com',
    phone: '+5511911111111',
    externalId: 'S',
    birthDate: '1990-05-17',
    address: { street: 'Rua 1', city: 'Santos' },
    identities: [{ kind: 'USERNAME', value: 'ana' }],
    customFields: [
      { key: 'size', value: 'M' },
      { key: 'points', value: 5 },
    ],
    tagIds: [vip, lead],
  });
  const target = await newContact(shop, {
    name: 'Ana',
    phone: '+5511922222222',
    externalId: 'T',
    address: { country: 'BR' },
    customFields: [{ key: 'points', value: 7 }],
    tagIds: [lead, old],
  });
  await addNote(shop, source, 'source note');
  await addNote(shop, target, 'target note');
  return { source, target };
}

test('a merge gives the target everything, and hides the source', async ({ shop }) => {
  const { source, target } = await makePair(shop);
  const merged = await merge(shop, source, target);
  expect(holdings(merged)).toEqual({
    name: 'Ana',
    email: 'ana@example.com',
    birthDate: '1990-05-17',
    language: null,
    address: { street: null, city: null, region: null, postalCode: null, country: 'BR' }, // half of two addresses is none
    externalId: 'T',
    blocked: false,
    identities: ['+5511911111111', '+5511922222222', 'ana'],
    tags: ['Lead', 'Old', 'VIP'],
    notes: ['source note', 'target note'],
    customFields: ['points=7', 'size=M'],
    consents: [],
  });
  expect(merged).toMatchObject({
    id: target,
    phone: '+5511922222222',
    merged: [{ contactId: source, name: 'Ana Silva' }],
  });
  expect(await readContact(shop, source)).toBeNull();
  expect((await shop.graphql('{ contacts { nodes { id } } }')).data['contacts'].nodes).toEqual([{ id: target }]);
  expect(await mutate(shop, 'contactUpdate', { contactId: source, name: 'X' })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await mutate(shop, 'contactTagsSet', { contactId: source, tagIds: [] })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await mutate(shop, 'contactUpsert', { externalId: 'S', language: 'pt' }, whole)).toMatchObject({
    id: target,
    externalId: 'T',
    language: 'pt',
  });
  expect(await mutate(shop, 'contactCreate', { name: 'X', externalId: 'S' })).toMatchObject({
    path: 'externalId',
    conflictingId: target,
  });
  expect(await mutate(shop, 'contactCreate', { phone: '+5511911111111' })).toMatchObject({
    path: 'phone',
    conflictingId: target,
  });
});

test('an unmerge restores both exactly', async ({ shop }) => {
  const { source, target } = await makePair(shop);
  const before = [holdings(await readContact(shop, source)), holdings(await readContact(shop, target))];
  await merge(shop, source, target);
  const restored = await unmerge(shop, source);
  expect(restored).toMatchObject({ id: source, phone: '+5511911111111' });
  expect([holdings(await readContact(shop, source)), holdings(await readContact(shop, target))]).toEqual(before);
  expect(await readContact(shop, target)).toMatchObject({ merged: [], phone: '+5511922222222' });
  await merge(shop, target, source); // and the other way round, once more
  await unmerge(shop, target);
  expect([holdings(await readContact(shop, source)), holdings(await readContact(shop, target))]).toEqual(before);
});

test('what was changed in the target since the merge stays with the target', async ({ shop }) => {
  const { source, target } = await makePair(shop);
  await merge(shop, source, target);
  const extra = await newTag(shop, 'Extra');
  await mutate(shop, 'contactUpdate', {
    contactId: target,
    email: 'new@example.com',
    birthDate: '1991-01-01',
    language: 'tr',
    customFields: [{ key: 'size', value: 'L' }],
    identities: [
      { kind: 'PHONE', value: '+5511911111111' },
      { kind: 'USERNAME', value: 'ana' },
      { kind: 'SHOPEE_BUYER', value: '9' },
    ],
  });
  await mutate(shop, 'contactTagsAdd', { contactId: target, tagIds: [extra] });
  await addNote(shop, target, 'new note');
  await unmerge(shop, source);
  expect(holdings(await readContact(shop, target))).toMatchObject({
    email: 'new@example.com',
    birthDate: '1991-01-01',
    language: 'tr',
    customFields: ['points=7', 'size=L'],
    identities: ['9'],
    tags: ['Extra', 'Lead', 'Old'],
    notes: ['new note', 'target note'],
  });
  expect(holdings(await readContact(shop, source))).toMatchObject({
    identities: ['+5511911111111', 'ana'],
    tags: ['Lead', 'VIP'],
    notes: ['source note'],
  });
});

test('A into B, B into C: unmerging B brings back what B and A had, and then A what A had', async ({ shop }) => {
  const tagIds = [await newTag(shop, 'a'), await newTag(shop, 'b'), await newTag(shop, 'c')];
  const make = (name: string, index: number) =>
    newContact(shop, { name, phone: `+551191111111${index}`, externalId: name, tagIds: tagIds.slice(0, index + 1) });
  const [a, b, c] = [await make('A', 0), await make('B', 1), await make('C', 2)];
  for (const [id, text] of [
    [a, 'on A'],
    [b, 'on B'],
    [c, 'on C'],
  ] as const)
    await addNote(shop, id, text);
  await mutate(shop, 'contactUpdate', { contactId: a, email: 'a@example.com', language: 'pt' });
  await mutate(shop, 'contactUpdate', { contactId: b, language: 'tr' });
  const read = async () => [
    holdings(await readContact(shop, a)),
    holdings(await readContact(shop, b)),
    holdings(await readContact(shop, c)),
  ];
  const before = await read();
  await merge(shop, a, b);
  const withA = holdings(await readContact(shop, b));
  await merge(shop, b, c);
  expect(holdings(await readContact(shop, c))).toMatchObject({
    email: 'a@example.com',
    language: 'tr',
    tags: ['a', 'b', 'c'],
    notes: ['on A', 'on B', 'on C'],
  });
  expect(await mutate(shop, 'contactUpsert', { externalId: 'A' }, '... on Contact { id }')).toMatchObject({ id: c });

  expect(await unmerge(shop, a)).toMatchObject({ __typename: 'ConflictError', conflictingId: b }); // B first
  expect(holdings(await unmerge(shop, b))).toEqual(withA);
  expect(holdings(await readContact(shop, c))).toEqual(before[2]);
  await unmerge(shop, a);
  expect(await read()).toEqual(before);
});

test('of two merged into one, taking one out lets the other speak for itself', async ({ shop }) => {
  const vip = await newTag(shop, 'VIP');
  const one = await newContact(shop, { name: 'One', language: 'pt', tagIds: [vip] });
  const two = await newContact(shop, { name: 'Two', language: 'tr', email: 'two@example.com', tagIds: [vip] });
  const target = await newContact(shop, { phone: '+5511922222222' });
  await setConsent(shop, target, true);
  await setConsent(shop, one, false);
  await setConsent(shop, two, false);
  await merge(shop, one, target);
  await merge(shop, two, target);
  await unmerge(shop, one);
  expect(holdings(await readContact(shop, target))).toMatchObject({
    name: 'Two',
    language: 'tr',
    email: 'two@example.com',
    tags: ['VIP'],
    consents: ['MARKETING WHATSAPP false'],
  });
  await unmerge(shop, two);
  expect(holdings(await readContact(shop, target))).toMatchObject({
    name: null,
    language: null,
    email: null,
    tags: [],
    consents: ['MARKETING WHATSAPP true'],
  });
  expect(holdings(await readContact(shop, two))).toMatchObject({ name: 'Two', tags: ['VIP'] });
});

describe('the stricter consent wins', () => {
  test.for<[source: boolean | null, target: boolean | null, merged: boolean | null]>([
    [false, true, false],
    [true, false, false],
    [false, null, false],
    [true, null, true],
    [null, true, true],
    [true, true, true],
    [false, false, false],
    [null, null, null],
  ])(
    'source %s and target %s make %s, and an unmerge takes it back',
    async ([ofSource, ofTarget, expected], { shop }) => {
      const [source, target] = [await newContact(shop, { name: 'S' }), await newContact(shop, { name: 'T' })];
      if (ofSource !== null) await setConsent(shop, source, ofSource, { proof: 'of the source' });
      if (ofTarget !== null) await setConsent(shop, target, ofTarget, { proof: 'of the target' });
      const before = [await readContact(shop, source), await readContact(shop, target)];
      const merged = await merge(shop, source, target);
      expect(merged['consents'].map(({ granted }: { granted: boolean }) => granted)).toEqual(
        expected === null ? [] : [expected],
      );
      if (expected !== ofTarget) {
        expect(merged['consentHistory'].nodes[0]).toMatchObject({
          source: 'MERGE',
          granted: expected,
          proof: 'of the source',
        });
      }
      await unmerge(shop, source);
      const after = [await readContact(shop, source), await readContact(shop, target)];
      expect(after.map((contact) => contact?.['consents'])).toEqual(before.map((contact) => contact?.['consents']));
      const said = after[1]?.['consentHistory'].nodes[0];
      expect(said?.granted ?? false).toBe(ofTarget ?? false); // the ledger's newest entry says the same
    },
  );

  test('what the person said after the merge stays', async ({ shop }) => {
    const [source, target] = [await newContact(shop, { name: 'S' }), await newContact(shop, { name: 'T' })];
    await setConsent(shop, source, false);
    await setConsent(shop, target, true);
    await merge(shop, source, target);
    expect(await setConsent(shop, target, true, { source: 'API' })).toMatchObject({
      __typename: 'ConsentWithdrawnError',
    });
    expect(await setConsent(shop, target, true)).toMatchObject({ __typename: 'Contact' });
    const before = await readContact(shop, target);
    await unmerge(shop, source);
    expect(await readContact(shop, target)).toMatchObject({
      consents: before?.['consents'],
      consentHistory: before?.['consentHistory'],
    });
  });
});

test('a block of either holds', async ({ shop }) => {
  const [source, target] = [await newContact(shop, { name: 'S' }), await newContact(shop, { name: 'T' })];
  await mutate(shop, 'contactBlock', { contactId: source });
  expect(await merge(shop, source, target)).toMatchObject({ blocked: true });
  await unmerge(shop, source);
  expect(await readContact(shop, target)).toMatchObject({ blocked: false });
  expect(await readContact(shop, source)).toMatchObject({ blocked: true });
});

test('what cannot be merged or unmerged is refused clearly', async ({ shop }) => {
  const [a, b, c] = [
    await newContact(shop, { name: 'A' }),
    await newContact(shop, { name: 'B' }),
    await newContact(shop, { name: 'C' }),
  ];
  expect(await merge(shop, a, a)).toMatchObject({ __typename: 'InvalidInputError', fields: [{ path: 'sourceId' }] });
  expect(await unmerge(shop, a)).toMatchObject({ __typename: 'ConflictError', path: 'contactId' });
  await merge(shop, a, b);
  expect(await merge(shop, a, b)).toMatchObject({ __typename: 'ConflictError', path: 'sourceId', conflictingId: b });
  expect(await merge(shop, a, c)).toMatchObject({ __typename: 'ConflictError', path: 'sourceId', conflictingId: b });
  expect(await merge(shop, c, a)).toMatchObject({ __typename: 'ConflictError', path: 'targetId', conflictingId: b });
  expect(await merge(shop, b, a)).toMatchObject({ __typename: 'ConflictError', path: 'targetId', conflictingId: b });
  await mutate(shop, 'contactDelete', { contactId: c });
  expect(await merge(shop, b, c)).toMatchObject({ code: 'NOT_FOUND' });
  expect(await readContact(shop, b)).toMatchObject({ name: 'B', merged: [{ contactId: a }] });
});

test('merges in both directions at the same moment: one happens, nobody is lost', async ({ shop, db }) => {
  for (let round = 0; round < 5; round += 1) {
    const [a, b] = [await newContact(shop, { name: 'A' }), await newContact(shop, { name: 'B' })];
    const answers = await Promise.all([merge(shop, a, b), merge(shop, b, a), merge(shop, a, b), merge(shop, b, a)]);
    expect(tally(answers)).toEqual({ Contact: 1, ConflictError: 3 });
  }
  const visible = await inTenant(db, shop.tenantId, (tx) => tx.contact.count({ where: { mergedIntoId: null } }));
  expect(visible).toBe(5);
});

test('a repeated request merges and unmerges once', async ({ shop }) => {
  const [source, target] = [await newContact(shop, { name: 'S' }), await newContact(shop, { name: 'T' })];
  const merging = { sourceId: source, targetId: target, idempotencyKey: 'm' };
  expect(await mutate(shop, 'contactMerge', merging, '... on Contact { id }')).toMatchObject({ id: target });
  expect(await mutate(shop, 'contactMerge', merging, '... on Contact { id }')).toMatchObject({ id: target });
  const unmerging = { contactId: source, idempotencyKey: 'u' };
  expect(await mutate(shop, 'contactUnmerge', unmerging, '... on Contact { id }')).toMatchObject({ id: source });
  expect(await mutate(shop, 'contactUnmerge', unmerging, '... on Contact { id }')).toMatchObject({ id: source });
});
