import { type Db, inTenant } from '../prisma/client.ts';
import type { Simulators } from '../simulators/start.ts';
import { mutate } from '../test/ask.ts';
import { expect, globalId, type Person, rawId, startTestApi } from '../test/fixtures.ts';
import { metaOf, test } from '../test/partners.ts';
import { connect as connectTo } from '../test/sql.ts';

const numberFields = `id phoneNumberId displayNumber verifiedName nameStatus status registered quality throughput messagingLimit
  blockedReason { reason title action metaCode since until }`;
const accountFields = `id wabaId name currency reviewStatus status tokenExpiresAt blockedReason { reason title action metaCode }
  numbers { ${numberFields} }`;
const pin = '123456';

function connect(person: Pick<Person, 'graphql'>, input: Record<string, unknown>) {
  const parts = `... on WhatsAppAccount { ${accountFields} } ... on PartnerError { title partnerCode path } ... on PartnerUnavailableError { retryAfter }`;
  return mutate(person, 'whatsAppConnect', input, parts);
}

function refresh(person: Pick<Person, 'graphql'>, numberId: string) {
  return mutate(
    person,
    'whatsAppNumberRefresh',
    { numberId },
    `... on WhatsAppNumber { ${numberFields} } ... on PartnerError { partnerCode path }`,
  );
}

async function accountsOf(person: Pick<Person, 'graphql'>) {
  const answer = await person.graphql(`{ whatsAppAccounts { nodes { ${accountFields} } } }`);
  return answer.data['whatsAppAccounts'].nodes;
}

/** A number of the simulator's that is to be connected, with a code and a token of its own. */
const newNumber = (simulators: Simulators, input = {}) =>
  simulators.meta.createNumber({ level: 'HIGH', tier: 'TIER_10K', ...input });

const connectionsOf = (db: Db, tenantId: string) =>
  inTenant(db, tenantId, (tx) => tx.connection.findMany({ where: { tenantId } }));

test('an account is connected with a code: registered, subscribed, and read', async ({ shop, simulators, db }) => {
  const { code, wabaId, phoneNumberId, displayNumber, businessId } = newNumber(simulators);
  const account = await connect(shop, { code, wabaId, phoneNumberId, pin });
  expect(account).toMatchObject({
    __typename: 'WhatsAppAccount',
    wabaId,
    name: 'Loja Ümit',
    status: 'ACTIVE',
    blockedReason: null,
    numbers: [
      {
        phoneNumberId,
        displayNumber,
        status: 'CONNECTED',
        registered: true,
        quality: 'GREEN',
        throughput: 1_000,
        messagingLimit: 10_000,
        blockedReason: null,
      },
    ],
  });
  expect(await accountsOf(shop)).toEqual(
    [{ ...account, __typename: undefined }].map(({ __typename, ...rest }) => rest),
  );
  const rows = await inTenant(db, shop.tenantId, async (tx) => ({
    paces: await tx.numberPace.count({ where: { tenantId: shop.tenantId } }),
    accounts: await tx.whatsAppAccount.findMany({ select: { portfolioId: true } }),
    routes:
      await tx.$queryRaw`select external_id from find_partner_routes('META_WABA', ${[wabaId]}) where tenant_id = ${shop.tenantId}::uuid
      union all select external_id from find_partner_routes('META_NUMBER', ${[phoneNumberId]}) where tenant_id = ${shop.tenantId}::uuid`,
  }));
  expect(rows).toEqual({
    paces: 1,
    accounts: [{ portfolioId: businessId }],
    routes: [{ external_id: wabaId }, { external_id: phoneNumberId }],
  });
});

test('a system user’s token connects what it opens, though nobody says which account', async ({ shop, simulators }) => {
  const { accessToken, wabaId } = newNumber(simulators, { level: 'STANDARD', tier: 'TIER_UNLIMITED' });
  expect(await connect(shop, { accessToken, pin })).toMatchObject({
    wabaId,
    tokenExpiresAt: null,
    numbers: [{ status: 'CONNECTED', throughput: 80, messagingLimit: null }],
  });
  const two = [newNumber(simulators), newNumber(simulators)].map((number) => number.wabaId);
  const both = simulators.meta.createToken({ wabaIds: two });
  expect(await connect(shop, { accessToken: both, pin })).toMatchObject({
    __typename: 'InvalidInputError',
    fields: [{ path: 'wabaId' }],
  });
});

test('a number that is in use, or shared with the phone app, is not registered again', async ({ shop, simulators }) => {
  const inUse = newNumber(simulators, { isRegistered: true, pin: '999999' });
  expect(await connect(shop, { code: inUse.code })).toMatchObject({ numbers: [{ status: 'CONNECTED' }] });
  const shared = newNumber(simulators, { level: 'COEXISTENCE' });
  const { code, phoneNumberId } = shared;
  expect(await connect(shop, { code, phoneNumberId, pin })).toMatchObject({
    numbers: [{ status: 'CONNECTED', throughput: 20 }],
  });
});

test('the token is stored sealed, and neither it nor the code is ever told', async ({
  shop,
  simulators,
  db,
  api,
  database,
}) => {
  const { accessToken, code, wabaId } = newNumber(simulators);
  await connect(shop, { accessToken, pin, idempotencyKey: 'once' });
  await connect(shop, { code, wabaId, pin });
  await using superuser = await connectTo(database.superuserUrl);
  const everything = JSON.stringify([
    (await superuser.query('select * from connections')).rows,
    (await superuser.query('select * from idempotency_keys')).rows,
    api.logLines,
  ]);
  expect(everything).toContain(wabaId);
  for (const secret of [accessToken, code]) expect(everything).not.toContain(secret);
  const [connection] = await connectionsOf(db, shop.tenantId);
  expect(connection?.token).toMatch(/^v1\.test\./);
});

test('a wrong PIN is told as such, and the same code goes on with the right one', async ({ shop, simulators }) => {
  const { code, wabaId, phoneNumberId } = newNumber(simulators, { pin: '654321' });
  expect(await connect(shop, { code, phoneNumberId, pin })).toMatchObject({
    __typename: 'PartnerError',
    code: 'PARTNER_REFUSED',
    partnerCode: 133005,
    path: 'pin',
  });
  expect(await accountsOf(shop)).toEqual([]);
  expect(await connect(shop, { code, phoneNumberId, pin: '654321' })).toMatchObject({ wabaId, status: 'ACTIVE' });
});

test('ten wrong tries are one too many, and the answer says for how long', async ({ shop, simulators }) => {
  const { accessToken, phoneNumberId } = newNumber(simulators, { pin: '654321' });
  for (let tries = 0; tries < 10; tries += 1) await connect(shop, { accessToken, phoneNumberId, pin });
  expect(await connect(shop, { accessToken, phoneNumberId, pin: '654321' })).toMatchObject({
    partnerCode: 133016,
    message: expect.stringContaining('72 hours'),
  });
});

test('a code that expired, was used elsewhere or never was is refused for what it is', async ({ shop, simulators }) => {
  const { wabaId } = newNumber(simulators);
  const refusal = async (code: string) => {
    const answer = await connect(shop, { code, wabaId, pin });
    expect(answer).toMatchObject({ __typename: 'PartnerError', path: 'code', partnerCode: 100 });
    return String(answer['message']);
  };
  const late = simulators.meta.createCode(wabaId);
  simulators.advance(31_000);
  expect(await refusal(late)).toContain('expired');
  const used = simulators.meta.createCode(wabaId);
  const { graphUrl, appId, appSecret } = simulators.meta.credentials;
  await fetch(`${graphUrl}/v25.0/oauth/access_token?client_id=${appId}&client_secret=${appSecret}&code=${used}`);
  expect(await refusal(used)).toContain('used before');
  expect(await refusal('AQnobody')).toContain('not valid');
});

test('what a token lacks, or does not reach, is named', async ({ shop, simulators }) => {
  const { wabaId } = newNumber(simulators);
  const other = newNumber(simulators);
  const scoped = simulators.meta.createToken({ wabaIds: [wabaId], scopes: ['whatsapp_business_management'] });
  expect(await connect(shop, { accessToken: scoped, pin })).toMatchObject({
    __typename: 'PartnerError',
    path: 'accessToken',
    message: expect.stringContaining('whatsapp_business_messaging'),
  });
  const { accessToken } = other;
  expect(await connect(shop, { accessToken, wabaId, pin })).toMatchObject({
    __typename: 'PartnerError',
    path: 'wabaId',
  });
  expect(await connect(shop, { accessToken: 'EAAnonsense', pin })).toMatchObject({ path: 'accessToken' });
  simulators.meta.changeToken(accessToken, 'revoked');
  expect(await connect(shop, { accessToken, pin })).toMatchObject({
    path: 'accessToken',
    message: expect.stringContaining('expired'),
  });
  const { accessToken: fine } = newNumber(simulators);
  expect(await connect(shop, { accessToken: fine, phoneNumberId: '12345678', pin })).toMatchObject({
    fields: [{ path: 'phoneNumberId' }],
  });
  expect(await accountsOf(shop)).toEqual([]);
});

test('an input that cannot be is refused by path, and Meta is not asked', async ({ shop, simulators }) => {
  const before = simulators.meta.books().requests;
  expect(await connect(shop, { pin: '12a456', wabaId: 'mine' })).toMatchObject({
    fields: [{ path: 'code' }, { path: 'wabaId' }, { path: 'pin' }],
  });
  expect(await connect(shop, { code: 'a', accessToken: 'b' })).toMatchObject({ fields: [{ path: 'code' }] });
  expect(simulators.meta.books().requests).toBe(before);
});

const steps = ['access_token', 'debug_token', 'phone_numbers', 'register', 'subscribed_apps'];

test.for(steps)(
  'Meta breaking off at %s leaves nothing by half, and a repeat heals it',
  async (edge, { shop, simulators, db }) => {
    const { code, wabaId, phoneNumberId } = newNumber(simulators);
    simulators.meta.failNext({ kind: 'error', code: 2, edge });
    const input = { code, wabaId, phoneNumberId, pin, idempotencyKey: 'the-same' };
    expect(await connect(shop, input)).toMatchObject({ __typename: 'PartnerUnavailableError', retryAfter: 60 });
    expect(await accountsOf(shop)).toEqual([]);
    expect(await connect(shop, input)).toMatchObject({ status: 'ACTIVE', numbers: [{ status: 'CONNECTED' }] });
    expect(await connectionsOf(db, shop.tenantId)).toMatchObject([{ status: 'ACTIVE', externalId: wabaId }]);
    const { requests } = simulators.meta.books();
    expect(await connect(shop, input)).toMatchObject({ status: 'ACTIVE' });
    expect(simulators.meta.books().requests).toBe(requests); // replayed
  },
);

test('connecting again heals a broken account, keeps its ids, and takes over the new token', async ({
  shop,
  simulators,
  db,
}) => {
  const { code, wabaId, phoneNumberId } = newNumber(simulators);
  const first = await connect(shop, { code, phoneNumberId, pin });
  await inTenant(db, shop.tenantId, async (tx) => {
    await tx.connection.updateMany({ data: { status: 'BROKEN', brokenReason: 'META_190' } });
    await tx.whatsAppAccount.updateMany({ data: { blockedReason: 'META_131042', blockedAt: new Date() } });
  });
  expect(await accountsOf(shop)).toMatchObject([
    { status: 'BROKEN', blockedReason: { metaCode: 190, action: 'Reconnect the WhatsApp account.' } },
  ]);
  const [before] = await connectionsOf(db, shop.tenantId);
  const again = await connect(shop, { code: simulators.meta.createCode(wabaId), phoneNumberId });
  expect(again).toMatchObject({ id: first['id'], status: 'ACTIVE', blockedReason: null });
  expect(again['numbers'][0].id).toBe(first['numbers'][0].id);
  const [after, ...others] = await connectionsOf(db, shop.tenantId);
  expect(others).toEqual([]);
  expect(after?.id).toBe(before?.id);
  expect(after?.token).not.toBe(before?.token);
});

test('what another tenant has connected is refused, without a word about whose it is', async ({
  signUp,
  simulators,
  db,
}) => {
  const [mine, theirs] = [await signUp('Mine'), await signUp('Theirs')];
  const { code, wabaId } = newNumber(simulators);
  await connect(theirs, { code, pin });
  const refused = await connect(mine, { code: simulators.meta.createCode(wabaId), pin });
  expect(refused).toMatchObject({ __typename: 'ConflictError', conflictingId: null, path: null });
  expect(JSON.stringify(refused)).not.toContain(theirs.tenantId);
  expect(await accountsOf(mine)).toEqual([]);
  expect((await connectionsOf(db, theirs.tenantId))[0]?.status).toBe('ACTIVE');
});

test('of two tenants who connect one account at the same time, one gets it whole', async ({ signUp, simulators }) => {
  const people = [await signUp(), await signUp()];
  const { wabaId } = newNumber(simulators);
  const answers = await Promise.all(
    people.map((person) => connect(person, { code: simulators.meta.createCode(wabaId), pin })),
  );
  expect(answers.map(({ __typename }) => String(__typename)).sort()).toEqual(['ConflictError', 'WhatsAppAccount']);
  const lists = await Promise.all(people.map(accountsOf));
  expect(lists.flat()).toHaveLength(1);
});

test('only those who manage the tenant connect and refresh, everybody may look', async ({
  shop,
  simulators,
  database,
}) => {
  const { code } = newNumber(simulators);
  const account = await connect(shop, { code, pin });
  await using superuser = await connectTo(database.superuserUrl);
  await superuser.query(`update memberships set role = 'SELLER'`);
  expect(await accountsOf(shop)).toHaveLength(1);
  const refused = await shop.graphql(
    `mutation { whatsAppConnect(input: { accessToken: "EAA" }) { __typename } whatsAppNumberRefresh(input: { numberId: "${account['numbers'][0].id}" }) { __typename } }`,
  );
  expect(refused.errors?.map(({ extensions }) => extensions['code'])).toEqual(['FORBIDDEN', 'FORBIDDEN']);
});

test('an installation without Meta says so', async ({ db, keys, storage, clock, shop }) => {
  await using off = await startTestApi({ db, keys, storage, clock });
  const person = {
    graphql: (query: string, variables?: object) => off.graphql(query, { ...variables }, shop.accessToken),
  };
  expect(await connect(person, { accessToken: 'EAA' })).toMatchObject({
    __typename: 'PartnerOffError',
    code: 'PARTNER_OFF',
  });
});

test('an app that Meta does not know is the installation’s mistake, and told as that', async ({
  db,
  keys,
  storage,
  clock,
  shop,
  simulators,
}) => {
  const { graphUrl } = simulators.meta.credentials;
  await using meta = metaOf(simulators, { appSecret: 'another' });
  await using api = await startTestApi({ db, keys, storage, clock, meta });
  const person = {
    graphql: (query: string, variables?: object) => api.graphql(query, { ...variables }, shop.accessToken),
  };
  const { accessToken } = newNumber(simulators);
  const refused = await connect(person, { accessToken });
  expect(refused).toMatchObject({ __typename: 'PartnerError', message: expect.stringContaining('META_APP_SECRET') });
  expect(JSON.stringify(refused)).not.toContain(graphUrl);
});

test('a refresh reads the number anew and lifts a block that Meta no longer sees', async ({ shop, simulators, db }) => {
  const { code, phoneNumberId, wabaId } = newNumber(simulators, { level: 'STANDARD' });
  const account = await connect(shop, { code, pin });
  const [{ id }] = account['numbers'];
  const block = { blockedReason: 'META_131042', blockedAt: new Date() };
  await inTenant(db, shop.tenantId, async (tx) => {
    await tx.whatsAppNumber.updateMany({ data: block });
    await tx.whatsAppAccount.updateMany({ data: block });
  });
  simulators.meta.changeAccount(wabaId, { hasPayment: false });
  simulators.meta.changeNumber(phoneNumberId, { level: 'HIGH', quality: 'YELLOW' });
  expect(await refresh(shop, id)).toMatchObject({
    throughput: 1_000,
    quality: 'YELLOW',
    blockedReason: { reason: 'META_131042', metaCode: 131042, title: expect.any(String), action: expect.any(String) },
  });
  expect(await accountsOf(shop)).toMatchObject([{ status: 'BLOCKED', blockedReason: { metaCode: 131042 } }]);
  simulators.meta.changeAccount(wabaId, { hasPayment: true });
  expect(await refresh(shop, id)).toMatchObject({ blockedReason: null });
  expect(await accountsOf(shop)).toMatchObject([{ status: 'ACTIVE', blockedReason: null }]);
});

test('a token that was revoked shows at the next call, and a refresh with one that works ends it', async ({
  shop,
  simulators,
}) => {
  const { accessToken } = newNumber(simulators);
  const account = await connect(shop, { accessToken, pin });
  const [{ id }] = account['numbers'];
  simulators.meta.changeToken(accessToken, 'revoked');
  expect(await refresh(shop, id)).toMatchObject({ __typename: 'PartnerError', partnerCode: 190 });
  expect(await accountsOf(shop)).toMatchObject([{ status: 'BROKEN', blockedReason: { reason: 'META_190' } }]);
  simulators.meta.changeToken(accessToken, 'valid');
  expect(await refresh(shop, id)).toMatchObject({ status: 'CONNECTED' });
  expect(await accountsOf(shop)).toMatchObject([{ status: 'ACTIVE' }]);
});

test('a second tenant sees no account and no number of the first, and refreshes none', async ({
  signUp,
  simulators,
}) => {
  const [mine, theirs] = [await signUp(), await signUp()];
  const { code } = newNumber(simulators);
  const account = await connect(theirs, { code, pin });
  const [{ id }] = account['numbers'];
  const { data } = await mine.graphql(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id } whatsAppNumbers { nodes { id } } whatsAppAccounts { nodes { id } } }',
    { ids: [account['id'], id] },
  );
  expect(data).toEqual({ nodes: [null, null], whatsAppNumbers: { nodes: [] }, whatsAppAccounts: { nodes: [] } });
  const missing = await refresh(mine, globalId('WhatsAppNumber', mine.tenantId));
  expect(await refresh(mine, id)).toEqual(missing);
  expect(missing).toMatchObject({ __typename: 'NotFoundError' });
  expect(rawId(id)).toHaveLength(36);
});
