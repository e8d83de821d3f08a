import { runLaunch } from '../domain/campaigns/launch.ts';
import { finishCampaigns } from '../domain/campaigns/finish.ts';
import { findOpenCampaigns } from '../domain/campaigns/jobs.ts';
import { type Db, inScope, inTenant, type Prisma } from '../prisma/client.ts';
import { mutate } from '../test/ask.ts';
import {
  addVersion,
  bodyParameter,
  makePeople,
  makePerson,
  makeSegment,
  makeSender,
  type Sender,
  settings,
} from '../test/campaigns.ts';
import { expect, globalId, type Person, rawId, test } from '../test/fixtures.ts';
import { statementsOf } from '../test/statements.ts';

const fields = `... on Campaign { id name status blockedReason scheduledAt finishedAt
  audience { segmentIds contactIds excludeSegmentIds excludeContactIds } variables { key field customField value fallback }
  totals { audience queued inFlight accepted sent delivered read failed skipped unknown cancelled expired reached { sent delivered read } } }`;

const ask = (shop: Person, mutation: string, input: Record<string, unknown>) => {
  if (mutation === 'campaignDelete') return mutate(shop, mutation, input, '... on Deleted { id }');
  const parts = mutation === 'campaignCreate' ? fields : `${fields} ... on IllegalTransitionError { from to }`;
  return mutate(shop, mutation, input, parts);
};

async function draft(db: Db, shop: Person, { sender, ...given }: Record<string, unknown> & { sender?: Sender } = {}) {
  const from = sender ?? (await makeSender(db, shop.tenantId));
  const segmentIds = [globalId('Segment', await makeSegment(db, shop.tenantId))];
  const input = {
    name: 'Spring sale',
    templateId: globalId('Template', from.templateId),
    numberId: globalId('WhatsAppNumber', from.numberId),
    audience: { segmentIds },
    ...given,
  };
  return ask(shop, 'campaignCreate', input);
}

const freeze = (db: Db, shop: Person, id: string) =>
  runLaunch(db, { tenantId: shop.tenantId, campaignId: rawId(id) }, settings, new AbortController().signal);

async function read(shop: Person, id: string, what: string) {
  const answer = await shop.graphql(`query ($id: ID!) { node(id: $id) { ... on Campaign { ${what} } } }`, { id });
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data['node'];
}

test('a campaign is drafted, launched, paused, resumed and cancelled; asking twice changes nothing', async ({
  db,
  shop,
}) => {
  await makePeople(db, shop.tenantId, 4);
  const { id, ...campaign } = await draft(db, shop);
  expect(campaign).toMatchObject({
    __typename: 'Campaign',
    name: 'Spring sale',
    status: 'DRAFT',
    totals: { audience: 0 },
  });
  expect(await ask(shop, 'campaignPause', { campaignId: id })).toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    from: 'DRAFT',
    to: 'PAUSED',
  });
  for (let time = 0; time < 2; time += 1) {
    expect(await ask(shop, 'campaignLaunch', { campaignId: id })).toMatchObject({ status: 'LAUNCHING' });
  }
  expect(await ask(shop, 'campaignUpdate', { campaignId: id, name: 'Later' })).toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    from: 'LAUNCHING',
  });
  expect(await ask(shop, 'campaignDelete', { campaignId: id })).toMatchObject({ code: 'CONFLICT' });
  await freeze(db, shop, id);
  expect(await ask(shop, 'campaignLaunch', { campaignId: id })).toMatchObject({
    status: 'RUNNING',
    totals: { audience: 4, queued: 4 },
  });
  for (let time = 0; time < 2; time += 1) {
    expect(await ask(shop, 'campaignPause', { campaignId: id })).toMatchObject({ status: 'PAUSED' });
  }
  expect(await ask(shop, 'campaignLaunch', { campaignId: id })).toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    from: 'PAUSED',
  });
  for (let time = 0; time < 2; time += 1) {
    expect(await ask(shop, 'campaignResume', { campaignId: id })).toMatchObject({ status: 'RUNNING' });
  }
  for (let time = 0; time < 2; time += 1) {
    expect(await ask(shop, 'campaignCancel', { campaignId: id })).toMatchObject({ status: 'CANCELLED' });
  }
  expect(await ask(shop, 'campaignResume', { campaignId: id })).toMatchObject({
    code: 'ILLEGAL_TRANSITION',
    from: 'CANCELLED',
    to: 'RUNNING',
  });
});

test('a launch, a pause and a cancellation at once end in one legal state', async ({ db, shop }) => {
  await makePeople(db, shop.tenantId, 20);
  const { id } = await draft(db, shop);
  const asked = ['campaignLaunch', 'campaignLaunch', 'campaignPause', 'campaignLaunch'];
  const answers = await Promise.all(asked.map((mutation) => ask(shop, mutation, { campaignId: id })));
  expect(answers[2]).toMatchObject({ code: 'ILLEGAL_TRANSITION' });
  await Promise.all([freeze(db, shop, id), freeze(db, shop, id), ask(shop, 'campaignCancel', { campaignId: id })]);
  const { status, totals } = await read(shop, id, 'status totals { audience }');
  expect(status).toBe('CANCELLED');
  expect([0, 20]).toContain(totals.audience);
});

test('a campaign for later waits for its time; it can be started at once all the same', async ({ db, shop }) => {
  await makePeople(db, shop.tenantId, 1);
  const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
  const { id } = await draft(db, shop, { scheduledAt });
  expect(await ask(shop, 'campaignLaunch', { campaignId: id })).toMatchObject({ status: 'SCHEDULED', scheduledAt });
  expect(await ask(shop, 'campaignLaunch', { campaignId: id })).toMatchObject({ status: 'SCHEDULED' });
  expect(await ask(shop, 'campaignLaunch', { campaignId: id, atOnce: true })).toMatchObject({ status: 'LAUNCHING' });
  const past = { validUntil: new Date(Date.now() - 1_000).toISOString() };
  expect(await draft(db, shop, past)).toMatchObject({ fields: [{ path: 'validUntil' }] });
});

test('what a launch would fail for is said before: parameters that nothing fills, unknown ones, media without a value', async ({
  db,
  shop,
}) => {
  const image = { ...bodyParameter(0), key: 'header.image', component: 'HEADER' as const, kind: 'IMAGE' as const };
  const sender = await makeSender(db, shop.tenantId, { parameters: [image, bodyParameter(0)] });
  const variables = [
    { key: 'body.9', value: 'x' },
    { key: 'body.1', customField: 'none' },
    { key: 'header.image', field: 'NAME' },
    { key: 'body.1', field: 'NAME', value: 'x' },
  ];
  const refused = await draft(db, shop, { sender, variables });
  expect(refused['fields'].map(({ path }: { path: string }) => path).sort()).toEqual([
    'variables.0.key',
    'variables.1.customField',
    'variables.2.value',
    'variables.3',
    'variables.3.key',
  ]);
  const { id } = await draft(db, shop, { sender, variables: [{ key: 'body.1', field: 'NAME', fallback: 'you' }] });
  expect(await ask(shop, 'campaignLaunch', { campaignId: id })).toMatchObject({
    fields: [{ path: 'variables', message: 'Nothing fills the template’s parameter header.image.' }],
  });
  const complete = [
    { key: 'header.image', value: 'https://example.com/a.jpg' },
    { key: 'body.1', field: 'NAME' },
  ];
  expect(await ask(shop, 'campaignUpdate', { campaignId: id, variables: complete })).toMatchObject({
    variables: [
      { key: 'header.image', value: 'https://example.com/a.jpg' },
      { key: 'body.1', field: 'NAME', fallback: null },
    ],
  });
  expect(await ask(shop, 'campaignLaunch', { campaignId: id })).toMatchObject({ status: 'LAUNCHING' });
});

test('an audience names only what is there: a mistaken exclusion would let somebody in', async ({
  db,
  shop,
  signUp,
}) => {
  const stranger = await makePerson(db, (await signUp()).tenantId);
  const own = globalId('Contact', await makePerson(db, shop.tenantId));
  for (const id of [stranger, crypto.randomUUID()]) {
    const nobody = globalId('Contact', id);
    const audience = {
      contactIds: [own, nobody],
      excludeContactIds: [nobody],
      excludeSegmentIds: [globalId('Segment', id)],
    };
    expect(await draft(db, shop, { audience })).toMatchObject({
      __typename: 'InvalidInputError',
      fields: [
        { path: 'audience.excludeSegmentIds.0', message: 'There is no such segment.' },
        { path: 'audience.contactIds.1', message: 'There is no such contact.' },
        { path: 'audience.excludeContactIds.0', message: 'There is no such contact.' },
      ],
    });
  }
  expect(await draft(db, shop, { audience: { contactIds: [own] } })).toMatchObject({ __typename: 'Campaign' });
});

test('the preview says who would be left out, how long it takes, and what to think about', async ({
  db,
  shop,
  clock,
}) => {
  const { tenantId } = shop;
  const sender = await makeSender(db, tenantId);
  await makePeople(db, tenantId, 40);
  await makePerson(db, tenantId, { phone: '+12125550123' });
  await makePerson(db, tenantId, { phone: '+14165550123' }); // Toronto
  await makePerson(db, tenantId, { marketing: false });
  await inTenant(db, tenantId, async (tx) => {
    await tx.whatsAppNumber.update({
      where: { tenantId_id: { tenantId, id: sender.numberId } },
      data: { messagingLimit: 20, quality: 'RED', throughput: 20 },
    });
    await tx.template.update({
      where: { tenantId_id: { tenantId, id: sender.templateId } },
      data: { status: 'PENDING' },
    });
  });
  const { id } = await draft(db, shop, { sender, validUntil: new Date(clock.now().getTime() + 60_000).toISOString() });
  const { preflight } = await read(
    shop,
    id,
    `preflight { audience sendable excluded { reason count title action }
    estimatedDuration portfolioShare { used limit share } warnings { code message } }`,
  );
  expect(preflight).toMatchObject({
    audience: 43,
    sendable: 42,
    excluded: [{ reason: 'OPTED_OUT', count: 1 }],
    estimatedDuration: 2 * 86_400 + 1,
    portfolioShare: { used: 0, limit: 20, share: 2.1 },
  });
  const codes = preflight.warnings.map(({ code }: { code: string }) => code).filter((code: string) => code !== 'NIGHT');
  expect(codes).toEqual([
    'TEMPLATE_NOT_READY',
    'UNITED_STATES',
    'NUMBER_QUALITY_LOW',
    'PORTFOLIO_LIMIT_EXCEEDED',
    'VALIDITY_TOO_SHORT',
  ]);
  expect(preflight.warnings[1].message).toMatch(/^1 have numbers/);
});

test('a campaign on a changed template is not resumed unless the change is accepted and fits', async ({ db, shop }) => {
  const { tenantId } = shop;
  await makePeople(db, tenantId, 1);
  const sender = await makeSender(db, tenantId, { parameters: [bodyParameter(0)] });
  const { id } = await draft(db, shop, { sender, variables: [{ key: 'body.1', field: 'NAME' }] });
  await ask(shop, 'campaignLaunch', { campaignId: id });
  await freeze(db, shop, id);
  await ask(shop, 'campaignPause', { campaignId: id });
  await inTenant(db, tenantId, (tx) =>
    addVersion(tx, tenantId, sender.templateId, [bodyParameter(0), bodyParameter(1)]),
  );
  expect(await ask(shop, 'campaignResume', { campaignId: id })).toMatchObject({ code: 'CONFLICT' });
  const accept = { campaignId: id, acceptTemplateChange: true };
  expect(await ask(shop, 'campaignResume', accept)).toMatchObject({ code: 'CONFLICT', path: 'acceptTemplateChange' });
  await inTenant(db, tenantId, (tx) => addVersion(tx, tenantId, sender.templateId, [bodyParameter(0)]));
  expect(await ask(shop, 'campaignResume', { campaignId: id })).toMatchObject({ code: 'CONFLICT' });
  expect(await ask(shop, 'campaignResume', accept)).toMatchObject({ status: 'RUNNING' });
});

test('what its template stopped before it had begun is launched by resuming it, and not finished meanwhile', async ({
  db,
  shop,
}) => {
  const { tenantId } = shop;
  await makePeople(db, tenantId, 2);
  const { id } = await draft(db, shop, { scheduledAt: new Date(Date.now() + 3_600_000).toISOString() });
  await ask(shop, 'campaignLaunch', { campaignId: id });
  const campaignId = rawId(id);
  await inTenant(db, tenantId, (tx) =>
    tx.campaign.update({
      where: { tenantId_id: { tenantId, id: campaignId } },
      data: { status: 'PAUSED', blockedReason: 'TEMPLATE_REJECTED' },
    }),
  );
  expect(await inTenant(db, tenantId, (tx) => finishCampaigns(tx, tenantId, [campaignId]))).toEqual([]);
  expect(await inScope(db, {}, (tx) => findOpenCampaigns(tx, 10))).toEqual([]);
  expect(await read(shop, id, 'blockedReason blocked { title action metaCode }')).toMatchObject({
    blockedReason: 'TEMPLATE_REJECTED',
    blocked: { title: 'Meta has rejected the template', metaCode: null },
  });
  expect(await ask(shop, 'campaignResume', { campaignId: id })).toMatchObject({
    status: 'SCHEDULED',
    blockedReason: null,
  });
  await ask(shop, 'campaignLaunch', { campaignId: id, atOnce: true });
  await freeze(db, shop, id);
  expect(await read(shop, id, 'status totals { queued }')).toEqual({ status: 'RUNNING', totals: { queued: 2 } });
});

test('totals count each recipient once, and recipients say what went wrong', async ({ db, shop }) => {
  const { tenantId } = shop;
  await makePeople(db, tenantId, 12);
  const { id } = await draft(db, shop);
  await ask(shop, 'campaignLaunch', { campaignId: id });
  await freeze(db, shop, id);
  const campaignId = rawId(id);
  const rows = await inTenant(db, tenantId, (tx) =>
    tx.message.findMany({ where: { tenantId, campaignId }, orderBy: { id: 'asc' } }),
  );
  const states: Prisma.MessageUncheckedUpdateManyInput[] = [
    { status: 'DISPATCHING', openUntil: new Date() },
    { status: 'ACCEPTED' },
    { status: 'SENT' },
    { status: 'DELIVERED' },
    { status: 'READ' },
    { status: 'READ' },
    { status: 'FAILED', failureCode: 131_026, failedAt: new Date() },
    { status: 'SKIPPED', reason: 'NO_CONSENT' },
    { status: 'UNKNOWN' },
    { status: 'CANCELLED' },
    { status: 'EXPIRED' },
  ];
  for (const [index, data] of states.entries()) {
    await inTenant(db, tenantId, (tx) =>
      tx.message.updateMany({ where: { tenantId, id: rows[index]?.id ?? '' }, data: { dueAt: null, ...data } }),
    );
  }
  const { totals } = await read(
    shop,
    id,
    'totals { audience queued inFlight accepted sent delivered read failed skipped unknown cancelled expired reached { sent delivered read } }',
  );
  const one = {
    queued: 1,
    inFlight: 1,
    accepted: 1,
    sent: 1,
    delivered: 1,
    read: 2,
    failed: 1,
    skipped: 1,
    unknown: 1,
    cancelled: 1,
    expired: 1,
  };
  expect(totals).toEqual({ audience: 12, ...one, reached: { sent: 4, delivered: 3, read: 2 } });

  const recipients = async (filter: string) =>
    (
      await read(
        shop,
        id,
        `recipients(filter: ${filter}) { nodes { status contact { name } failure { code title action metaCode } } }`,
      )
    ).recipients.nodes;
  const [failed, ...others] = await recipients('{ status: [FAILED] }');
  expect(others).toEqual([]);
  expect(failed).toMatchObject({
    status: 'FAILED',
    contact: { name: 'Person 7' },
    failure: { metaCode: 131_026, title: 'It cannot be delivered' },
  });
  expect(await recipients('{ failureCode: 131026 }')).toHaveLength(1);
  expect(await recipients('{ failureCode: 131000 }')).toEqual([]);
  expect(await recipients('{ reason: NO_CONSENT }')).toMatchObject([
    { failure: { code: 'NO_CONSENT', metaCode: null } },
  ]);
  expect(await recipients('{ status: [READ, SENT] }')).toHaveLength(3);

  const page = 'recipients(first: 5, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } }';
  const seen: string[] = [];
  for (let after: string | null = null, more = true; more;) {
    const answer = await shop.graphql(
      `query ($id: ID!, $after: String) { node(id: $id) { ... on Campaign { ${page} } } }`,
      { id, after },
    );
    const { nodes, pageInfo } = answer.data['node'].recipients;
    seen.push(...nodes.map((node: { id: string }) => rawId(node.id)));
    [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
  }
  expect(seen).toEqual(rows.map((row) => row.id));
});

test('a list of campaigns with totals and recipients takes as many statements as one campaign', async ({
  db,
  shop,
}) => {
  await makePeople(db, shop.tenantId, 3);
  const sender = await makeSender(db, shop.tenantId);
  const launchOne = async () => {
    const { id } = await draft(db, shop, { sender });
    await ask(shop, 'campaignLaunch', { campaignId: id });
    await freeze(db, shop, id);
  };
  const query =
    '{ campaigns { nodes { id name status totals { audience } template { name } recipients(first: 2) { nodes { id status template { name } contact { name } } } } } }';
  const statements = async () => {
    let answer: Awaited<ReturnType<typeof shop.graphql>> | undefined;
    const sent = await statementsOf(async () => void (answer = await shop.graphql(query)));
    if (answer?.errors) throw new Error(JSON.stringify(answer.errors));
    return { count: sent.length, nodes: answer?.data['campaigns'].nodes };
  };
  await launchOne();
  const one = await statements();
  for (let index = 0; index < 4; index += 1) await launchOne();
  const five = await statements();
  expect(five.nodes).toHaveLength(5);
  for (const node of five.nodes)
    expect(node).toMatchObject({ totals: { audience: 3 }, recipients: { nodes: [{ status: 'QUEUED' }, {}] } });
  expect(five.count).toBe(one.count);
});

test('campaigns are found by status and by how their names begin', async ({ db, shop }) => {
  const sender = await makeSender(db, shop.tenantId);
  for (const name of ['Alpha', 'alpine', 'Beta']) await draft(db, shop, { sender, name });
  const list = async (args: string) =>
    (await shop.graphql(`{ campaigns(${args}) { nodes { name } } }`)).data['campaigns'].nodes.map(
      ({ name }: { name: string }) => name,
    );
  expect(await list('filter: { nameStartsWith: "ALP" }')).toEqual(['alpine', 'Alpha']);
  expect(await list('filter: { status: [RUNNING] }')).toEqual([]);
  expect(await list('orderBy: { field: CREATED_AT, direction: ASC }')).toEqual(['Alpha', 'alpine', 'Beta']);
});

test('a contact’s messages include those of contacts merged into it; its own page by page', async ({ db, shop }) => {
  const { tenantId } = shop;
  const sender = await makeSender(db, tenantId);
  const [sourceId, targetId] = [
    await makePerson(db, tenantId, { name: 'Source' }),
    await makePerson(db, tenantId, { name: 'Target' }),
  ];
  const send = (contactId: string) =>
    inTenant(db, tenantId, (tx) =>
      tx.message.create({
        data: {
          tenantId,
          contactId,
          direction: 'INBOUND',
          numberId: sender.numberId,
          type: 'TEXT',
          status: 'RECEIVED',
          content: { text: 'hi' },
        },
      }),
    );
  const ids = [(await send(sourceId)).id, (await send(targetId)).id, (await send(sourceId)).id];
  await mutate(shop, 'contactMerge', {
    sourceId: globalId('Contact', sourceId),
    targetId: globalId('Contact', targetId),
  });
  const query =
    '{ contacts { nodes { name messages(first: 2) { nodes { id contact { name } } pageInfo { hasNextPage endCursor } } } } }';
  const answer = await shop.graphql(query);
  expect(answer.errors).toBeUndefined();
  const [contact] = answer.data['contacts'].nodes;
  expect(contact.messages.nodes.map(({ id }: { id: string }) => rawId(id))).toEqual([ids[2], ids[1]]);
  expect(contact.messages.nodes).toMatchObject([{ contact: { name: 'Target' } }, { contact: { name: 'Target' } }]);
  expect(contact.messages.pageInfo.hasNextPage).toBe(true);
  const all = await shop.graphql(
    '{ messages(filter: { direction: INBOUND }) { nodes { id status contact { id name } } } }',
  );
  expect(all.data['messages'].nodes.map(({ id }: { id: string }) => rawId(id))).toEqual(ids.toReversed());
  expect(all.data['messages'].nodes[0].contact).toEqual({ id: globalId('Contact', targetId), name: 'Target' });
});

test('another tenant sees and changes nothing of a campaign', async ({ db, signUp }) => {
  const [ours, theirs] = [await signUp(), await signUp()];
  await makePeople(db, ours.tenantId, 2);
  const sender = await makeSender(db, ours.tenantId);
  const { id, audience } = await draft(db, ours, { sender });
  await ask(ours, 'campaignLaunch', { campaignId: id });
  await freeze(db, ours, id);
  expect(await read(theirs, id, 'id')).toBeNull();
  for (const mutation of [
    'campaignLaunch',
    'campaignPause',
    'campaignResume',
    'campaignCancel',
    'campaignUpdate',
    'campaignDelete',
  ]) {
    expect(await ask(theirs, mutation, { campaignId: id })).toMatchObject({ code: 'NOT_FOUND' });
  }
  const own = await makeSender(db, theirs.tenantId);
  expect(await draft(db, theirs, { sender: own, audience })).toMatchObject({
    fields: [{ path: 'audience.segmentIds.0' }],
  });
  expect(await draft(db, theirs, { sender: { ...own, templateId: sender.templateId } })).toMatchObject({
    fields: [{ path: 'templateId' }],
  });
  expect(await draft(db, theirs, { sender: { ...own, numberId: sender.numberId } })).toMatchObject({
    fields: [{ path: 'numberId' }],
  });
  const lists = await theirs.graphql('{ campaigns { nodes { id } } messages { nodes { id } } }');
  expect(lists.data).toEqual({ campaigns: { nodes: [] }, messages: { nodes: [] } });
  expect(await read(ours, id, 'status totals { queued }')).toEqual({ status: 'RUNNING', totals: { queued: 2 } });
});
