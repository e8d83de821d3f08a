import { inScope } from '../prisma/client.ts';
import { mutate, newContact, readContact } from '../test/ask.ts';
import { expect, type Person, test } from '../test/fixtures.ts';

const parts = '... on ContactNote { id body authorName createdAt updatedAt contact { name } }';
const write = (shop: Person, contactId: string, body: string, more: object = {}) =>
  mutate(shop, 'contactNoteCreate', { contactId, body, ...more }, parts);

test('notes are written, changed and deleted', async ({ shop }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  const note = await write(shop, contactId, ' first line\r\nsecond line ');
  expect(note).toMatchObject({ body: 'first line\nsecond line', authorName: 'Olga Owner', contact: { name: 'Ana' } });
  const changed = await mutate(shop, 'contactNoteUpdate', { noteId: note['id'], body: 'new' }, parts);
  expect(changed).toMatchObject({ id: note['id'], body: 'new', createdAt: note['createdAt'] });
  expect(Date.parse(changed['updatedAt'])).toBeGreaterThan(Date.parse(note['updatedAt']));
  const read = await shop.graphql(`query ($id: ID!) { node(id: $id) { ${parts} } }`, { id: note['id'] });
  expect(read.data['node']).toEqual({ ...changed, __typename: undefined });
  expect(await mutate(shop, 'contactNoteDelete', { noteId: note['id'] }, '... on Deleted { id }')).toMatchObject({
    id: note['id'],
  });
  expect(await mutate(shop, 'contactNoteDelete', { noteId: note['id'] })).toMatchObject({ code: 'NOT_FOUND' });
  expect(await mutate(shop, 'contactNoteUpdate', { noteId: note['id'], body: 'x' })).toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(await readContact(shop, contactId)).toMatchObject({ notes: { nodes: [] } });
});

test('a note that is none is refused, and nothing is lost', async ({ shop }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  const note = await write(shop, contactId, 'kept');
  for (const body of ['', ' \n ', 'x'.repeat(10_001)]) {
    const invalid = { __typename: 'InvalidInputError', fields: [{ path: 'body' }] };
    expect(await write(shop, contactId, body)).toMatchObject(invalid);
    expect(await mutate(shop, 'contactNoteUpdate', { noteId: note['id'], body })).toMatchObject(invalid);
  }
  expect(await readContact(shop, contactId)).toMatchObject({ notes: { nodes: [{ body: 'kept' }] } });
});

test('a repeated request writes one note', async ({ shop }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  expect(await write(shop, contactId, 'once', { idempotencyKey: 'k' })).toEqual(
    await write(shop, contactId, 'once', { idempotencyKey: 'k' }),
  );
  expect((await readContact(shop, contactId))?.['notes'].nodes).toHaveLength(1);
});

test('nobody puts other words into a colleague’s note; only managers delete it', async ({ shop, db }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  const note = await write(shop, contactId, 'mine');
  const become = (role: string, authorId?: string) =>
    inScope(db, shop, async (tx) => {
      await tx.membership.updateMany({ where: { tenantId: shop.tenantId }, data: { role } });
      if (authorId) await tx.contactNote.updateMany({ data: { authorId } });
    });
  await become('SELLER', '00000000-0000-7000-8000-000000000001'); // a colleague's from here on
  const forbidden = { __typename: 'ForbiddenError', code: 'FORBIDDEN' };
  expect(await mutate(shop, 'contactNoteUpdate', { noteId: note['id'], body: 'theirs' })).toMatchObject(forbidden);
  expect(await mutate(shop, 'contactNoteDelete', { noteId: note['id'] })).toMatchObject(forbidden);
  await become('ADMIN');
  expect(await mutate(shop, 'contactNoteUpdate', { noteId: note['id'], body: 'theirs' })).toMatchObject(forbidden);
  expect(await readContact(shop, contactId)).toMatchObject({ notes: { nodes: [{ body: 'mine' }] } });
  expect(await mutate(shop, 'contactNoteDelete', { noteId: note['id'] })).toMatchObject({ __typename: 'Deleted' });
});
