import { approveTemplate, connectNumber, test as base, type TestNumber, type TestTemplate } from '../test/sending.ts';
import type { Meta } from '../connectors/whatsapp/meta.ts';
import { type Db, inTenant, type Tx } from '../prisma/client.ts';
import { mutate, newContact } from '../test/ask.ts';
import { makePerson } from '../test/campaigns.ts';
import { expect, globalId, type Person, rawId, vi } from '../test/fixtures.ts';
import { applyAll } from '../test/webhooks.ts';

type Sender = { number: TestNumber; utility: TestTemplate; marketing: TestTemplate };

const test = base.extend<{ meta: Meta | null; sender: Sender }>({
  meta: async ({ way }, use) => use(way),
  sender: async ({ db, shop, simulators }, use) => {
    const number = await connectNumber(db, simulators, shop.tenantId);
    const utility = await approveTemplate(db, simulators, number, 'UTILITY');
    await use({ number, utility, marketing: await approveTemplate(db, simulators, number, 'MARKETING') });
  },
});

const fields = `id status type address parameters content wamid validUntil acceptedAt sentAt contact { id phone } number { id } campaign { id }
  template { id } failure { code }`;

const send = (shop: Person, input: Record<string, unknown>) =>
  mutate(shop, 'messageSend', input, `... on Message { ${fields} } ... on CannotSendError { reason }`);

const fromOf = ({ number }: Sender) => ({ numberId: globalId('WhatsAppNumber', number.id) });
const filled = ({ id }: TestTemplate, value = 'Ana') => ({
  template: { templateId: globalId('Template', id), variables: [{ parameter: 'body.1', value }] },
});
const contactIdOf = (id: string) => ({ contactId: globalId('Contact', id) });
const text = { text: { body: 'It is ready for you.' } };

const read = <T>(db: Db, shop: Person, fn: (tx: Tx) => Promise<T>) => inTenant(db, shop.tenantId, fn);
const messagesOf = (db: Db, shop: Person) =>
  read(db, shop, (tx) => tx.message.findMany({ where: { tenantId: shop.tenantId } }));

/** The person has written to the number, so long ago. */
const hearFrom = (db: Db, shop: Person, { number }: Sender, contactId: string, minutesAgo = 1) =>
  read(db, shop, (tx) =>
    tx.contactWindow.create({
      data: {
        tenantId: shop.tenantId,
        contactId,
        numberId: number.id,
        lastInboundAt: new Date(Date.now() - minutesAgo * 60_000),
      },
    }),
  );

test('a message is queued, sent by a worker’s run, and what becomes of it can be read', async ({
  api,
  db,
  shop,
  sender,
  simulators,
  send: run,
}) => {
  simulators.meta.set({ statuses: { enabled: true }, webhooks: { url: `${api.url}/webhooks/meta` } });
  const contactId = await makePerson(db, shop.tenantId, { phone: '+5511987650001' });
  const queued = await send(shop, { ...fromOf(sender), ...contactIdOf(contactId), ...filled(sender.utility, 'Bia') });
  expect(queued).toMatchObject({
    __typename: 'Message',
    status: 'QUEUED',
    type: 'TEMPLATE',
    address: '+5511987650001',
    parameters: ['Bia'],
    contact: { id: globalId('Contact', contactId), phone: '+5511987650001' },
    number: { id: globalId('WhatsAppNumber', sender.number.id) },
    template: { id: globalId('Template', sender.utility.id) },
    campaign: null,
    content: null,
    wamid: null,
    failure: null,
  });

  expect(await run(sender.number, { isSingle: true })).toMatchObject({ accepted: 1 });
  await simulators.meta.settled();
  await vi.waitFor(async () => {
    await applyAll(db, shop.tenantId);
    const { data } = await shop.graphql(`query ($id: ID!) { node(id: $id) { ... on Message { ${fields} } } }`, {
      id: queued['id'],
    });
    expect(data['node']).toMatchObject({ status: 'READ', acceptedAt: expect.any(String), sentAt: expect.any(String) });
    const [sent] = [...simulators.meta.messages()];
    expect(data['node'].wamid).toBe(sent?.wamid);
  });
  expect([...simulators.meta.messages()]).toMatchObject([
    { recipient: '5511987650001', text: expect.stringContaining('Hello Bia'), opaque: `${rawId(queued['id'])}.1` },
  ]);
});

test('one writes to a phone as people write it, in E.164, or to a user id; somebody unknown becomes a contact', async ({
  db,
  shop,
  sender,
}) => {
  const known = await newContact(shop, { phone: '+5511987650001' });
  const to = (address: string) => send(shop, { ...fromOf(sender), to: address, ...filled(sender.utility) });
  for (const written of ['(11) 98765-0001', '+55 11 98765-0001', '+5511987650001']) {
    expect(await to(written)).toMatchObject({
      address: '+5511987650001',
      contact: { id: known },
    });
  }
  const stranger = await to('+44 7700 900123');
  expect(stranger).toMatchObject({ __typename: 'Message', address: '+447700900123' });
  expect(await to('+447700900123')).toMatchObject({ contact: { id: stranger['contact'].id } });
  const shy = await to('BR.9xAbC1230');
  expect(shy).toMatchObject({ __typename: 'Message', address: 'BR.9xAbC1230', contact: { phone: null } });
  expect(await to('BR.9xAbC1230')).toMatchObject({ contact: { id: shy['contact'].id } });
  expect(await read(db, shop, (tx) => tx.contact.count({ where: { tenantId: shop.tenantId } }))).toBe(3);
});

test('two messages at once to somebody unknown make one contact', async ({ db, shop, sender }) => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => send(shop, { ...fromOf(sender), to: '11987650001', ...filled(sender.utility) })),
  );
  expect(answers.map(({ __typename }) => __typename)).toEqual(answers.map(() => 'Message'));
  expect(new Set(answers.map(({ contact }) => contact.id)).size).toBe(1);
  expect(await read(db, shop, (tx) => tx.contact.count({ where: { tenantId: shop.tenantId } }))).toBe(1);
});

test('nobody is made known by a message that was refused', async ({ db, shop, sender }) => {
  expect(await send(shop, { ...fromOf(sender), to: '11987650001', ...text })).toMatchObject({
    reason: 'WINDOW_CLOSED',
  });
  expect(await read(db, shop, (tx) => tx.contact.count({ where: { tenantId: shop.tenantId } }))).toBe(0);
});

test('a contact that was merged into another one is not found; its phone leads to the other one', async ({
  shop,
  sender,
}) => {
  const targetId = await newContact(shop, { phone: '+5511987650001' });
  const sourceId = await newContact(shop, { phone: '+5511987650002' });
  await mutate(shop, 'contactMerge', { sourceId, targetId });
  const message = { ...fromOf(sender), ...filled(sender.utility) };
  expect(await send(shop, { ...message, contactId: sourceId })).toMatchObject({ __typename: 'NotFoundError' });
  expect(await send(shop, { ...message, to: '+5511987650002' })).toMatchObject({ contact: { id: targetId } });
});

test('what does not fill the template is said value by value, and nothing is queued', async ({ db, shop, sender }) => {
  const contactId = await makePerson(db, shop.tenantId);
  const fill = (...variables: { parameter: string; value: string }[]) =>
    send(shop, {
      ...fromOf(sender),
      ...contactIdOf(contactId),
      template: { templateId: globalId('Template', sender.utility.id), variables },
    });
  const ana = { parameter: 'body.1', value: 'Ana' };
  const refused = (...paths: string[]) => ({
    __typename: 'InvalidInputError',
    fields: paths.map((path) => ({ path, message: expect.any(String) })),
  });
  expect(await fill()).toMatchObject({
    fields: [{ path: 'template.variables', message: 'Expected a value for body.1.' }],
  });
  expect(await fill(ana, { parameter: 'body.2', value: 'x' })).toMatchObject({
    fields: [{ path: 'template.variables.1.parameter', message: 'Expected one of body.1.' }],
  });
  expect(await fill(ana, ana)).toMatchObject(refused('template.variables.1.parameter'));
  expect(await fill({ ...ana, value: 'é'.repeat(1_025) })).toMatchObject(refused('template.variables.0.value'));
  expect(await fill({ ...ana, value: ' ' })).toMatchObject(refused('template.variables.0.value'));
  expect(await fill({ parameter: 'header.1', value: '' })).toMatchObject(
    refused('template.variables.0.parameter', 'template.variables.0.value', 'template.variables'),
  );
  expect(await messagesOf(db, shop)).toEqual([]);
  expect(await fill({ ...ana, value: 'é'.repeat(1_024) })).toMatchObject({ __typename: 'Message' });
});

test('what is asked for must be one thing, to one person, in time', async ({ db, shop, sender }) => {
  const contactId = await makePerson(db, shop.tenantId, { phone: '+5511987650001' });
  const person = contactIdOf(contactId);
  const template = filled(sender.utility);
  const of = async (input: Record<string, unknown>) => {
    const { __typename, fields: found } = await send(shop, { ...fromOf(sender), ...input });
    expect(__typename).toBe('InvalidInputError');
    return found.map(({ path }: { path: string }) => path);
  };
  expect(await of(template)).toEqual(['to']);
  expect(await of({ ...person, to: '+5511987650001', ...template })).toEqual(['to']);
  expect(await of(person)).toEqual(['template']);
  expect(await of({ ...person, ...template, ...text })).toEqual(['template']);
  expect(await of({})).toEqual(['to', 'template']);
  expect(await of({ to: '123', ...template })).toEqual(['to']);
  expect(await of({ ...person, text: { body: ' ' } })).toEqual(['text.body']);
  expect(await of({ ...person, text: { body: 'é'.repeat(4_097) } })).toEqual(['text.body']);
  const past = new Date(Date.now() - 1_000).toISOString();
  expect(await of({ ...person, ...template, validUntil: past })).toEqual(['validUntil']);
  expect(await messagesOf(db, shop)).toEqual([]);
});

test('a free text goes while the person’s window is open, and only then', async ({ db, shop, sender, send: run }) => {
  const [silent, late, open] = [
    await makePerson(db, shop.tenantId),
    await makePerson(db, shop.tenantId),
    await makePerson(db, shop.tenantId, { marketing: null }),
  ];
  await hearFrom(db, shop, sender, late, 24 * 60 - 4);
  await hearFrom(db, shop, sender, open, 23 * 60);
  for (const contactId of [silent, late]) {
    expect(await send(shop, { ...fromOf(sender), ...contactIdOf(contactId), ...text })).toEqual({
      __typename: 'CannotSendError',
      code: 'CANNOT_SEND',
      message: expect.stringMatching(/^The service window is closed\. Send a template instead/),
      reason: 'WINDOW_CLOSED',
    });
  }
  const answer = { ...fromOf(sender), ...contactIdOf(open), text: { ...text.text, previewUrl: true } };
  expect(await send(shop, answer)).toMatchObject({
    __typename: 'Message',
    type: 'TEXT',
    content: { body: 'It is ready for you.', previewUrl: true },
    template: null,
  });
  expect(await run(sender.number, { isSingle: true })).toMatchObject({ accepted: 1 });
});

test('whoever does not want it, cannot get it, or was not asked is not written to, and it is said why', async ({
  db,
  shop,
  sender,
}) => {
  const person = (given: Parameters<typeof makePerson>[2]) => makePerson(db, shop.tenantId, given);
  const refusals = [
    { who: await person({ marketing: null }), what: sender.marketing, reason: 'NO_CONSENT' },
    { who: await person({ marketing: false }), what: sender.marketing, reason: 'OPTED_OUT' },
    { who: await person({ service: false }), what: sender.utility, reason: 'OPTED_OUT' },
    { who: await person({ blockedAt: new Date() }), what: sender.utility, reason: 'BLOCKED' },
    { who: await person({ phone: '', name: 'Nobody' }), what: sender.utility, reason: 'NO_IDENTITY' },
  ];
  for (const { who, what, reason } of refusals) {
    expect(await send(shop, { ...fromOf(sender), ...contactIdOf(who), ...filled(what) })).toMatchObject({
      __typename: 'CannotSendError',
      reason,
    });
  }
  const replied = await person({ service: false });
  await hearFrom(db, shop, sender, replied);
  expect(await send(shop, { ...fromOf(sender), ...contactIdOf(replied), ...text })).toMatchObject({
    reason: 'OPTED_OUT',
  });
  expect(await messagesOf(db, shop)).toEqual([]);

  const marketingOnly = await person({ marketing: false });
  const wanted = { ...fromOf(sender), ...contactIdOf(marketingOnly), ...filled(sender.utility) };
  expect(await send(shop, wanted)).toMatchObject({ __typename: 'Message' });
});

test('a template that Meta does not approve now, or of another account, is refused', async ({
  db,
  shop,
  sender,
  simulators,
}) => {
  const contactId = await makePerson(db, shop.tenantId);
  const message = { ...fromOf(sender), ...contactIdOf(contactId) };
  const other = await connectNumber(db, simulators, shop.tenantId);
  const theirs = await approveTemplate(db, simulators, other);
  expect(await send(shop, { ...message, ...filled(theirs) })).toMatchObject({ reason: 'OTHER_ACCOUNT' });

  const where = { tenantId_id: { tenantId: shop.tenantId, id: sender.utility.id } };
  await read(db, shop, (tx) => tx.template.update({ where, data: { status: 'PAUSED' } }));
  expect(await send(shop, { ...message, ...filled(sender.utility) })).toMatchObject({
    reason: 'TEMPLATE_NOT_APPROVED',
  });
  await read(db, shop, (tx) => tx.template.update({ where, data: { status: 'APPROVED', deletedAt: new Date() } }));
  expect(await send(shop, { ...message, ...filled(sender.utility) })).toMatchObject({ __typename: 'NotFoundError' });
  expect(await messagesOf(db, shop)).toEqual([]);
});

test('a template that turned MARKETING asks for consent to marketing', async ({ db, shop, sender }) => {
  const contactId = await makePerson(db, shop.tenantId, { marketing: null });
  const where = { tenantId_id: { tenantId: shop.tenantId, id: sender.utility.id } };
  await read(db, shop, (tx) => tx.template.update({ where, data: { category: 'MARKETING' } }));
  const message = { ...fromOf(sender), ...contactIdOf(contactId), ...filled(sender.utility) };
  expect(await send(shop, message)).toMatchObject({ reason: 'NO_CONSENT' });
});

test('the same key twice, and ten times at once, is one message', async ({
  db,
  shop,
  sender,
  simulators,
  send: run,
}) => {
  const contactId = await makePerson(db, shop.tenantId);
  const order = (idempotencyKey: string) => ({
    ...fromOf(sender),
    ...contactIdOf(contactId),
    ...filled(sender.utility),
    idempotencyKey,
  });
  const first = await send(shop, order('order-1'));
  expect(first).toMatchObject({ __typename: 'Message' });
  expect((await send(shop, order('order-1')))['id']).toBe(first['id']);
  expect(await send(shop, { ...order('order-1'), ...filled(sender.utility, 'Zoe') })).toMatchObject({
    __typename: 'IdempotencyConflictError',
  });

  const other = await makePerson(db, shop.tenantId);
  const atOnce = await Promise.all(
    Array.from({ length: 10 }, () => send(shop, { ...order('order-2'), ...contactIdOf(other) })),
  );
  const sent = atOnce.filter(({ __typename }) => __typename === 'Message');
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  expect(sent.length + atOnce.filter(({ __typename }) => __typename === 'StillRunningError').length).toBe(10);
  expect(await messagesOf(db, shop)).toHaveLength(2);
  await run(sender.number, { isSingle: true });
  expect(simulators.meta.books()).toMatchObject({ accepted: 2, duplicates: 0 });
});

test('what is not sent in time is not sent', async ({ db, shop, sender, simulators, send: run }) => {
  const contactId = await makePerson(db, shop.tenantId);
  const validUntil = new Date(Date.now() + 700);
  const { id } = await send(shop, {
    ...fromOf(sender),
    ...contactIdOf(contactId),
    ...filled(sender.utility),
    validUntil: validUntil.toISOString(),
  });
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(validUntil.getTime()), { timeout: 5_000 });
  await run(sender.number, { isSingle: true });
  expect((await messagesOf(db, shop)).map((row) => [row.id, row.status])).toEqual([[rawId(id), 'EXPIRED']]);
  expect(simulators.meta.books().requests).toBe(0);
});

test('another tenant’s number, contact and template are not found', async ({
  db,
  shop,
  sender,
  simulators,
  signUp,
}) => {
  const contactId = await makePerson(db, shop.tenantId);
  const stranger = await signUp();
  const number = await connectNumber(db, simulators, stranger.tenantId);
  const template = await approveTemplate(db, simulators, number);
  const person = await makePerson(db, stranger.tenantId);
  const message = { ...fromOf(sender), ...contactIdOf(contactId), ...filled(sender.utility) };
  const theirs = { numberId: globalId('WhatsAppNumber', number.id), ...contactIdOf(person), ...filled(template) };
  for (const part of ['numberId', 'contactId', 'template'] as const) {
    expect(await send(shop, { ...message, [part]: theirs[part] })).toMatchObject({ __typename: 'NotFoundError' });
  }
  expect(await messagesOf(db, shop)).toEqual([]);
  expect(await messagesOf(db, stranger)).toEqual([]);
});

test('two messages to one person at once: the second waits for six seconds, and leaves then', async ({
  db,
  shop,
  sender,
  simulators,
  send: run,
}) => {
  const contactId = await makePerson(db, shop.tenantId);
  const message = { ...fromOf(sender), ...contactIdOf(contactId), ...filled(sender.utility) };
  await Promise.all([send(shop, message), send(shop, message)]);
  expect(await run(sender.number, { isSingle: true })).toMatchObject({ accepted: 1, queuedAgain: 0 });
  await vi.waitFor(
    async () => {
      await run(sender.number, { isSingle: true });
      expect(simulators.meta.books().accepted).toBe(2);
    },
    { timeout: 20_000, interval: 100 },
  );
  const [first = 0, second = 0] = [...simulators.meta.messages()].map(({ acceptedAt }) => Date.parse(acceptedAt));
  expect(second - first).toBeGreaterThan(5_800); // the first may have been a little on its way
  expect(second - first).toBeLessThan(10_000);
  expect(simulators.meta.books()).toMatchObject({ accepted: 2, refused: {} });
});

test('a message leaves at once though the clock of the machine that took it runs ahead', async ({
  clock,
  db,
  shop,
  sender,
  send: run,
}) => {
  const contactId = await makePerson(db, shop.tenantId, { phone: '+5511987650099' });
  clock.advance(10 * 60_000);
  await send(shop, { ...fromOf(sender), ...contactIdOf(contactId), ...filled(sender.utility) });
  expect(await run(sender.number, { isSingle: true })).toMatchObject({ accepted: 1 });
});
