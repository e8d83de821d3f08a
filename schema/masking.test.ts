import { randomUUID } from 'node:crypto';
import { getNamedType, isObjectType } from 'graphql';
import { maskEmail, maskPhone, maskWhole } from '../domain/contacts/mask.ts';
import { inTenant } from '../prisma/client.ts';
import { mutate, newContact, refusalOf } from '../test/ask.ts';
import { makeSegment, makeSender } from '../test/campaigns.ts';
import { joinTenant } from '../test/colleague.ts';
import { expect, globalId, type Person, rawId, test as base, type TestApi } from '../test/fixtures.ts';
import { askForImport, importFile, readImport, runImport } from '../test/imports.ts';
import { schema } from './index.ts';

type Fixtures = {
  /** A contact with everything that is masked, and a message to it. */
  contact: { id: string; messageId: string };
  seller: Person;
};

const phone = '+5511987654321';
const email = 'ana.souza@example.com';
const other = '+5511987659999';

const proof = 'A message that asks to stop: wamid.HBgNNTUxMTk4NzY1NDMyMQ==';

/** What WhatsApp puts into messages: the number of the person here and there, also inside the ids of messages. */
const cameIn = {
  text: { body: `Call ${phone}` },
  context: { from: '5511987654321', id: 'wamid.HBgNNTUxMTk4NzY1NDMyMRUC' },
  system: {
    type: 'user_changed_number',
    wa_id: '5511987654321',
    body: 'Ana changed from 5511987659999 to 5511987654321',
  },
};

const test = base.extend<Fixtures>({
  contact: async ({ db, shop }, use) => {
    await mutate(shop, 'tenantUpdate', { maskForSellers: true }, '... on Tenant { id }');
    const identities = [
      { kind: 'PHONE', value: other },
      { kind: 'USERNAME', value: 'ana.souza' },
    ];
    const consent = { purpose: 'MARKETING', channel: 'WHATSAPP', granted: false, source: 'PERSON' };
    const id = await newContact(shop, { name: 'Ana', phone, email, identities, consents: [{ ...consent, proof }] });
    const { numberId } = await makeSender(db, shop.tenantId);
    const message = await inTenant(db, shop.tenantId, (tx) =>
      tx.message.create({
        data: {
          tenantId: shop.tenantId,
          numberId,
          contactId: rawId(id),
          address: phone,
          direction: 'OUTBOUND',
          type: 'TEMPLATE',
          status: 'SENT',
          parameters: ['Ana', phone, email],
          wamid: 'wamid.HBgNNTUxMTk4NzY1NDMyMQ==',
          content: cameIn,
        },
      }),
    );
    await use({ id, messageId: globalId('Message', message.id) });
  },
  seller: async ({ api, database, shop }, use) =>
    use(await joinTenant(api, database.superuserUrl, shop.tenantId, 'SELLER')),
});

test('a number shows its last four digits, an address its first letter and last part', () => {
  expect(maskPhone('+5511987654321')).toBe('•••4321');
  expect(maskEmail('ana.souza@shop.example.com')).toBe('a•••@•••.com');
  expect(maskWhole('+5511987654321')).toBe('•••4321');
  expect(maskWhole('ana@example.com')).toBe('a•••@•••.com');
  for (const text of ['BR.13491208655302741918', 'Ana', '4711', '']) expect(maskWhole(text)).toBe(text);
});

/** Fields whose name or description sounds like a person's number or address, and why they are shown to everybody who may read them. */
const notPersonal: Readonly<Record<string, string>> = {
  'ApiKey.allowedRanges': 'Networks that a key may be used from.',
  'ApiKey.lastUsedAddress': 'Where a program ran, for managers.',
  'AuditEntry.address': 'From where somebody of the tenant did something, for managers.',
  'ConflictError.path': 'Names a field of the input.',
  'ContactAddress.street': 'Where somebody lives: the setting is about ways to reach a person unasked.',
  'ContactImport.defaultCountry': 'A country.',
  'ContactImportColumn.name': 'The heading of a column.',
  'CustomFieldValue.value':
    'Whatever the tenant makes of its custom fields; `maskForSellers` says that they are shown.',
  'FieldProblem.path': 'Names a field of the input.',
  'IdentityUnknownError.email': 'The caller’s own, as Google says.',
  'Invitation.email': 'Of somebody who is to be a colleague.',
  'Member.email': 'Of the people of the tenant, not of its contacts.',
  'Tenant.phone': 'The business’s own.',
  'Tenant.registrationId': 'The business’s own.',
  'Tenant.street': 'The business’s own.',
  'Tenant.taxId': 'The business’s own.',
  'User.email': 'Of the people of the tenant, not of its contacts.',
  'UserSession.address': 'From where oneself is signed in.',
  'WhatsAppNumber.displayNumber': 'The business’s own.',
  'WhatsAppNumber.phoneNumberId': 'Meta’s id of the business’s own number.',
};

test('every text that may be somebody’s telephone number or e-mail address is masked, or said not to be one', () => {
  const suspicious = /phone|e-?mail|address|number/i;
  const fields = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
    .flatMap((type) =>
      isObjectType(type)
        ? Object.values(type.getFields())
            .filter((field) => ['String', 'JSON'].includes(getNamedType(field.type).name))
            .filter((field) => suspicious.test(`${field.name} ${field.description ?? ''}`))
            .filter((field) => !field.extensions['personal'])
            .map((field) => `${type.name}.${field.name}`)
        : [],
    );
  expect(fields.sort(), 'mark it with `personal` and answer it through `masked`, or list it with a reason').toEqual(
    Object.keys(notPersonal).sort(),
  );
});

const whole = `id phone email identities { kind value } messages { nodes { address parameters wamid content } } consentHistory { nodes { proof } }`;
const asItIs = {
  phone,
  email,
  identities: [
    { kind: 'PHONE', value: phone },
    { kind: 'PHONE', value: other },
    { kind: 'USERNAME', value: 'ana.souza' },
  ],
  messages: {
    nodes: [
      { address: phone, parameters: ['Ana', phone, email], wamid: 'wamid.HBgNNTUxMTk4NzY1NDMyMQ==', content: cameIn },
    ],
  },
  consentHistory: { nodes: [{ proof }] },
};
const inPart = {
  phone: '•••4321',
  email: 'a•••@•••.com',
  identities: [
    { kind: 'PHONE', value: '•••4321' },
    { kind: 'PHONE', value: '•••9999' },
    { kind: 'USERNAME', value: 'ana.souza' },
  ],
  messages: {
    nodes: [
      {
        address: '•••4321',
        parameters: ['Ana', '•••4321', 'a•••@•••.com'],
        wamid: null,
        content: {
          text: { body: `Call ${phone}` },
          context: { from: '•••4321', id: null },
          system: { type: 'user_changed_number', wa_id: '•••4321', body: null },
        },
      },
    ],
  },
  consentHistory: { nodes: [{ proof: 'A message that asks to stop: wamid.•••' }] },
};

async function read(caller: Person, id: string) {
  const { data } = await caller.graphql(`query ($id: ID!) { node(id: $id) { ... on Contact { ${whole} } } }`, { id });
  return data['node'];
}

test('sellers see numbers and addresses in part where the tenant says so, wherever they stand; managers as they are', async ({
  shop,
  seller,
  contact,
}) => {
  expect(await read(seller, contact.id)).toEqual({ id: contact.id, ...inPart });
  expect(await read(shop, contact.id)).toEqual({ id: contact.id, ...asItIs });
  const updated = await mutate(
    seller,
    'contactUpdate',
    { contactId: contact.id, name: 'Ana S.' },
    `... on Contact { ${whole} }`,
  );
  expect(updated).toMatchObject(inPart);
  for (const input of [{ email: inPart.email }, { phone: inPart.phone }]) {
    // What was shown in part and comes back is no change.
    const sent = await mutate(seller, 'contactUpdate', { contactId: contact.id, ...input });
    expect(sent).toMatchObject({ code: 'INVALID_INPUT' });
  }
  await mutate(shop, 'tenantUpdate', { maskForSellers: false }, '... on Tenant { id }');
  expect(await read(seller, contact.id)).toEqual({ id: contact.id, ...asItIs });
});

test('what is masked cannot be guessed by filters', async ({ db, shop, seller, contact }) => {
  const list = 'query ($filter: ContactFilter!) { contacts(filter: $filter) { nodes { id } } }';
  const preview = 'query ($filter: ContactFilter!) { segmentPreview(filter: $filter) { count { value } } }';
  const guesses = [
    { field: { phone: { startsWith: '+5511' } } },
    { field: { phone: { eq: phone } } },
    { field: { email: { contains: 'souza' } } },
    { or: [{ blocked: false }, { not: { and: [{ field: { email: { in: [email] } } }] } }] },
  ];
  for (const filter of guesses) {
    for (const query of [list, preview]) {
      expect(await refusalOf(seller, query, { filter })).toBe('BAD_USER_INPUT');
      expect(await refusalOf(shop, query, { filter })).toBeUndefined();
    }
  }
  const { data } = await seller.graphql(list, { filter: { field: { email: { isSet: true } } } });
  expect(data['contacts'].nodes).toEqual([{ id: contact.id }]);

  const filter = { or: [{ field: { email: { eq: email } } }, { field: { phone: { in: [phone] } } }] };
  const segment = globalId('Segment', await makeSegment(db, shop.tenantId, filter));
  const stored = 'query ($id: ID!) { node(id: $id) { ... on Segment { filter } } }';
  expect((await seller.graphql(stored, { id: segment })).data['node'].filter).toEqual({
    or: [{ field: { email: { eq: 'a•••@•••.com' } } }, { field: { phone: { in: ['•••4321'] } } }],
  });
  expect((await shop.graphql(stored, { id: segment })).data['node'].filter).toEqual(filter);
});

test('whose number it is that somebody tries to give to another contact is said to nobody who sees numbers in part, and written down', async ({
  db,
  shop,
  seller,
  contact,
}) => {
  const own = await newContact(shop, { name: 'Bea' });
  const tries: [string, Record<string, unknown>][] = [
    ['contactCreate', { phone, idempotencyKey: randomUUID() }],
    ['contactCreate', { identities: [{ kind: 'PHONE', value: phone }] }],
    ['contactUpdate', { contactId: own, phone }],
  ];
  for (const [mutation, input] of tries) {
    const told = { code: 'CONFLICT', conflictingId: null };
    expect(await mutate(seller, mutation, input), mutation).toMatchObject(told);
    expect(await mutate(seller, mutation, input), `${mutation}, repeated`).toMatchObject(told);
    expect(await mutate(shop, mutation, input), mutation).toMatchObject({ conflictingId: contact.id });
  }
  const entries = await inTenant(db, shop.tenantId, (tx) =>
    tx.auditEntry.findMany({ where: { action: 'contact.numberFound' }, select: { actorId: true, targetId: true } }),
  );
  expect(entries).toHaveLength(tries.length * 2 - 1); // the one with a key was repeated, and not done again
  for (const entry of entries) expect(entry).toEqual({ actorId: seller.userId, targetId: rawId(contact.id) });
});

test('a contact is revealed for one answer, with a reason, and that is written down', async ({
  db,
  shop,
  seller,
  contact,
}) => {
  const input = { contactId: contact.id, reason: 'The parcel came back', idempotencyKey: randomUUID() };
  const parts = `... on Contact { ${whole} }`;
  expect(await mutate(seller, 'contactReveal', input, parts)).toMatchObject(asItIs);
  expect(await read(seller, contact.id)).toMatchObject(inPart);
  expect(await mutate(seller, 'contactReveal', input, parts)).toMatchObject(inPart); // a repeat is not written down again
  const entries = await inTenant(db, shop.tenantId, (tx) =>
    tx.auditEntry.findMany({ where: { action: 'contact.reveal' } }),
  );
  expect(entries).toMatchObject([
    { actorId: seller.userId, targetId: rawId(contact.id), after: { reason: 'The parcel came back' } },
  ]);
  expect(await mutate(seller, 'contactReveal', { contactId: contact.id, reason: ' ' })).toMatchObject({
    code: 'INVALID_INPUT',
  });

  // One is revealed, and no other that the same answer shows.
  const second = await newContact(shop, { phone: '+5511900000001' });
  const { data } = await seller.graphql(
    `mutation ($input: ContactRevealInput!, $other: ContactUpdateInput!) {
      contactReveal(input: $input) { ... on Contact { phone } }
      contactUpdate(input: $other) { ... on Contact { phone } }
    }`,
    { input: { contactId: contact.id, reason: 'A call' }, other: { contactId: second, name: 'x' } },
  );
  expect(data).toEqual({ contactReveal: { phone }, contactUpdate: { phone: '•••0001' } });
});

test('a contact that a seller does not see is not revealed to it', async ({ api, database, shop, seller, contact }) => {
  await mutate(shop, 'tenantUpdate', { sellersSeeContacts: 'ASSIGNED_OR_UNASSIGNED' }, '... on Tenant { id }');
  const colleague = await joinTenant(api, database.superuserUrl, shop.tenantId, 'SELLER');
  const assigned = { contactIds: [contact.id], userId: globalId('User', colleague.userId) };
  await mutate(shop, 'contactAssign', assigned, '... on ContactsAssigned { contacts { id } }');
  const input = { contactId: contact.id, reason: 'Curious' };
  expect(await mutate(seller, 'contactReveal', input)).toMatchObject({ code: 'NOT_FOUND' });
  expect(await mutate(colleague, 'contactReveal', input, '... on Contact { phone }')).toMatchObject({ phone });
});

/** A program of the tenant's with a key. */
async function keyWith(api: TestApi, shop: Person, scopes: string[]): Promise<Person> {
  const input = { name: 'Sync', integration: scopes.join(), scopes };
  const { secret } = await mutate(shop, 'apiKeyCreate', input, '... on NewApiKey { secret }');
  return { ...shop, graphql: (query, variables) => api.graphql(query, variables, secret) };
}

test('a key sees in part what sellers see in part, unless it has the scope', async ({ api, shop, contact }) => {
  const query = 'query ($id: ID!) { node(id: $id) { ... on Contact { phone } } }';
  const plain = await keyWith(api, shop, ['CONTACTS_READ']);
  expect((await plain.graphql(query, { id: contact.id })).data['node']).toEqual({ phone: '•••4321' });
  const revealing = await keyWith(api, shop, ['CONTACTS_READ', 'CONTACTS_REVEAL']);
  expect((await revealing.graphql(query, { id: contact.id })).data['node']).toEqual({ phone });
});

test('a key that sees in part reads what failed of its own files, and of nobody else’s', async ({
  api,
  shop,
  db,
  storage,
  contact: _masks,
}) => {
  const file = `name,phone,birth date\nBea,${other},soon\n`;
  const theirs = await importFile({ db, storage }, shop, file);
  const key = await keyWith(api, shop, ['CONTACTS_IMPORT']);
  const own = await importFile({ db, storage }, key, file);
  const kept = { failed: 1, errorFileUrl: null, errors: { nodes: [{ code: 'INVALID_DATE', value: null }] } };
  const shown = { failed: 1, errorFileUrl: expect.any(String), errors: { nodes: [{ value: 'soon' }] } };
  expect(own).toMatchObject(shown);
  expect(await readImport(key, theirs['id'])).toMatchObject(kept);
  expect(await readImport(shop, own['id'])).toMatchObject(shown);

  // Trying another's file is an import of one's own, and the file is another's still.
  const { data } = await shop.graphql('query ($id: ID!) { node(id: $id) { ... on ContactImport { upload { id } } } }', {
    id: theirs['id'],
  });
  const again = await askForImport(key, data['node'].upload.id, { dryRun: true });
  await runImport({ db, storage }, key, again['id']);
  expect(await readImport(key, again['id'])).toMatchObject(kept);
});
