import { randomUUID } from 'node:crypto';
import { runLaunch } from '../domain/campaigns/launch.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import { mutate, newContact, readContact, refusalOf } from '../test/ask.ts';
import { makeCampaign, makeSegment, makeSender, settings } from '../test/campaigns.ts';
import { joinTenant } from '../test/colleague.ts';
import { expect, globalId, type Person, rawId, test as base } from '../test/fixtures.ts';

type Fixtures = {
  /** Two sellers of a tenant whose sellers see their own and what is nobody's. */
  ana: Person;
  bea: Person;
};

const test = base.extend<Fixtures>({
  ana: async ({ api, database, shop }, use) => {
    const sees = { sellersSeeContacts: 'ASSIGNED_OR_UNASSIGNED', sellersSeeCampaigns: 'ASSIGNED_OR_UNASSIGNED' };
    await mutate(shop, 'tenantUpdate', sees, '... on Tenant { id }');
    await use(await joinTenant(api, database.superuserUrl, shop.tenantId, 'SELLER'));
  },
  bea: async ({ api, database, shop }, use) =>
    use(await joinTenant(api, database.superuserUrl, shop.tenantId, 'SELLER')),
});

const idOf = ({ userId }: Person) => globalId('User', userId);

/** A contact of everything, and whose it is. */
async function contactOf(shop: Person, seller: Person | null, phone: string): Promise<string> {
  const id = await newContact(shop, {
    name: `Of ${seller ? 'somebody' : 'nobody'}`,
    phone,
    externalId: phone,
    consents: [{ purpose: 'MARKETING', channel: 'WHATSAPP', granted: true, source: 'PERSON' }],
  });
  if (seller) await assign(shop, [id], seller);
  return id;
}

const assign = (by: Person, contactIds: string[], to: Person | null) =>
  mutate(
    by,
    'contactAssign',
    { contactIds, userId: to && idOf(to) },
    '... on ContactsAssigned { contacts { id assignedTo } }',
  );

async function listed(caller: Person, filter: object | null = null): Promise<string[]> {
  const { data, errors } = await caller.graphql(
    `query ($filter: ContactFilter) { contacts(filter: $filter) { totalCount nodes { id } } }`,
    { filter },
  );
  if (errors) throw new Error(JSON.stringify(errors));
  expect(data['contacts'].totalCount).toBe(data['contacts'].nodes.length);
  return data['contacts'].nodes.map(({ id }: { id: string }) => id).toSorted();
}

test('a seller sees contacts that are the own or nobody’s, in lists, counts and previews; a manager sees all', async ({
  db,
  shop,
  ana,
  bea,
}) => {
  const own = await contactOf(shop, ana, '+5511900000001');
  const other = await contactOf(shop, bea, '+5511900000002');
  const open = await contactOf(shop, null, '+5511900000003');
  expect(await listed(ana)).toEqual([own, open].toSorted());
  expect(await listed(bea)).toEqual([other, open].toSorted());
  expect(await listed(shop)).toEqual([own, other, open].toSorted());

  expect(await listed(ana, { blocked: false })).toEqual([own, open].toSorted());
  expect(await listed(shop, { assignedTo: { isSet: false } })).toEqual([open]);
  const ofNobody = { filter: { assignedTo: { is: globalId('User', randomUUID()) } } };
  const filtered = 'query ($filter: ContactFilter) { contacts(filter: $filter) { nodes { id } } }';
  expect(await refusalOf(shop, filtered, ofNobody)).toBe('BAD_USER_INPUT');

  const segment = globalId('Segment', await makeSegment(db, shop.tenantId));
  const preview = `query ($id: ID!) { node(id: $id) { ... on Segment { count { value } preview { nodes { id } } } } }`;
  const { data } = await ana.graphql(preview, { id: segment });
  expect(data['node'].count.value).toBe(2);
  expect(data['node'].preview.nodes).toHaveLength(2);

  await mutate(shop, 'tenantUpdate', { sellersSeeContacts: 'ALL' }, '... on Tenant { id }');
  expect(await listed(ana)).toHaveLength(3); // with the next operation
});

test('what hangs on another seller’s contact is not there, and changing it answers like for nobody’s', async ({
  db,
  shop,
  ana,
  bea,
}) => {
  const { numberId } = await makeSender(db, shop.tenantId);
  const other = await contactOf(shop, bea, '+5511900000002');
  const own = await contactOf(shop, ana, '+5511900000001');
  const note = await mutate(bea, 'contactNoteCreate', { contactId: other, body: 'Hm' }, '... on ContactNote { id }');
  const message = await inTenant(db, shop.tenantId, async (tx) => {
    const of = { tenantId: shop.tenantId, numberId, direction: 'INBOUND', type: 'TEXT', status: 'RECEIVED' };
    await tx.message.create({ data: { ...of, contactId: rawId(own) } });
    return tx.message.create({ data: { ...of, contactId: rawId(other) } });
  });
  const messageId = globalId('Message', message.id);
  const nodes = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } messages { nodes { id } } }';
  const ids = [other, note['id'], messageId];
  const seen = await ana.graphql(nodes, { ids });
  expect(seen.errors).toBeUndefined();
  expect(seen.data['nodes']).toEqual([null, null, null]);
  expect(seen.data['messages'].nodes).toHaveLength(1);
  expect((await bea.graphql(nodes, { ids })).data).toEqual({
    nodes: ids.map((id) => ({ id })),
    messages: { nodes: [{ id: messageId }] },
  });
  expect((await shop.graphql(nodes, { ids })).data['messages'].nodes).toHaveLength(2);
  const ofContact = 'query ($of: ID!) { messages(filter: { contactId: $of }) { nodes { id } } }';
  expect((await ana.graphql(ofContact, { of: other })).data['messages'].nodes).toEqual([]);

  const consent = { purpose: 'MARKETING', channel: 'WHATSAPP', granted: true, source: 'PERSON' };
  const tries: [string, (contact: string, note: string) => Record<string, unknown>][] = [
    ['contactUpdate', (contactId) => ({ contactId, name: 'x' })],
    ['contactBlock', (contactId) => ({ contactId })],
    ['contactMerge', (sourceId) => ({ sourceId, targetId: own })],
    ['contactMerge', (targetId) => ({ sourceId: own, targetId })],
    ['contactUnmerge', (contactId) => ({ contactId })],
    ['contactTagsSet', (contactId) => ({ contactId, tagIds: [] })],
    ['contactConsentSet', (contactId) => ({ contactId, ...consent })],
    ['contactNoteCreate', (contactId) => ({ contactId, body: 'x' })],
    ['contactNoteUpdate', (_contact, noteId) => ({ noteId, body: 'x' })],
    ['contactNoteDelete', (_contact, noteId) => ({ noteId })],
    [
      'messageSend',
      (contactId) => ({ contactId, numberId: globalId('WhatsAppNumber', numberId), text: { body: 'x' } }),
    ],
  ];
  const nobodys = [globalId('Contact', randomUUID()), globalId('ContactNote', randomUUID())] as const;
  for (const [mutation, input] of tries) {
    const answer = await mutate(ana, mutation, input(other, note['id']));
    expect(answer, mutation).toMatchObject({ code: 'NOT_FOUND' });
    expect(answer, mutation).toEqual(await mutate(ana, mutation, input(...nobodys)));
  }
  expect(await readContact(shop, other)).toMatchObject({ blocked: false, notes: { nodes: [{ body: 'Hm' }] } });
});

test('a repeat tells nothing more of what has become another seller’s since', async ({ db, shop, ana, bea }) => {
  const { numberId } = await makeSender(db, shop.tenantId);
  const contactId = await contactOf(shop, null, '+5511900000001');
  await inTenant(db, shop.tenantId, (tx) =>
    tx.contactWindow.create({
      data: { tenantId: shop.tenantId, contactId: rawId(contactId), numberId, lastInboundAt: new Date() },
    }),
  );
  const deeds: [string, Record<string, unknown>, parts: string][] = [
    ['contactUpdate', { contactId, name: 'x' }, '... on Contact { name }'],
    ['contactNoteCreate', { contactId, body: 'Hm' }, '... on ContactNote { body }'],
    [
      'messageSend',
      { contactId, numberId: globalId('WhatsAppNumber', numberId), text: { body: 'x' } },
      '... on Message { status }',
    ],
  ];
  const once = deeds.map(([name, input, parts]) => [name, { ...input, idempotencyKey: randomUUID() }, parts] as const);
  for (const deed of once) expect(await mutate(ana, ...deed), deed[0]).not.toHaveProperty('code');
  await assign(shop, [contactId], bea);
  for (const deed of once) expect(await mutate(ana, ...deed), deed[0]).toMatchObject({ code: 'NOT_FOUND' });
});

test('that a phone or an external id is another seller’s contact’s is said without saying whose', async ({
  db,
  shop,
  ana,
  bea,
}) => {
  const { numberId } = await makeSender(db, shop.tenantId);
  const phone = '+5511900000002';
  const other = await contactOf(shop, bea, phone);
  const own = await contactOf(shop, ana, '+5511900000001');
  const tries: [string, Record<string, unknown>][] = [
    ['contactCreate', { name: 'x', phone }],
    ['contactCreate', { name: 'x', externalId: phone }],
    ['contactUpsert', { externalId: phone, name: 'x' }],
    ['contactUpdate', { contactId: own, phone }],
    ['contactUpdate', { contactId: own, externalId: phone }],
    ['messageSend', { to: phone, numberId: globalId('WhatsAppNumber', numberId), text: { body: 'x' } }],
  ];
  for (const [mutation, input] of tries) {
    const answer = await mutate(ana, mutation, input);
    expect(answer, mutation).toMatchObject({ code: 'CONFLICT', conflictingId: null });
  }
  expect(await mutate(shop, 'contactCreate', { name: 'x', phone })).toMatchObject({ conflictingId: other });
  expect(await readContact(shop, other)).toMatchObject({ name: 'Of somebody' });
});

test('what is merged into a contact is always assigned with it', async ({ shop, ana, bea }) => {
  const target = await contactOf(shop, ana, '+5511900000001');
  const source = await contactOf(shop, bea, '+5511900000002');
  await mutate(shop, 'contactMerge', { sourceId: source, targetId: target }, '... on Contact { id }');
  expect(await listed(ana)).toEqual([target]);
  const merged = 'query ($id: ID!) { node(id: $id) { ... on Contact { assignedTo merged { contactId } } } }';
  const read = { assignedTo: idOf(ana), merged: [{ contactId: source }] };
  expect((await ana.graphql(merged, { id: target })).data['node']).toEqual(read);

  await assign(shop, [target], bea);
  expect(await listed(ana)).toEqual([]);
  expect(await mutate(ana, 'contactUnmerge', { contactId: source })).toMatchObject({ code: 'NOT_FOUND' });
  const unmerged = await mutate(bea, 'contactUnmerge', { contactId: source }, '... on Contact { id assignedTo }');
  expect(unmerged).toMatchObject({ id: source, assignedTo: idOf(bea) });

  // Nobody's goes to somebody with what it is merged into, or with what is merged into it.
  const open = await contactOf(shop, null, '+5511900000003');
  await mutate(shop, 'contactMerge', { sourceId: target, targetId: open }, '... on Contact { id }');
  expect(await listed(bea)).toEqual([open, source].toSorted());
  expect(await listed(ana)).toEqual([]);
});

test('contacts are assigned by managers, all or none, to people of the tenant', async ({ shop, ana, bea, signUp }) => {
  const [one, other] = [await contactOf(shop, null, '+5511900000001'), await contactOf(shop, null, '+5511900000002')];
  const stranger = await signUp();
  expect(await assign(shop, [one, other], bea)).toMatchObject({
    contacts: [one, other].map((id) => ({ id, assignedTo: idOf(bea) })),
  });
  expect(await assign(shop, [one, globalId('Contact', randomUUID())], ana)).toMatchObject({ code: 'NOT_FOUND' });
  expect(await assign(shop, [one], stranger)).toMatchObject({ code: 'NOT_FOUND' });
  expect(await assign(shop, [], ana)).toMatchObject({ code: 'INVALID_INPUT' });
  const mutation = `mutation ($input: ContactAssignInput!) { contactAssign(input: $input) { __typename } }`;
  expect(await refusalOf(bea, mutation, { input: { contactIds: [one], userId: idOf(bea) } })).toBe('FORBIDDEN');
  expect(await listed(bea)).toEqual([one, other].toSorted());
  expect(await assign(shop, [one], null)).toMatchObject({ contacts: [{ assignedTo: null }] });
});

async function campaignOf(db: Db, shop: Person, contactIds: string[]): Promise<string> {
  const sender = await makeSender(db, shop.tenantId);
  const audience = { contactIds: contactIds.map(rawId) };
  const id = await makeCampaign(db, shop.tenantId, sender, { audience, status: 'LAUNCHING' });
  await runLaunch(db, { tenantId: shop.tenantId, campaignId: id }, settings, new AbortController().signal);
  return globalId('Campaign', id);
}

test('a seller sees campaigns that are the own or nobody’s, and of their recipients the own contacts', async ({
  db,
  shop,
  ana,
  bea,
}) => {
  const [own, other] = [await contactOf(shop, ana, '+5511900000001'), await contactOf(shop, bea, '+5511900000002')];
  const campaign = await campaignOf(db, shop, [own, other]);
  const hidden = await campaignOf(db, shop, [own]);
  const assigned = { campaignId: hidden, userId: idOf(bea) };
  expect(await mutate(shop, 'campaignAssign', assigned, '... on Campaign { assignedTo }')).toMatchObject({
    assignedTo: idOf(bea),
  });
  const query = `query ($hidden: ID!) {
    campaigns { nodes { id audience { contactIds } recipients { nodes { contact { id } } } totals { audience } } }
    node(id: $hidden) { id }
    messages { nodes { contact { id } campaign { id } } }
    ofHidden: messages(filter: { campaignId: $hidden }) { nodes { id } }
  }`;
  const { data, errors } = await ana.graphql(query, { hidden });
  expect(errors).toBeUndefined();
  expect(data['node']).toBeNull();
  expect(data['campaigns'].nodes).toEqual([
    {
      id: campaign,
      audience: { contactIds: [own] },
      recipients: { nodes: [{ contact: { id: own } }] },
      totals: { audience: 2 },
    },
  ]);
  expect(data['messages'].nodes).toEqual([
    { contact: { id: own }, campaign: null },
    { contact: { id: own }, campaign: { id: campaign } },
  ]);
  expect(data['ofHidden'].nodes).toEqual([]);

  const all = await shop.graphql(query, { hidden });
  expect(all.data['campaigns'].nodes).toHaveLength(2);
  expect(all.data['messages'].nodes).toHaveLength(3);
  expect(all.data['ofHidden'].nodes).toHaveLength(1);
  const mine = 'query ($of: ID!) { campaigns(filter: { assignedTo: { is: $of } }) { nodes { id } } }';
  expect((await shop.graphql(mine, { of: idOf(bea) })).data['campaigns'].nodes).toEqual([{ id: hidden }]);
  expect((await ana.graphql(mine, { of: idOf(bea) })).data['campaigns'].nodes).toEqual([]);
});
