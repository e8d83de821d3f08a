import { mutate, newContact, newTag, readContact, tally, wholeContact } from '../test/ask.ts';
import { describe, expect, test } from '../test/fixtures.ts';

const whole = `... on Contact { ${wholeContact} }`;

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
