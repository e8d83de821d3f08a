import { inTenant } from '../prisma/client.ts';
import { mutate, newContact, newTag } from '../test/ask.ts';
import { selectsOf } from '../test/statements.ts';
import { describe, expect, type Person, rawId, test } from '../test/fixtures.ts';

type Connection = {
  edges: { cursor: string; node: { id: string; name?: string; body?: string } }[];
  nodes: { id: string }[];
  pageInfo: { startCursor: string | null; endCursor: string | null; hasNextPage: boolean; hasPreviousPage: boolean };
};

const pageParts =
  'edges { cursor node { id name } } nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }';

async function tagsPage(shop: Person, args: string): Promise<Connection> {
  const answer = await shop.graphql(`{ tags${args} { ${pageParts} } }`);
  expect(answer.errors).toBeUndefined();
  return answer.data['tags'];
}

async function notesPage(shop: Person, contactId: string, args: string): Promise<Connection> {
  const parts = pageParts.replace('name', 'body');
  const answer = await shop.graphql(
    `query ($id: ID!) { node(id: $id) { ... on Contact { notes${args} { ${parts} } } } }`,
    { id: contactId },
  );
  expect(answer.errors).toBeUndefined();
  return answer.data['node'].notes;
}

/** All pages of a size, one way or the other, as the texts of their rows. */
async function walk(page: (args: string) => Promise<Connection>, size: number, backward = false): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  for (let more = true; more;) {
    const place: string = cursor === null ? '' : `, ${backward ? 'before' : 'after'}: "${cursor}"`;
    const { edges, nodes, pageInfo } = await page(`(${backward ? 'last' : 'first'}: ${size}${place})`);
    expect(nodes.map(({ id }) => id)).toEqual(edges.map(({ node }) => node.id));
    expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([
      edges[0]?.cursor ?? null,
      edges.at(-1)?.cursor ?? null,
    ]);
    expect(backward ? pageInfo.hasNextPage : pageInfo.hasPreviousPage).toBe(cursor !== null);
    pages.push(edges.map(({ node }) => node.name ?? node.body ?? ''));
    more = backward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage;
    cursor = backward ? pageInfo.startCursor : pageInfo.endCursor;
  }
  return pages;
}

const letters = 'ABCDEFG'.split('');

test.for([1, 2, 3, 7, 100])(
  'pages of %s show every row once, in order, forwards and backwards',
  async (size, { shop }) => {
    for (const name of letters.toReversed()) await newTag(shop, name);
    const forwards = await walk((args) => tagsPage(shop, args), size);
    expect(forwards.flat()).toEqual(letters);
    expect(forwards).toHaveLength(Math.ceil(7 / size));
    const backwards = await walk((args) => tagsPage(shop, args), size, true);
    expect(backwards.toReversed().flat()).toEqual(letters);
  },
);

test('rows of the same time are told apart: none is shown twice or left out', async ({ shop, db }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  const { tenantId } = shop;
  const times = ['2026-01-01T00:00:00.001Z', '2026-01-01T00:00:00.002Z', '2026-01-01T00:00:00.003Z'];
  const data = times.flatMap((time) =>
    ['a', 'b', 'c'].map((body) => ({
      tenantId,
      contactId: rawId(contactId),
      body: `${time.slice(-4, -1)}${body}`,
      createdAt: new Date(time),
    })),
  );
  await inTenant(db, tenantId, (tx) => tx.contactNote.createMany({ data }));
  const newestFirst = data.map(({ body }) => body).toReversed();
  for (const size of [1, 2, 4]) {
    expect((await walk((args) => notesPage(shop, contactId, args), size)).flat()).toEqual(newestFirst);
    expect((await walk((args) => notesPage(shop, contactId, args), size, true)).toReversed().flat()).toEqual(
      newestFirst,
    );
  }
});

test('a cursor stays good when its row is deleted, and rows that come in between disturb nothing', async ({ shop }) => {
  for (const name of letters) await newTag(shop, name);
  const { edges } = await tagsPage(shop, '(first: 3)');
  const third = edges[2];
  await mutate(shop, 'tagDelete', { tagId: third?.node.id });
  await newTag(shop, 'B2');
  await newTag(shop, 'D2');
  const after = await tagsPage(shop, `(first: 3, after: "${third?.cursor}")`);
  expect(after.edges.map(({ node }) => node.name)).toEqual(['D', 'D2', 'E']);
  const before = await tagsPage(shop, `(last: 2, before: "${third?.cursor}")`);
  expect(before.edges.map(({ node }) => node.name)).toEqual(['B', 'B2']);
});

test('an empty list and a page of nothing are pages too', async ({ shop }) => {
  const nothing = {
    edges: [],
    nodes: [],
    pageInfo: { startCursor: null, endCursor: null, hasNextPage: false, hasPreviousPage: false },
  };
  expect(await tagsPage(shop, '')).toEqual(nothing);
  await newTag(shop, 'A');
  expect(await tagsPage(shop, '(first: 0)')).toEqual({
    ...nothing,
    pageInfo: { ...nothing.pageInfo, hasNextPage: true },
  });
});

test('fifty when nothing is said', async ({ shop, db }) => {
  const { tenantId } = shop;
  const data = Array.from({ length: 51 }, (_, index) => ({ tenantId, name: `${index}`, nameKey: `${index}` }));
  await inTenant(db, tenantId, (tx) => tx.tag.createMany({ data }));
  expect((await tagsPage(shop, '')).edges).toHaveLength(50);
  expect((await tagsPage(shop, '(first: 100)')).edges).toHaveLength(51);
});

describe('what makes no sense is refused clearly', () => {
  const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  test.for<[string, string, string]>([
    ['first and last', 'first: 1, last: 1', 'last'],
    ['a page of more than a hundred', 'first: 101', 'first'],
    ['the last hundred and one', 'last: 101', 'last'],
    ['less than nothing', 'first: -1', 'first'],
    ['after with last', `last: 1, after: "${cursorOf(['nameKey,id', 'a', crypto.randomUUID()])}"`, 'after'],
    ['before with first', `first: 1, before: "${cursorOf(['nameKey,id', 'a', crypto.randomUUID()])}"`, 'before'],
    ['a cursor that is garbage', 'after: "%%%"', 'after'],
    ['a cursor that is a word', 'after: "hello"', 'after'],
    [
      'a cursor of another list',
      `after: "${cursorOf(['-createdAt,-id', new Date().toISOString(), crypto.randomUUID()])}"`,
      'after',
    ],
    ['a cursor with too little in it', `after: "${cursorOf(['nameKey,id', 'a'])}"`, 'after'],
    ['a cursor whose id is none', `last: 1, before: "${cursorOf(['nameKey,id', 'a', "' or true --"])}"`, 'before'],
    ['a cursor that no database can hold', `after: "${cursorOf(['nameKey,id', 'a\0', crypto.randomUUID()])}"`, 'after'],
    ['a cursor of a number for a text', `after: "${cursorOf(['nameKey,id', 5, crypto.randomUUID()])}"`, 'after'],
    ['a cursor that is an object', `after: "${cursorOf({ name: 'a' })}"`, 'after'],
    ['an endless cursor', `after: "${cursorOf(['nameKey,id', 'a'.repeat(20_000), crypto.randomUUID()])}"`, 'after'],
  ])('%s', async ([, args, path], { shop }) => {
    const answer = await shop.graphql(`{ tags(${args}) { nodes { id } } }`);
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
  });

  test('below an object too', async ({ shop }) => {
    const contactId = await newContact(shop, { name: 'Ana' });
    for (const args of ['first: 101', 'after: "hello"', 'first: 1, last: 1']) {
      const answer = await shop.graphql(
        `query ($id: ID!) { node(id: $id) { ... on Contact { notes(${args}) { nodes { id } } } } }`,
        { id: contactId },
      );
      expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });
});

test('another tenant’s cursor leads to one’s own rows only', async ({ signUp }) => {
  const [mine, theirs] = [await signUp('Mine'), await signUp('Theirs')];
  for (const name of ['A', 'C']) await newTag(mine, name);
  await newTag(theirs, 'B');
  const { pageInfo } = await tagsPage(theirs, '(first: 1)');
  expect(
    (await tagsPage(mine, `(first: 5, after: "${pageInfo.endCursor}")`)).edges.map(({ node }) => node.name),
  ).toEqual(['C']);
});

describe('a list costs what was asked for', () => {
  /** The statements that an operation reads with, besides who is asking. */
  const readsOf = async (run: () => Promise<unknown>) =>
    (await selectsOf(run)).filter((text) => !text.includes('"sessions"'));

  test('it is counted only when the count is asked for', async ({ shop }) => {
    await newTag(shop, 'A');
    expect(await readsOf(() => shop.graphql('{ tags { nodes { id } pageInfo { hasNextPage } } }'))).toHaveLength(1);
    const counted = await readsOf(async () =>
      expect((await shop.graphql('{ tags { totalCount nodes { id } } }')).data['tags'].totalCount).toBe(1),
    );
    expect(counted).toHaveLength(2);
    expect(counted.join()).toMatch(/COUNT/);
  });

  test('a page of contacts with all that is below them is one statement, limited in the database', async ({ shop }) => {
    for (const name of ['Ana', 'Bob', 'Eva']) {
      const contactId = await newContact(shop, { name, phone: null, tagIds: [await newTag(shop, name)] });
      for (const body of ['1', '2', '3']) await mutate(shop, 'contactNoteCreate', { contactId, body });
    }
    let contacts: { name: string; notes: Connection; tags: unknown[] }[] = [];
    const statements = await readsOf(async () => {
      const answer =
        await shop.graphql(`{ contacts(first: 3) { nodes { name phone blocked identities { value } tags { name } consents { granted }
        merged { name } consentHistory(first: 1) { nodes { granted proof } }
        notes(first: 2) { edges { cursor node { id body createdAt contact { name } } } nodes { body } pageInfo { hasNextPage endCursor } } } } }`);
      expect(answer.errors).toBeUndefined();
      contacts = answer.data['contacts'].nodes;
    });
    expect(contacts.map(({ notes }) => [notes.edges.map(({ node }) => node.body), notes.pageInfo.hasNextPage])).toEqual(
      contacts.map(() => [['3', '2'], true]),
    );
    expect(contacts.map(({ tags }) => tags)).toEqual(contacts.map(({ name }) => [{ name }]));
    expect(statements.filter((text) => text.includes('"contacts"'))).toHaveLength(1);
    expect(statements.length).toBeLessThanOrEqual(2); // how contacts are found may be a statement of its own
    expect(statements.join().match(/LIMIT/g)?.length).toBeGreaterThanOrEqual(6); // every list below a contact
  });
});
