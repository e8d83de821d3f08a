// The trial fields come first: the schema is built when the fixtures import it.
import '../test/trial-fields.ts';
import { IdempotencyConflictError, StillRunningError } from '../domain/errors.ts';
import { claimKey, type KeyUse, settleKey } from '../domain/idempotency.ts';
import { inTenant } from '../prisma/client.ts';
import { expect, type Person, test } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';

async function update(shop: Pick<Person, 'graphql'>, input: Record<string, unknown>, selection = 'name') {
  const query = `mutation ($input: TenantUpdateInput!) { tenantUpdate(input: $input) { __typename
    ... on Tenant { ${selection} } ... on UserError { code message } ... on StillRunningError { retryAfter }
    ... on InvalidInputError { fields { path message } } } }`;
  const answer = await shop.graphql(query, { input });
  expect(answer.errors).toBeUndefined();
  return answer.data['tenantUpdate'];
}

async function addTag(shop: Person, args: string) {
  const answer = await shop.graphql(`mutation { trialWrite(${args}) { __typename
    ... on Trial { tag tags } ... on UserError { code } ... on RateLimitedError { retryAfter } } }`);
  return answer.data['trialWrite'];
}

const tags = async (shop: Person) => (await shop.graphql('{ trialTags }')).data['trialTags'];

test('the same key with the same input acts once and answers the same, read anew', async ({ shop }) => {
  const first = await update(shop, { name: 'One', industry: 'Shoes', idempotencyKey: 'k' });
  expect(first).toEqual({ __typename: 'Tenant', name: 'One' });
  await update(shop, { name: 'Two' });
  const repeated = await update(shop, { idempotencyKey: 'k', industry: 'Shoes', name: 'One' }, 'name industry');
  expect(repeated).toEqual({ __typename: 'Tenant', name: 'Two', industry: 'Shoes' }); // nothing was written again
});

test('the same key with another input, or for another mutation, is a conflict', async ({ shop }) => {
  await update(shop, { name: 'One', idempotencyKey: 'k' });
  const conflict = { __typename: 'IdempotencyConflictError', code: 'IDEMPOTENCY_CONFLICT' };
  expect(await update(shop, { name: 'Two', idempotencyKey: 'k' })).toMatchObject(conflict);
  expect(await update(shop, { name: 'One', city: null, idempotencyKey: 'k' })).toMatchObject(conflict);
  expect(await addTag(shop, 'name: "One", idempotencyKey: "k"')).toMatchObject(conflict);
  expect(await update(shop, {})).toMatchObject({ name: 'One' });
  expect(await tags(shop)).toEqual([]);
});

test('twenty at the same moment have one effect; whoever does not get the answer is told to come again', async ({
  shop,
}) => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => addTag(shop, 'name: "a", idempotencyKey: "k"')));
  const acted = answers.filter(({ __typename }) => __typename === 'Trial');
  expect(acted.length).toBeGreaterThan(0);
  for (const answer of answers) {
    expect(acted.includes(answer) ? answer : answer.code).toEqual(
      acted.includes(answer) ? { __typename: 'Trial', tag: 'a', tags: ['a'] } : 'STILL_RUNNING',
    );
  }
  expect(await addTag(shop, 'name: "a", idempotencyKey: "k"')).toMatchObject({ tag: 'a' });
  expect(await tags(shop)).toEqual(['a']);
});

test('a typed error is the answer for good, with everything that it said', async ({ shop }) => {
  const input = { timeZone: 'Mars/Olympus', name: '', idempotencyKey: 'k' };
  const refused = await update(shop, input);
  expect(refused).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' });
  expect(refused.fields).toHaveLength(2);
  expect(await update(shop, input)).toEqual(refused);

  expect(await addTag(shop, 'name: "a", fail: TYPED, idempotencyKey: "l"')).toMatchObject({ code: 'CONFLICT' });
  expect(await addTag(shop, 'name: "a", fail: TYPED, idempotencyKey: "l"')).toMatchObject({ code: 'CONFLICT' });
  expect(await tags(shop)).toEqual([]);
});

test('a bug, and a refusal for the moment, free the key for another try', async ({ shop }) => {
  expect(await addTag(shop, 'name: "a", fail: BUG, idempotencyKey: "k"')).toBeNull();
  expect(await addTag(shop, 'name: "a", idempotencyKey: "k"')).toMatchObject({ tag: 'a' });
  expect(await addTag(shop, 'name: "b", fail: BUSY, idempotencyKey: "l"')).toMatchObject({ retryAfter: 3 });
  expect(await addTag(shop, 'name: "b", idempotencyKey: "l"')).toMatchObject({ tag: 'b' });
});

test('a request that crashed holds its key until its lease ends, and then it is done', async ({
  shop,
  db,
  database,
}) => {
  const use = useOf(shop, 'tenantUpdate', { name: 'One' });
  await inTenant(db, shop.tenantId, (tx) => claimKey(tx, use)); // and the process dies
  const input = { name: 'One', idempotencyKey: use.key };
  expect(await update(shop, input)).toMatchObject({ code: 'STILL_RUNNING', retryAfter: 1 });
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`update idempotency_keys set lease_until = now() - interval '1 second'`;
  expect(await update(shop, { ...input, name: 'Other' })).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect(await update(shop, input)).toMatchObject({ name: 'One' });
  expect(await update(shop, input)).toMatchObject({ name: 'One' });
});

test('the order of the keys in a value makes no other input', async ({ shop, db }) => {
  const claim = (value: unknown) =>
    inTenant(db, shop.tenantId, (tx) => claimKey(tx, useOf(shop, 'segmentCreate', { value })));
  expect(await claim({ a: 1, b: [{ c: 2, d: new Date(0) }] })).toHaveProperty('lease');
  await expect(claim({ b: [{ d: new Date(0), c: 2 }], a: 1 })).rejects.toThrow(StillRunningError);
  await expect(claim({ b: [{ d: new Date(1), c: 2 }], a: 1 })).rejects.toThrow(IdempotencyConflictError);
});

test('a request that outlived its lease commits nothing when another one has taken over', async ({
  shop,
  db,
  database,
}) => {
  const use = useOf(shop, 'trialWrite', { name: 'a' });
  const claim = await inTenant(db, shop.tenantId, (tx) => claimKey(tx, use));
  if (!('lease' in claim)) throw new Error('The key was free.');
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`update idempotency_keys set lease_until = now() - interval '1 second'`;
  expect(await addTag(shop, `name: "a", idempotencyKey: "${use.key}"`)).toMatchObject({ tag: 'a' });
  const late = inTenant(db, shop.tenantId, async (tx) => {
    await tx.tag.create({ data: { tenantId: shop.tenantId, name: 'twice', nameKey: 'twice' } });
    await settleKey(tx, use, claim.lease, { outcome: { tag: 'twice' } });
  });
  await expect(late).rejects.toThrow(StillRunningError);
  expect(await tags(shop)).toEqual(['a']);
});

test('a key is its caller’s own: neither another tenant nor a colleague meets it', async ({
  signUp,
  api,
  keys,
  database,
  clock,
}) => {
  const [ana, bea] = [await signUp('Ana’s'), await signUp('Bea’s')];
  await update(ana, { name: 'One', idempotencyKey: 'k' });
  expect(await update(bea, { name: 'Two', idempotencyKey: 'k' })).toMatchObject({ name: 'Two' });

  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`insert into memberships (tenant_id, user_id, role) values (${ana.tenantId}, ${bea.userId}, 'ADMIN')`;
  const [session] = await superuser.sql<{ id: string }>`
    insert into sessions (tenant_id, user_id, expires_at) values (${ana.tenantId}, ${bea.userId}, now() + interval '1 day') returning id`;
  const { signAccessToken } = await import('../domain/auth/access-token.ts');
  const claims = { tenantId: ana.tenantId, userId: bea.userId, sessionId: session?.id ?? '' };
  const { token } = await signAccessToken(keys, claims, clock.now());
  const colleague = { graphql: (query: string, variables?: object) => api.graphql(query, { ...variables }, token) };
  expect(await update(colleague, { name: 'Three', idempotencyKey: 'k' })).toMatchObject({ name: 'Three' });
});

test('a key is 1 to 255 printable characters, and is forgotten after 7 days', async ({ shop, database }) => {
  for (const idempotencyKey of ['', 'a b', 'é', 'x'.repeat(256), '\n']) {
    const refused = await update(shop, { name: 'One', idempotencyKey });
    expect(refused).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'idempotencyKey' }] });
  }
  const idempotencyKey = '~'.repeat(255);
  await update(shop, { name: 'One', idempotencyKey });
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`update idempotency_keys set expires_at = expires_at - interval '7 days'`;
  expect(await update(shop, { name: 'Two', idempotencyKey })).toMatchObject({ name: 'Two' });
});

test('a row that is missing, or another tenant’s, is not found, by update and by foreign key alike', async ({
  signUp,
}) => {
  const [ana, bea] = [await signUp(), await signUp()];
  await addTag(ana, 'name: "a"');
  for (const how of ['UPDATE', 'REFERENCE', 'RAW_REFERENCE']) {
    const answer = await bea.graphql(
      `mutation { trialReach(how: ${how}) { __typename ... on UserError { code message } } }`,
    );
    expect(answer).toEqual({
      data: { trialReach: { __typename: 'NotFoundError', code: 'NOT_FOUND', message: 'There is no such object.' } },
    });
  }
});

function useOf(shop: Person, operation: string, input: unknown): KeyUse {
  return { tenantId: shop.tenantId, caller: `user:${shop.userId}`, key: 'crash', operation, input };
}
