import { inTenant } from '../prisma/client.ts';
import { mutate, newContact, newTag, readContact, tally } from '../test/ask.ts';
import { expect, type Person, test } from '../test/fixtures.ts';

const contactParts = '... on Contact { updatedAt tags { name } }';
const change = (shop: Person, how: 'Set' | 'Add' | 'Remove', contactId: string, tagIds: string[], more: object = {}) =>
  mutate(shop, `contactTags${how}`, { contactId, tagIds, ...more }, contactParts);
const names = (contact: { tags: { name: string }[] }) => contact.tags.map(({ name }) => name);

test('tags are created, renamed and deleted, on every contact that has them', async ({ shop }) => {
  const vip = await newTag(shop, ' VIP ');
  const contactId = await newContact(shop, { name: 'Ana', tagIds: [vip] });
  expect(await mutate(shop, 'tagUpdate', { tagId: vip, name: 'Gold' }, '... on Tag { id name }')).toMatchObject({
    id: vip,
    name: 'Gold',
  });
  expect(await mutate(shop, 'tagUpdate', { tagId: vip, name: 'GOLD' }, '... on Tag { name }')).toMatchObject({
    name: 'GOLD',
  });
  expect(await readContact(shop, contactId)).toMatchObject({ tags: [{ id: vip, name: 'GOLD' }] });
  expect(await mutate(shop, 'tagDelete', { tagId: vip }, '... on Deleted { id }')).toMatchObject({ id: vip });
  expect(await readContact(shop, contactId)).toMatchObject({ tags: [] });
  expect(await mutate(shop, 'tagDelete', { tagId: vip })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await mutate(shop, 'tagUpdate', { tagId: vip, name: 'x' })).toMatchObject({ code: 'NOT_FOUND' });
});

test('a name is one tag, whatever its case and however many ask at the same moment', async ({ shop }) => {
  const answers = await Promise.all(
    ['VIP', 'vip', 'Vip', ' viP', 'vIp'].map((name) => mutate(shop, 'tagCreate', { name }, '... on Tag { id }')),
  );
  expect(tally(answers)).toEqual({ Tag: 1, ConflictError: 4 });
  const vip = answers.find(({ __typename }) => __typename === 'Tag')?.['id'];
  expect(answers.filter(({ conflictingId }) => conflictingId === vip)).toHaveLength(4);
  const other = await newTag(shop, 'Other');
  expect(await mutate(shop, 'tagUpdate', { tagId: other, name: 'vip' })).toMatchObject({
    path: 'name',
    conflictingId: vip,
  });
  const [a, b] = [await newTag(shop, 'A'), await newTag(shop, 'B')];
  const renamed = await Promise.all([a, b].map((tagId) => mutate(shop, 'tagUpdate', { tagId, name: 'Same' })));
  expect(tally(renamed)).toEqual({ Tag: 1, ConflictError: 1 });
});

test('a name that is none is refused', async ({ shop }) => {
  const tagId = await newTag(shop, 'VIP');
  for (const name of ['', ' \t', 'x'.repeat(101)]) {
    expect(await mutate(shop, 'tagCreate', { name })).toMatchObject({
      __typename: 'InvalidInputError',
      fields: [{ path: 'name' }],
    });
    expect(await mutate(shop, 'tagUpdate', { tagId, name })).toMatchObject({
      __typename: 'InvalidInputError',
      fields: [{ path: 'name' }],
    });
  }
  expect((await shop.graphql('{ tags { totalCount nodes { name } } }')).data['tags']).toEqual({
    totalCount: 1,
    nodes: [{ name: 'VIP' }],
  });
});

test('a contact’s tags are set, added and removed; doing it again changes nothing', async ({ shop }) => {
  const [a, b, c] = [await newTag(shop, 'A'), await newTag(shop, 'B'), await newTag(shop, 'C')];
  const contactId = await newContact(shop, { name: 'Ana' });
  expect(names((await change(shop, 'Set', contactId, [b, a, b])) as never)).toEqual(['A', 'B']);
  const added = await change(shop, 'Add', contactId, [b, c]);
  expect(names(added as never)).toEqual(['A', 'B', 'C']);
  expect(await change(shop, 'Add', contactId, [b, c])).toEqual(added); // updatedAt too
  const removed = await change(shop, 'Remove', contactId, [a]);
  expect(names(removed as never)).toEqual(['B', 'C']);
  expect(Date.parse(removed['updatedAt'])).toBeGreaterThan(Date.parse(added['updatedAt']));
  expect(await change(shop, 'Remove', contactId, [a])).toEqual(removed);
  expect(names((await change(shop, 'Set', contactId, [])) as never)).toEqual([]);
  await change(shop, 'Add', contactId, [a], { idempotencyKey: 'k' });
  await change(shop, 'Set', contactId, []);
  expect(names((await change(shop, 'Add', contactId, [a], { idempotencyKey: 'k' })) as never)).toEqual([]); // it acted once
});

test('a contact has at most a hundred tags, and a refused change leaves them alone', async ({ shop, db }) => {
  const { tenantId } = shop;
  const data = Array.from({ length: 101 }, (_, index) => ({ tenantId, name: `T${index}`, nameKey: `t${index}` }));
  await inTenant(db, tenantId, (tx) => tx.tag.createMany({ data }));
  const ids: string[] = [];
  for (const page of ['tags(first: 100)', 'tags(last: 1)']) {
    const answer = await shop.graphql(`{ ${page} { nodes { id } } }`);
    ids.push(...answer.data['tags'].nodes.map(({ id }: { id: string }) => id));
  }
  const contactId = await newContact(shop, { name: 'Ana' });
  const invalid = { __typename: 'InvalidInputError', fields: [{ path: 'tagIds' }] };
  expect(await change(shop, 'Set', contactId, ids)).toMatchObject(invalid);
  await change(shop, 'Set', contactId, ids.slice(0, 100));
  expect(await change(shop, 'Add', contactId, ids.slice(100))).toMatchObject(invalid);
  expect((await readContact(shop, contactId))?.['tags']).toHaveLength(100);
});

test('a tag that is deleted while contacts get it is on none', async ({ shop, db }) => {
  for (let round = 0; round < 5; round += 1) {
    const tagId = await newTag(shop, 'VIP');
    const ids = await Promise.all(['A', 'B', 'C'].map((name) => newContact(shop, { name })));
    const [deleted, ...tagged] = await Promise.all([
      mutate(shop, 'tagDelete', { tagId }),
      ...ids.map((contactId) => change(shop, 'Add', contactId, [tagId])),
    ]);
    expect(deleted).toMatchObject({ __typename: 'Deleted' });
    expect(tagged.every(({ __typename }) => __typename === 'Contact' || __typename === 'NotFoundError')).toBe(true);
  }
  expect(await inTenant(db, shop.tenantId, (tx) => tx.contactTag.count())).toBe(0);
});
