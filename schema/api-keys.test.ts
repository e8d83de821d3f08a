import { randomUUID } from 'node:crypto';
import { readClaims } from '../api/context.ts';
import { formatApiKey, newKeySecret, parseApiKey } from '../domain/auth/api-key-text.ts';
import { createReadKey } from '../domain/auth/key-claims.ts';
import { createDb, type Db, inTenant } from '../prisma/client.ts';
import { newContact } from '../test/ask.ts';
import { makeCampaign, makeSegment, makeSender } from '../test/campaigns.ts';
import { expect, globalId, type Person, rawId, startTestApi, test, type TestApi } from '../test/fixtures.ts';

const hourMs = 60 * 60_000;
const keyFields = `id name integration scopes prefix last4 allowedRanges status expiresAt lastUsedAt lastUsedAddress revokedBecause replacedBy { id }`;
const refusal = '... on UserError { code message } ... on InvalidInputError { fields { path } }';
const newKey = `__typename ... on NewApiKey { secret apiKey { ${keyFields} } } ${refusal}`;
const answers = {
  apiKeyCreate: newKey,
  apiKeyRotate: newKey,
  apiKeyRevoke: `__typename ... on ApiKey { ${keyFields} } ${refusal}`,
};
const aKey = { name: 'Orders', integration: 'ERP', scopes: ['CONTACTS_READ', 'CONTACTS_WRITE'] };

async function act(person: Person, name: keyof typeof answers, input: object) {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${answers[name]} } }`;
  return (await person.graphql(query, { input })).data[name];
}

const create = (person: Person, input: object = {}) => act(person, 'apiKeyCreate', { ...aKey, ...input });

/** What somebody gets who asks with a key. */
async function ask(api: TestApi, key: string, query = '{ contacts(first: 1) { nodes { id } } }') {
  const { data, errors } = await api.graphql(query, {}, key);
  return errors?.[0]?.extensions['code'] ?? data;
}

async function report(api: TestApi, key: string) {
  const query = `mutation ($key: String!) { apiKeyReport(input: { key: $key }) {
    __typename ... on ApiKeyReported { at } ... on UserError { code message } } }`;
  return (await api.graphql(query, { key })).data['apiKeyReport'];
}

const opened = { contacts: { nodes: [] } };

test('a key opens what its scopes say and nothing else, and its secret is shown once', async ({ api, shop }) => {
  const made = await create(shop, { idempotencyKey: 'once' });
  expect(made).toMatchObject({
    __typename: 'NewApiKey',
    apiKey: { ...aKey, status: 'LIVE', allowedRanges: [], lastUsedAt: null },
  });
  expect(made.secret.startsWith(`${made.apiKey.prefix}_`)).toBe(true);
  expect(parseApiKey(made.secret)?.secret.endsWith(made.apiKey.last4)).toBe(true);
  const again = await create(shop, { idempotencyKey: 'once' });
  expect(again).toEqual({ ...made, secret: null });

  expect(await ask(api, made.secret)).toEqual(opened);
  expect(await ask(api, made.secret, '{ viewer { role user { id } apiKey { id name } } }')).toEqual({
    viewer: { role: null, user: null, apiKey: { id: made.apiKey.id, name: 'Orders' } },
  });
  const mayNot = [
    '{ campaigns { nodes { id } } }',
    '{ tenant { name } }',
    '{ viewer { tenant { name } } }',
    '{ apiKeys { nodes { id } } }',
    'mutation { tenantUpdate(input: { name: "Mine" }) { __typename } }',
    'mutation { apiKeyCreate(input: { name: "x", integration: "x", scopes: [CONTACTS_READ] }) { __typename } }',
  ];
  for (const query of mayNot) expect(await ask(api, made.secret, query), query).toBe('FORBIDDEN');
});

test('a key that may not read what a mutation answers with is refused before anything is written', async ({
  api,
  shop,
}) => {
  const { secret } = await create(shop, { scopes: ['CONTACTS_WRITE'] });
  const make = 'mutation { contactCreate(input: { name: "Ana" }) { __typename } }';
  expect(await ask(api, secret, make)).toBe('FORBIDDEN');
  expect((await shop.graphql('{ contacts { totalCount } }')).data['contacts']).toEqual({ totalCount: 0 });
});

test('what tells of contacts or messages takes the right to read them, also where only counts or cursors are asked for', async ({
  api,
  shop,
  db,
}) => {
  const segment = globalId('Segment', await makeSegment(db, shop.tenantId));
  const [blind, seeing] = [
    await create(shop, { scopes: ['SEGMENTS_READ', 'CAMPAIGNS_READ'] }),
    await create(shop, { scopes: ['SEGMENTS_READ', 'CONTACTS_READ'] }),
  ];
  await newContact(shop, { name: 'Ana' });
  await makeCampaign(db, shop.tenantId, await makeSender(db, shop.tenantId));
  const segments = (parts: string) => `{ node(id: "${segment}") { ... on Segment { ${parts} } } }`;
  expect(await ask(api, blind.secret, segments('name'))).toMatchObject({ node: { name: expect.any(String) } });
  for (const query of [
    segments('count { value }'),
    segments('preview { edges { cursor } }'),
    segments('preview { totalCount }'),
    '{ segmentPreview(filter: { blocked: false }) { count { value } } }',
  ]) {
    expect(await ask(api, blind.secret, query), query).toBe('FORBIDDEN');
    expect(await ask(api, seeing.secret, query), query).toBeInstanceOf(Object);
  }
  const ofMessages = [
    [seeing, '{ contacts { nodes { messages { pageInfo { endCursor } } } } }'],
    [blind, '{ campaigns { nodes { recipients { pageInfo { endCursor } } } } }'],
  ] as const;
  for (const [{ secret }, query] of ofMessages) expect(await ask(api, secret, query), query).toBe('FORBIDDEN');
});

test('a key that does not hold is nobody’s, and each way of it is refused alike', async ({ api, shop, clock }) => {
  const [live, away, short] = [
    await create(shop, { integration: 'a' }),
    await create(shop, { integration: 'b', allowedRanges: ['203.0.113.0/24'] }),
    await create(shop, { integration: 'c', expiresAt: new Date(clock.now().getTime() + hourMs).toISOString() }),
  ];
  const { apiKeyId } = parseApiKey(live.secret) ?? { apiKeyId: '' };
  const refused = {
    'from elsewhere': away.secret,
    'another secret': formatApiKey({ apiKeyId, secret: newKeySecret() }),
    'another id': formatApiKey({ apiKeyId: randomUUID(), secret: newKeySecret() }),
    'another checksum': `${live.secret.slice(0, -1)}${live.secret.endsWith('0') ? '1' : '0'}`,
  };
  for (const [why, key] of Object.entries(refused)) expect(await ask(api, key), why).toBe('UNAUTHENTICATED');
  expect(await ask(api, live.secret)).toEqual(opened);

  expect(await ask(api, short.secret)).toEqual(opened);
  clock.advance(2 * hourMs);
  expect(await ask(api, short.secret)).toBe('UNAUTHENTICATED');
});

test('a key works from an address that it is allowed, also where IPv4 comes over IPv6', async ({ api, shop }) => {
  const { secret } = await create(shop, { allowedRanges: ['127.0.0.1', '::1'] });
  expect(await ask(api, secret)).toEqual(opened);
});

test('what has no right checksum is refused without asking the database', async ({ keys, clock }) => {
  const closed = { $transaction: () => Promise.reject(new Error('The database was asked.')) } as unknown as Db;
  const given = { keys, readKey: createReadKey(closed) };
  const key = formatApiKey({ apiKeyId: randomUUID(), secret: newKeySecret() });
  const wrong = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
  expect(await readClaims(`Bearer ${wrong}`, given, clock.now())).toBeNull();
  await expect(readClaims(`Bearer ${key}`, given, clock.now())).rejects.toThrow('The database was asked.');
});

test('a key is revoked with its next operation, whichever process it asks', async ({
  api,
  shop,
  database,
  keys,
  storage,
  clock,
}) => {
  await using otherDb = createDb(database.urls.app, { poolSize: 2 });
  await using other = await startTestApi({ db: otherDb, keys, storage, clock });
  const { secret, apiKey } = await create(shop);
  expect([await ask(api, secret), await ask(other, secret)]).toEqual([opened, opened]);
  const revoked = await act(shop, 'apiKeyRevoke', { apiKeyId: apiKey.id });
  expect(revoked).toMatchObject({ __typename: 'ApiKey', status: 'REVOKED', revokedBecause: 'REVOKED' });
  expect([await ask(other, secret), await ask(api, secret)]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
  const { lastUsedAt: _at, lastUsedAddress: _from, ...ended } = revoked; // its last use is written down in its own time
  expect(await act(shop, 'apiKeyRevoke', { apiKeyId: apiKey.id })).toMatchObject(ended);
});

test('a successor takes over while the old key still works, and an integration has no third', async ({
  api,
  shop,
  clock,
}) => {
  const first = await create(shop, { allowedRanges: ['127.0.0.0/8'] });
  const second = await act(shop, 'apiKeyRotate', { apiKeyId: first.apiKey.id, keepOldForHours: 24 });
  expect(second.apiKey).toMatchObject({ ...aKey, status: 'LIVE', allowedRanges: ['127.0.0.0/8'], expiresAt: null });
  expect([await ask(api, first.secret), await ask(api, second.secret)]).toEqual([opened, opened]);

  const third = [
    await create(shop),
    await act(shop, 'apiKeyRotate', { apiKeyId: first.apiKey.id, keepOldForHours: 0 }),
    await act(shop, 'apiKeyRotate', { apiKeyId: second.apiKey.id, keepOldForHours: 24 }),
  ];
  expect(third.map(({ __typename }) => __typename)).toEqual(['ConflictError', 'ConflictError', 'ConflictError']);
  expect((await create(shop, { integration: 'Another' })).__typename).toBe('NewApiKey');

  clock.advance(25 * hourMs);
  const { accessToken } = await signIn(api, shop);
  const later = { ...shop, graphql: (query: string, variables = {}) => api.graphql(query, variables, accessToken) };
  expect([await ask(api, first.secret), await ask(api, second.secret)]).toEqual(['UNAUTHENTICATED', opened]);
  const { data } = await later.graphql(
    `query ($id: ID!) { node(id: $id) { ... on ApiKey { status replacedBy { id } } } }`,
    {
      id: first.apiKey.id,
    },
  );
  expect(data['node']).toEqual({ status: 'EXPIRED', replacedBy: { id: second.apiKey.id } });

  const atOnce = await act(later, 'apiKeyRotate', { apiKeyId: second.apiKey.id, keepOldForHours: 0 });
  expect([await ask(api, second.secret), await ask(api, atOnce.secret)]).toEqual(['UNAUTHENTICATED', opened]);
});

test('of many keys that are made at the same moment, an integration keeps two', async ({ shop }) => {
  const made = await Promise.all(Array.from({ length: 6 }, () => create(shop)));
  expect(made.map(({ __typename }) => String(__typename)).sort()).toEqual([
    ...Array.from({ length: 4 }, () => 'ConflictError'),
    'NewApiKey',
    'NewApiKey',
  ]);
});

test('a key that somebody pastes is revoked, and a report tells nothing', async ({ api, shop, db }) => {
  const { secret, apiKey } = await create(shop);
  const { apiKeyId } = parseApiKey(secret) ?? { apiKeyId: '' };
  const unknown = [
    formatApiKey({ apiKeyId, secret: newKeySecret() }),
    formatApiKey({ apiKeyId: randomUUID(), secret: newKeySecret() }),
  ];
  const taken = { __typename: 'ApiKeyReported', at: expect.any(String) };
  for (const key of unknown) expect(await report(api, key)).toEqual(taken);
  expect(await ask(api, secret)).toEqual(opened);

  expect(await report(api, `Authorization: Bearer ${secret}\n`)).toEqual(taken);
  expect(await ask(api, secret)).toBe('UNAUTHENTICATED');
  expect(await report(api, secret)).toEqual(taken);
  expect(await report(api, `${secret}x`)).toMatchObject({ __typename: 'InvalidInputError' });

  const { data } = await shop.graphql('{ apiKeys { nodes { id status revokedBecause } } }');
  expect(data['apiKeys'].nodes).toEqual([{ id: apiKey.id, status: 'REVOKED', revokedBecause: 'REPORTED' }]);
  const entries = await inTenant(db, shop.tenantId, (tx) =>
    tx.auditEntry.findMany({ where: { tenantId: shop.tenantId, targetId: rawId(apiKey.id) }, orderBy: { id: 'asc' } }),
  );
  expect(entries.map(({ action, actorType, actorId }) => ({ action, actorType, actorId }))).toEqual([
    { action: 'apiKey.create', actorType: 'PERSON', actorId: shop.userId },
    { action: 'apiKey.report', actorType: 'SYSTEM', actorId: null },
  ]);
  expect(entries[1]?.address).not.toBeNull();
  expect(JSON.stringify(entries)).not.toContain(secret.split('_')[3]);
});

test('a person’s idempotency key and a program’s never meet', async ({ api, shop }) => {
  const { secret } = await create(shop);
  const make = `mutation { contactCreate(input: { name: "Ana", idempotencyKey: "same" }) { __typename ... on Contact { id } } }`;
  const [one, other] = [await shop.graphql(make), await api.graphql(make, {}, secret)];
  expect([one.data['contactCreate'].__typename, other.data['contactCreate'].__typename]).toEqual([
    'Contact',
    'Contact',
  ]);
  expect(one.data['contactCreate'].id).not.toBe(other.data['contactCreate'].id);
  const again = await api.graphql(make, {}, secret);
  expect(again.data['contactCreate'].id).toBe(other.data['contactCreate'].id);
});

test('it is written down when and from where a key was used, at most once a minute', async ({
  shop,
  database,
  keys,
  storage,
  clock,
}) => {
  await using db = createDb(database.urls.app, { poolSize: 2 });
  const { secret, apiKey } = await create(shop);
  const lastUse = async () => {
    const { data } = await shop.graphql(
      `query ($id: ID!) { node(id: $id) { ... on ApiKey { lastUsedAt lastUsedAddress } } }`,
      {
        id: apiKey.id,
      },
    );
    return data['node'];
  };
  const useIt = async (api: TestApi) => expect(await ask(api, secret)).toEqual(opened);
  {
    await using api = await startTestApi({ db, keys, storage, clock });
    await useIt(api);
  } // a process that ends has written what it noted
  const first = await lastUse();
  expect(first.lastUsedAddress).toContain('127.0.0.1');
  {
    await using api = await startTestApi({ db, keys, storage, clock });
    await useIt(api);
    clock.advance(1_000);
    await useIt(api); // within the minute of its process
  }
  const second = await lastUse();
  expect(new Date(second.lastUsedAt).getTime() - new Date(first.lastUsedAt).getTime()).toBeGreaterThanOrEqual(0);
  {
    await using api = await startTestApi({ db, keys, storage, clock });
    await useIt(api);
    clock.advance(2 * 60_000);
    await useIt(api);
  }
  const third = await lastUse();
  expect(new Date(third.lastUsedAt).getTime() - new Date(second.lastUsedAt).getTime()).toBeGreaterThan(60_000);
});

test('what is wrong with a key is said at once', async ({ shop }) => {
  const answer = await create(shop, {
    name: ' ',
    integration: '',
    scopes: [],
    expiresAt: '2020-01-01T00:00:00Z',
    allowedRanges: ['127.0.0.1', 'somewhere'],
  });
  expect(answer.fields.map(({ path }: { path: string }) => path)).toEqual([
    'name',
    'integration',
    'scopes',
    'expiresAt',
    'allowedRanges.1',
  ]);
  const { apiKey } = await create(shop);
  const tooLong = await act(shop, 'apiKeyRotate', { apiKeyId: apiKey.id, keepOldForHours: 1_000 });
  expect(tooLong.fields).toEqual([{ path: 'keepOldForHours' }]);
  const missing = await act(shop, 'apiKeyRotate', { apiKeyId: globalId('ApiKey', randomUUID()), keepOldForHours: 1 });
  expect(missing.__typename).toBe('NotFoundError');
});

async function signIn(api: TestApi, { email, password }: Person): Promise<{ accessToken: string }> {
  const query = `mutation ($input: SignInInput!) { signIn(input: $input) { ... on Session { accessToken } } }`;
  return (await api.graphql(query, { input: { email, password } })).data['signIn'];
}
