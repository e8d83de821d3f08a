import { countContacts } from '../domain/contacts/count-contacts.ts';
import { resolveFilter } from '../domain/contacts/filter-definitions.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import { expect, globalId, type Person, test } from '../test/fixtures.ts';
import { makeContact, makeTag } from '../test/make.ts';
import { connect } from '../test/sql.ts';

const segmentFields = 'id name filter problems { path message } count { value exact asOf }';
const outcome = `__typename ... on Segment { ${segmentFields} }
  ... on UserError { code message } ... on InvalidInputError { fields { path } } ... on ConflictError { path conflictingId }`;

async function create(shop: Person, input: Record<string, unknown>) {
  const mutation = `mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) { ${outcome} } }`;
  return (await shop.graphql(mutation, { input })).data['segmentCreate'];
}

async function update(shop: Person, input: Record<string, unknown>) {
  const mutation = `mutation ($input: SegmentUpdateInput!) { segmentUpdate(input: $input) { ${outcome} } }`;
  return (await shop.graphql(mutation, { input })).data['segmentUpdate'];
}

async function read(shop: Person, id: string) {
  const query = `query ($id: ID!) { node(id: $id) { ... on Segment { ${segmentFields} } } }`;
  return (await shop.graphql(query, { id })).data['node'];
}

const blocked = { blocked: true };

test('a segment is whoever its filter means at the moment', async ({ db, shop }) => {
  const tag = await makeTag(db, shop.tenantId, 'VIP');
  await makeContact(db, shop.tenantId, { name: 'Ana', tagIds: [tag] });
  await makeContact(db, shop.tenantId, { name: 'Bia' });
  const filter = { and: [{ tag: { has: globalId('Tag', tag) } }, { not: blocked }] };
  const segment = await create(shop, { name: ' Our  VIPs ', filter });
  expect(segment).toMatchObject({ name: 'Our VIPs', filter, problems: [], count: { value: 1, exact: true } });
  expect(Date.now() - new Date(segment.count.asOf).getTime()).toBeLessThan(60_000);

  const eva = await makeContact(db, shop.tenantId, { name: 'Eva', tagIds: [tag] });
  const answer = await shop.graphql(
    'query { segments { nodes { name count { value } preview(first: 1, orderBy: { field: NAME, direction: DESC }) { totalCount nodes { id name } pageInfo { hasNextPage } } } } }',
  );
  const contacts = {
    totalCount: 2,
    nodes: [{ id: globalId('Contact', eva), name: 'Eva' }],
    pageInfo: { hasNextPage: true },
  };
  expect(answer.data['segments'].nodes).toEqual([{ name: 'Our VIPs', count: { value: 2 }, preview: contacts }]);
});

test('a filter comes back as it can be sent again, dates and tags included', async ({ db, shop }) => {
  const tags = [await makeTag(db, shop.tenantId, 'a'), await makeTag(db, shop.tenantId, 'b')];
  const filter = {
    or: [
      { field: { birthDate: { gte: '1990-05-17' } } },
      { createdAt: { lt: '2026-01-31T12:00:00.000Z' } },
      { not: { tag: { hasAny: tags.map((id) => globalId('Tag', id)) } } },
      { field: { phone: { in: ['+5511987654321'] } } },
      { consent: { purpose: 'MARKETING', granted: true } },
    ],
  };
  const first = await create(shop, { name: 'One', filter });
  expect(first.filter).toEqual(filter);
  expect((await create(shop, { name: 'Two', filter: first.filter })).filter).toEqual(filter);
});

test('two names that differ only in case are one, also for two requests at once', async ({ shop }) => {
  const vip = await create(shop, { name: 'VIP', filter: blocked });
  const other = await create(shop, { name: 'Others', filter: blocked });
  const conflict = { __typename: 'ConflictError', code: 'CONFLICT', path: 'name', conflictingId: vip.id };
  expect(await create(shop, { name: 'vip', filter: blocked })).toMatchObject(conflict);
  expect(await update(shop, { segmentId: other.id, name: 'Vip' })).toMatchObject(conflict);
  expect(await update(shop, { segmentId: vip.id, name: 'vip' })).toMatchObject({ name: 'vip' });

  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) => create(shop, { name: index % 2 ? 'Same' : 'SAME', filter: blocked })),
  );
  const won = answers.filter(({ __typename }) => __typename === 'Segment');
  expect(won).toHaveLength(1);
  expect(answers.filter(({ code }) => code === 'CONFLICT')).toHaveLength(5);
});

test('what is left out of an update stays', async ({ db, shop }) => {
  await makeContact(db, shop.tenantId, { name: 'Ana' });
  const { id } = await create(shop, { name: 'All', filter: { blocked: false } });
  expect(await update(shop, { segmentId: id, name: 'Everybody' })).toMatchObject({
    name: 'Everybody',
    count: { value: 1 },
  });
  expect(await update(shop, { segmentId: id, filter: blocked })).toMatchObject({
    name: 'Everybody',
    count: { value: 0 },
  });
  expect(await update(shop, { segmentId: id, name: '   ' })).toMatchObject({ fields: [{ path: 'name' }] });
});

test('a filter that cannot be is refused by path, and nothing is saved', async ({ shop }) => {
  const filter = { and: [blocked, { customField: { key: 'colour', op: 'EQ', value: 'red' } }] };
  expect(await create(shop, { name: 'Red', filter })).toMatchObject({
    __typename: 'InvalidInputError',
    fields: [{ path: 'filter.and.1.customField.key' }],
  });
  expect(await create(shop, { name: 'None', filter: { and: [] } })).toMatchObject({ fields: [{ path: 'filter.and' }] });
  expect((await shop.graphql('{ segments { nodes { id } } }')).data['segments'].nodes).toEqual([]);
});

test('a segment on a tag that was deleted matches nobody and says so, negated too', async ({ db, shop }) => {
  const tag = await makeTag(db, shop.tenantId, 'VIP');
  await makeContact(db, shop.tenantId, { name: 'Ana' });
  const { id, count } = await create(shop, {
    name: 'Not VIP',
    filter: { not: { tag: { has: globalId('Tag', tag) } } },
  });
  expect(count.value).toBe(1);
  await inTenant(db, shop.tenantId, (tx) => tx.tag.deleteMany({ where: { tenantId: shop.tenantId, id: tag } }));
  expect(await read(shop, id)).toMatchObject({
    problems: [{ path: 'filter.not.tag.has', message: 'There is no such tag.' }],
    count: { value: 0 },
    filter: { not: { tag: { has: globalId('Tag', tag) } } },
  });
  expect(await update(shop, { segmentId: id, name: 'Old' })).toMatchObject({ name: 'Old' }); // a new name needs no new filter
});

test('a filter can be tried out before it is saved', async ({ db, shop }) => {
  for (const name of ['Ana', 'Bia', 'Biba']) await makeContact(db, shop.tenantId, { name });
  const query = `query ($filter: ContactFilter!) { segmentPreview(filter: $filter) {
    count { value exact } contacts(first: 1, orderBy: { field: NAME }) { totalCount nodes { name } } } }`;
  const preview = await shop.graphql(query, { filter: { field: { name: { startsWith: 'bi' } } } });
  expect(preview.data['segmentPreview']).toEqual({
    count: { value: 2, exact: true },
    contacts: { totalCount: 2, nodes: [{ name: 'Bia' }] },
  });
  const refused = await shop.graphql(query, { filter: { tag: { has: globalId('Tag', crypto.randomUUID()) } } });
  expect(refused.errors?.[0]?.extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    fields: [{ path: 'filter.tag.has' }],
  });
});

test('another tenant sees and changes nothing of a segment', async ({ db, signUp }) => {
  const [ours, theirs] = [await signUp(), await signUp()];
  await makeContact(db, ours.tenantId);
  const { id } = await create(ours, { name: 'All', filter: { blocked: false } });
  expect(await read(theirs, id)).toBeNull();
  expect((await theirs.graphql('{ segments { nodes { id } } }')).data['segments'].nodes).toEqual([]);
  expect(await update(theirs, { segmentId: id, name: 'Mine' })).toMatchObject({ code: 'NOT_FOUND' });
  const remove =
    'mutation ($id: ID!) { segmentDelete(input: { segmentId: $id }) { __typename ... on Deleted { id } } }';
  expect((await theirs.graphql(remove, { id })).data['segmentDelete'].__typename).toBe('NotFoundError');
  expect(await create(theirs, { name: 'All', filter: { blocked: false } })).toMatchObject({ count: { value: 0 } });
  expect(await read(ours, id)).toMatchObject({ name: 'All', count: { value: 1 } });
  expect((await ours.graphql(remove, { id })).data['segmentDelete']).toEqual({ __typename: 'Deleted', id });
  expect(await read(ours, id)).toBeNull();
});

test('where counting would take too long, the count is an estimate and says so', async ({ database, db, shop }) => {
  await fill(db, shop.tenantId, 40_000);
  await using superuser = await connect(database.superuserUrl);
  await superuser.query('analyze contacts');
  const count = (costMax?: number) =>
    inTenant(db, shop.tenantId, async (tx) => {
      const resolved = await resolveFilter(tx, shop.tenantId, { field: { name: { startsWith: 'ana' } } });
      return countContacts(tx, shop.tenantId, resolved, costMax);
    });
  expect(await count()).toMatchObject({ value: 20_000, exact: true });
  const estimate = await count(500);
  expect(estimate.exact).toBe(false);
  expect(estimate.value).toBeGreaterThan(10_000);
  expect(estimate.value).toBeLessThan(30_000);
});

function fill(db: Db, tenantId: string, contacts: number): Promise<number> {
  return inTenant(
    db,
    tenantId,
    (tx) => tx.$executeRaw`
      insert into contacts (tenant_id, name)
      select ${tenantId}::uuid, case when i % 2 = 0 then 'Ana ' else 'Bia ' end || i from generate_series(1, ${contacts}::int) i`,
  );
}
