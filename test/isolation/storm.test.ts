import { createDb } from '../../prisma/client.ts';
import { expect, globalId, signUp, startTestApi, test } from '../fixtures.ts';
import { atMost } from './rows.ts';

const lookup = `query ($own: ID!, $foreign: ID!, $ids: [ID!]!, $filter: ContactFilter!) {
  own: node(id: $own) { id ... on Tag { name } }
  foreign: node(id: $foreign) { id ... on Tag { name } }
  again: node(id: $own) { id ... on Tag { name } }
  nodes(ids: $ids) { id }
  tenant { id name }
  contacts(filter: $filter) { nodes { id } }
}`;
const rename = `mutation ($own: ID!, $foreign: ID!, $name: String!) {
  own: tagUpdate(input: { tagId: $own, name: $name }) { __typename ... on Tag { id name } }
  foreign: tagUpdate(input: { tagId: $foreign, name: "Stolen" }) { __typename }
}`;

// Six lookups an operation, of one tick: what a client shared between tenants would merge.
test(
  'in a storm of many tenants’ operations, each finds all of its own and nothing of another',
  { timeout: 120_000 },
  async ({ database, keys, storage, clock }) => {
    await using db = createDb(database.urls.app, { poolSize: 50 });
    // On a busy machine the storm takes long; what is asked here is whose rows it finds.
    await using api = await startTestApi({ db, keys, storage, clock }, { timeoutMs: 60_000 });
    const tenants = await atMost(
      4,
      Array.from({ length: 8 }, (_, at) => async () => {
        const person = await signUp(api, `Shop ${at}`);
        const { data } = await person.graphql(
          `mutation ($name: String!) { tagCreate(input: { name: $name }) { ... on Tag { id } } }`,
          { name: `Tag ${at}` },
        );
        const tagId = String(data['tagCreate'].id);
        const made = await person.graphql(
          `mutation ($tagIds: [ID!]) { contactCreate(input: { name: "Ana", tagIds: $tagIds }) { ... on Contact { id } } }`,
          { tagIds: [tagId] },
        );
        return { person, name: `Shop ${at}`, tagId, contactId: String(made.data['contactCreate'].id) };
      }),
    );
    const [first, ...others] = tenants;
    if (!first) throw new Error('There are no tenants.');

    const wrong: unknown[] = [];
    const operations = Array.from({ length: 1_000 }, (_, at) => async () => {
      const mine = tenants[at % tenants.length] ?? first;
      const theirs = others.filter((one) => one !== mine)[(at >> 3) % (others.length - 1)] ?? first;
      const ids = { own: mine.tagId, foreign: theirs.tagId };
      if (at % 10 === 9) {
        const name = `Tag ${tenants.indexOf(mine)}`;
        const answer = await mine.person.graphql(rename, { ...ids, name });
        const expected = { own: { __typename: 'Tag', id: mine.tagId, name }, foreign: { __typename: 'NotFoundError' } };
        if (!isSame(answer, { data: expected })) wrong.push(answer);
        return;
      }
      const own = { id: mine.tagId, name: `Tag ${tenants.indexOf(mine)}` };
      const answer = await mine.person.graphql(lookup, {
        ...ids,
        ids: [theirs.contactId, mine.contactId, theirs.tagId],
        filter: { tag: { has: mine.tagId } },
      });
      const expected = {
        own,
        foreign: null,
        again: own,
        nodes: [null, { id: mine.contactId }, null],
        tenant: { id: globalId('Tenant', mine.person.tenantId), name: mine.name },
        contacts: { nodes: [{ id: mine.contactId }] },
      };
      if (!isSame(answer, { data: expected })) wrong.push(answer);
    });
    await atMost(50, operations);
    expect(wrong.slice(0, 3)).toEqual([]);
  },
);

const isSame = (answer: unknown, expected: unknown) => JSON.stringify(answer) === JSON.stringify(expected);
