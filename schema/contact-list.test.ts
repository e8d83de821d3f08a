import { inTenant, type Tx } from '../prisma/client.ts';
import { describe, expect, globalId, type GraphQLAnswer, type Person, rawId, test } from '../test/fixtures.ts';
import { makeContact, makeTag } from '../test/make.ts';

type PageInfo = { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
type Page = { nodes: { id: string; name: string | null }[]; edges: { cursor: string }[]; pageInfo: PageInfo };

const query = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: ContactFilter, $orderBy: ContactOrder) {
  contacts(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    nodes { id name } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

async function page(shop: Person, variables: Record<string, unknown>): Promise<Page> {
  const answer = await shop.graphql(query, variables);
  expect(answer.errors).toBeUndefined();
  return answer.data['contacts'] as Page;
}

const orders = ['CREATED_AT', 'UPDATED_AT', 'NAME'].flatMap((field) =>
  ['ASC', 'DESC'].map((direction) => ({ field, direction })),
);
const everybody = { blocked: false };

/** Contacts with many ties in every order: 3 times, 3 names (one of them none at all), 40 contacts. */
async function fill(tx: Tx, tenantId: string): Promise<void> {
  await tx.$executeRaw`
    insert into contacts (tenant_id, name, created_at, updated_at)
    select ${tenantId}::uuid, (array['Ana', 'ana', null])[1 + i % 3],
      timestamptz '2026-01-01' + make_interval(days => i % 4), timestamptz '2026-02-01' + make_interval(days => i % 5)
    from generate_series(1, 40) i`;
}

describe.for([{ filter: null }, { filter: everybody }])('pages with filter $filter', ({ filter }) => {
  test.for(orders)('hold everybody once and in order, both ways: %j', async (orderBy, { db, shop }) => {
    await inTenant(db, shop.tenantId, (tx) => fill(tx, shop.tenantId));
    const all = await page(shop, { first: 100, filter, orderBy });
    expect(new Set(all.nodes.map(({ id }) => id)).size).toBe(40);
    const rows = await inTenant(db, shop.tenantId, (tx) => tx.contact.findMany({ where: { tenantId: shop.tenantId } }));
    const column = ({ CREATED_AT: 'createdAt', UPDATED_AT: 'updatedAt', NAME: 'nameKey' } as const)[
      orderBy.field as 'NAME'
    ];
    const rank = rows.toSorted((a, b) =>
      a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : a.id < b.id ? -1 : 1,
    );
    if (orderBy.direction === 'DESC') rank.reverse();
    expect(all.nodes.map(({ id }) => rawId(id))).toEqual(rank.map(({ id }) => id));

    const forth: string[] = [];
    let after: string | null = null;
    for (let more = true; more;) {
      const { nodes, pageInfo }: Page = await page(shop, { first: 7, after, filter, orderBy });
      expect(pageInfo.hasPreviousPage).toBe(after !== null);
      forth.push(...nodes.map(({ id }) => id));
      expect(forth.length).toBeLessThanOrEqual(40); // a cursor that does not move would go on for ever
      ({ endCursor: after, hasNextPage: more } = pageInfo);
    }
    expect(forth).toEqual(all.nodes.map(({ id }) => id));

    const back: string[] = [];
    let before: string | null = null;
    for (let more = true; more;) {
      const { nodes, pageInfo }: Page = await page(shop, { last: 7, before, filter, orderBy });
      back.unshift(...nodes.map(({ id }) => id));
      expect(back.length).toBeLessThanOrEqual(40);
      ({ startCursor: before, hasPreviousPage: more } = pageInfo);
    }
    expect(back).toEqual(forth);
  });

  test.for(orders)('skip and repeat nobody when rows come and go in between: %j', async (orderBy, { db, shop }) => {
    const { tenantId } = shop;
    await inTenant(db, tenantId, (tx) => fill(tx, tenantId));
    const expected = (await page(shop, { first: 100, filter, orderBy })).nodes.map(({ id }) => id);
    const seen: string[] = [];
    const gone = new Set<string>();
    let after: string | null = null;
    for (let more = true; more;) {
      const { nodes, edges, pageInfo }: Page = await page(shop, { first: 6, after, filter, orderBy });
      seen.push(...nodes.map(({ id }) => id));
      after = edges.at(-1)?.cursor ?? null;
      more = pageInfo.hasNextPage;
      // The row that the cursor was made of goes, one that is still to come goes, and new ones come in everywhere.
      const ahead = expected.find((id) => !seen.includes(id) && !gone.has(id));
      const victims = [nodes.at(-1)?.id, ahead].filter((id) => id !== undefined);
      for (const id of victims) gone.add(id);
      await inTenant(db, tenantId, async (tx) => {
        await tx.contact.deleteMany({ where: { tenantId, id: { in: victims.map(rawId) } } });
        await tx.$executeRaw`
          insert into contacts (tenant_id, name, created_at, updated_at)
          select ${tenantId}::uuid, 'Ana', timestamptz '2026-01-02', timestamptz '2026-02-02' from generate_series(1, 2)`;
      });
      expect(seen.length).toBeLessThan(200);
    }
    const known = new Set(expected);
    const old = seen.filter((id) => known.has(id));
    expect(old).toEqual(expected.filter((id) => seen.includes(id))); // in order, nobody twice
    expect(expected.filter((id) => !seen.includes(id) && !gone.has(id))).toEqual([]); // and nobody left out who was there all along
    expect(new Set(seen).size).toBe(seen.length);
  });
});

test('newest first, and merged contacts are gone from the list, from the count and from every filter', async ({
  db,
  shop,
}) => {
  const { tenantId } = shop;
  const first = await makeContact(db, tenantId, { name: 'Ana', createdAt: new Date('2026-01-01') });
  const second = await makeContact(db, tenantId, { name: 'Bia', createdAt: new Date('2026-01-02') });
  const merged = await makeContact(db, tenantId, {
    name: 'Cid',
    createdAt: new Date('2026-01-03'),
    mergedIntoId: first,
  });
  const answer = await shop.graphql(
    '{ all: contacts { totalCount nodes { id } } some: contacts(filter: { blocked: false }) { totalCount nodes { id } } }',
  );
  const expected = { totalCount: 2, nodes: [second, first].map((id) => ({ id: globalId('Contact', id) })) };
  expect(answer.data).toEqual({ all: expected, some: expected });
  expect(JSON.stringify(answer)).not.toContain(globalId('Contact', merged));
});

test('the count is of all pages, and of the filter', async ({ db, shop }) => {
  await inTenant(db, shop.tenantId, (tx) => fill(tx, shop.tenantId));
  const answer = await shop.graphql(
    '{ contacts(first: 3, filter: { field: { name: { eq: "ANA" } } }) { totalCount nodes { name } } }',
  );
  expect(answer.data['contacts'].totalCount).toBe(27);
  expect(answer.data['contacts'].nodes).toHaveLength(3);
});

test('another tenant’s contacts, tags and cursors are of no use', async ({ db, signUp }) => {
  const [ours, theirs] = [await signUp(), await signUp()];
  const tag = await makeTag(db, theirs.tenantId, 'VIP');
  await makeContact(db, theirs.tenantId, { name: 'Theirs', tagIds: [tag], createdAt: new Date('2026-01-05') });
  const mine = await makeContact(db, ours.tenantId, { name: 'Mine', createdAt: new Date('2026-01-01') });
  const cursor = (await page(theirs, { first: 1 })).pageInfo.endCursor;
  const ids = [globalId('Contact', mine)];
  expect((await page(ours, { first: 5 })).nodes.map(({ id }) => id)).toEqual(ids);
  expect((await page(ours, { first: 5, after: cursor, filter: everybody })).nodes.map(({ id }) => id)).toEqual(ids);

  const asked = async (id: string) => (await ours.graphql(query, { filter: { tag: { has: id } } })).errors?.[0];
  const refusals = await Promise.all(
    [globalId('Tag', tag), globalId('Tag', crypto.randomUUID()), globalId('Contact', mine), 'nonsense'].map(asked),
  );
  for (const refusal of refusals) {
    expect(refusal?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'filter.tag.has', message: 'There is no such tag.' }],
    });
  }
});

test.for<[name: string, filter: unknown]>([
  ['two keys', { blocked: true, tag: { isSet: true } }],
  ['no key', {}],
  ['an empty and', { and: [] }],
  ['a wrong type', { blocked: 'yes' }],
  ['a text to inject', { field: { name: { eq: "'; drop table contacts; --\0" } } }],
  ['eleven levels', Array.from({ length: 10 }).reduce((node) => ({ not: node }), everybody)],
])('a filter with %s is refused, and says why', async ([, filter], { api, shop }) => {
  const answer = await shop.graphql(query, { filter });
  expect(answer.errors?.[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  expect(answer.data).toBeFalsy();
  expect(api.logLines.join('')).not.toContain('"level":"error"');
});

test.for([20, 1_000, 5_000, 100_000])(
  'a filter of %i levels is refused, and troubles nobody',
  async (levels, { api, shop }) => {
    const filter = `${'{"not":'.repeat(levels)}{"blocked":true}${'}'.repeat(levels)}`; // no JSON.stringify goes that deep
    const answer = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${shop.accessToken}` },
      body: `{"query":${JSON.stringify(query)},"variables":{"filter":${filter}}}`,
    });
    const { errors } = (await answer.json()) as GraphQLAnswer;
    expect(errors?.[0]?.extensions['code']).toMatch(/^(BAD_USER_INPUT|COST_LIMIT)$/); // as a filter, or as JSON
    expect(api.logLines.join('')).not.toContain('"level":"error"');
  },
);

test('what is typed into a filter is in no log line', async ({ api, shop }) => {
  await page(shop, { filter: { field: { name: { contains: 'Gundula Geheim' } } } });
  await shop.graphql(query, { filter: { field: { phone: { eq: '+4915112345678x' } } } });
  await shop.graphql(query, { filter: { field: { name: { like: 'Gundula Geheim' } } } });
  expect(api.logLines.join('')).not.toMatch(/Gundula|4915112345678/);
});
