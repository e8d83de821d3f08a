import { inTenant } from '../prisma/client.ts';
import { mutate } from '../test/ask.ts';
import { expect, globalId, rawId } from '../test/fixtures.ts';
import { test } from '../test/partners.ts';
import { body, connectShop, createTemplate, syncTemplates, templatesOf } from '../test/templates.ts';

test('a template is submitted, and what Meta thinks of it is seen after the next comparison', async ({
  shop,
  simulators,
}) => {
  const { accountId } = await connectShop(shop, simulators);
  simulators.meta.set({ templates: { reviewMs: [1_000, 1_000] } });
  const created = await createTemplate(shop, accountId, { ttlSeconds: 3_600 });
  expect(created).toMatchObject({
    __typename: 'Template',
    status: 'PENDING',
    category: 'UTILITY',
    metaId: expect.stringMatching(/^\d{17}$/),
    ttlSeconds: 3_600,
    version: {
      parameterFormat: 'POSITIONAL',
      unsendablePart: null,
      parameters: [
        { key: 'body.1', kind: 'TEXT', example: 'Ana' },
        { key: 'body.2', kind: 'TEXT', example: '42' },
      ],
    },
  });
  simulators.advance(1_500);
  await expect.poll(() => simulators.meta.template(created['metaId'])?.['status']).toBe('APPROVED');
  expect(await syncTemplates(shop, accountId)).toMatchObject({
    status: 'ACTIVE',
    templatesSyncedAt: expect.any(String),
  });
  const [after, ...others] = await templatesOf(shop);
  expect(others).toEqual([]);
  expect(after).toMatchObject({ id: created['id'], status: 'APPROVED', version: created['version'] });
});

test('what breaks a rule is refused by path, and Meta is not asked', async ({ shop, simulators }) => {
  const { accountId } = await connectShop(shop, simulators);
  const { requests } = simulators.meta.books();
  const components = [
    { ...body, text: '{{1}} first' },
    { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY' }] },
  ];
  expect(await createTemplate(shop, accountId, { name: 'No Good', components })).toMatchObject({
    __typename: 'InvalidInputError',
    fields: expect.arrayContaining([
      { path: 'name', message: expect.any(String) },
      { path: 'components[0].text', message: expect.any(String) },
      { path: 'components[1].buttons[0].text', message: expect.any(String) },
    ]),
  });
  expect(simulators.meta.books().requests).toBe(requests);
  expect(await templatesOf(shop)).toEqual([]);
});

test('what only Meta can refuse is told in its words, and leaves nothing behind', async ({ shop, simulators }) => {
  const { accountId } = await connectShop(shop, simulators);
  simulators.meta.refuseNext(100, { edge: 'message_templates', subcode: 2388019, details: 'Too many templates.' });
  expect(await createTemplate(shop, accountId)).toMatchObject({
    __typename: 'PartnerError',
    partnerCode: 100,
    message: expect.stringContaining('Too many templates.'),
  });
  expect(await templatesOf(shop)).toEqual([]);
  expect(await createTemplate(shop, accountId)).toMatchObject({ __typename: 'Template' });
  expect(await createTemplate(shop, accountId)).toMatchObject({ __typename: 'ConflictError', path: 'name' });
});

test('a utility template that Meta finds promotional is MARKETING', async ({ shop, simulators }) => {
  const { accountId } = await connectShop(shop, simulators);
  simulators.meta.set({ templates: { reviewMs: [0, 0] } });
  const components = [{ type: 'BODY', text: 'A promo for you, dear friends of our shop.' }];
  const { metaId } = await createTemplate(shop, accountId, { components });
  simulators.advance(10);
  await expect.poll(() => simulators.meta.template(metaId)?.['status']).toBe('APPROVED');
  await syncTemplates(shop, accountId);
  expect(await templatesOf(shop, { category: 'MARKETING' })).toMatchObject([{ metaId, status: 'APPROVED' }]);
});

test.for([true, false])(
  'a submission whose answer was lost is settled by the next comparison (it arrived: %s)',
  async (arrived, { shop, simulators, db }) => {
    const { accountId, wabaId } = await connectShop(shop, simulators);
    simulators.meta.failNext({ kind: 'reset', edge: 'message_templates' });
    const lost = await createTemplate(shop, accountId);
    expect(lost).toMatchObject({ status: 'SUBMITTING', metaId: null });
    expect(await createTemplate(shop, accountId)).toMatchObject({ __typename: 'ConflictError', path: 'name' });
    const text = 'Hi {{1}}, your order {{2}} is on its way to you.';
    const example = { body_text: [['Ana', '42']] };
    if (arrived)
      simulators.meta.createTemplate(wabaId, {
        name: 'order_update',
        language: 'pt_BR',
        category: 'UTILITY',
        components: [{ type: 'BODY', text, example }],
      });
    await inTenant(
      db,
      shop.tenantId,
      (tx) => tx.$executeRaw`update templates set updated_at = now() - interval '2 minutes'`,
    );
    await syncTemplates(shop, accountId);
    const [template] = await templatesOf(shop);
    expect(template?.['id']).toBe(lost['id']);
    if (arrived) return expect(template).toMatchObject({ status: 'APPROVED', version: lost['version'] });
    expect(template).toMatchObject({
      status: 'REJECTED',
      rejection: { reason: 'NOT_SUBMITTED', title: expect.any(String) },
    });
    expect(await createTemplate(shop, accountId)).toMatchObject({ id: lost['id'], metaId: expect.any(String) });
  },
);

test('a comparison adds what is new at Meta, page by page, and takes away what is gone', async ({
  shop,
  simulators,
}) => {
  const { accountId, wabaId } = await connectShop(shop, simulators);
  const components = [{ type: 'BODY', text: 'Hello there, dear friend of ours.' }];
  const add = (name: string) =>
    simulators.meta.createTemplate(wabaId, { name, language: 'en', category: 'UTILITY', components });
  for (let index = 0; index < 230; index += 1) add(`bulk_${index}`);
  await syncTemplates(shop, accountId);
  const count = async (filter: object) =>
    (await shop.graphql('query ($f: TemplateFilter) { templates(filter: $f) { totalCount } }', { f: filter })).data[
      'templates'
    ].totalCount;
  expect(await count({})).toBe(230);
  const [gone] = await templatesOf(shop, { name: 'BULK_229' });
  simulators.meta.event({ field: 'account_update', value: { event: 'NOTHING' }, wabaId });
  const { graphUrl } = simulators.meta.credentials;
  const token = simulators.meta.createToken({ wabaIds: [wabaId] });
  await fetch(`${graphUrl}/v25.0/${wabaId}/message_templates?name=bulk_229`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  await syncTemplates(shop, accountId);
  expect(await count({})).toBe(229);
  expect(await templatesOf(shop, { status: ['DELETED'] })).toMatchObject([{ id: gone?.['id'], status: 'DELETED' }]);
});

test('a comparison that breaks off takes nothing for gone', async ({ shop, simulators }) => {
  const { accountId, wabaId } = await connectShop(shop, simulators);
  const components = [{ type: 'BODY', text: 'Hello there, dear friend of ours.' }];
  for (let index = 0; index < 150; index += 1)
    simulators.meta.createTemplate(wabaId, { name: `bulk_${index}`, language: 'en', category: 'UTILITY', components });
  await syncTemplates(shop, accountId);
  simulators.meta.failNext({ kind: 'error', code: 80007, edge: 'message_templates' });
  expect(await syncTemplates(shop, accountId)).toMatchObject({
    __typename: 'PartnerUnavailableError',
    retryAfter: 300,
  });
  expect((await templatesOf(shop)).length).toBe(50);
  expect(await templatesOf(shop, { status: ['DELETED'] })).toEqual([]);
});

test('a deleted template is gone here and at Meta, and its name is free here', async ({ shop, simulators }) => {
  const { accountId } = await connectShop(shop, simulators);
  const { id, metaId } = await createTemplate(shop, accountId);
  const remove = (templateId: string) =>
    mutate(shop, 'templateDelete', { templateId }, '... on Deleted { id } ... on PartnerError { partnerCode }');
  simulators.meta.failNext({ kind: 'error', code: 2, edge: 'message_templates' });
  expect(await remove(id)).toMatchObject({ __typename: 'PartnerUnavailableError' });
  expect(await templatesOf(shop)).toHaveLength(1);
  expect(await remove(id)).toEqual({ __typename: 'Deleted', id });
  expect(simulators.meta.template(metaId)).toBeUndefined();
  expect(await templatesOf(shop)).toEqual([]);
  expect(await remove(id)).toMatchObject({ __typename: 'NotFoundError' });
});

test('a second tenant sees, changes and compares none of the first one’s templates', async ({ signUp, simulators }) => {
  const [mine, theirs] = [await signUp(), await signUp()];
  const { accountId } = await connectShop(theirs, simulators);
  const { id } = await createTemplate(theirs, accountId);
  expect(await templatesOf(mine)).toEqual([]);
  expect(await templatesOf(mine, { whatsAppAccountId: accountId })).toEqual([]);
  const { data } = await mine.graphql('query ($id: ID!) { node(id: $id) { id } }', { id });
  expect(data['node']).toBeNull();
  const nobody = globalId('WhatsAppAccount', mine.tenantId);
  expect(await createTemplate(mine, accountId)).toEqual(await createTemplate(mine, nobody));
  expect(await syncTemplates(mine, accountId)).toMatchObject({ __typename: 'NotFoundError' });
  expect(await mutate(mine, 'templateDelete', { templateId: id }, '... on Deleted { id }')).toMatchObject({
    __typename: 'NotFoundError',
  });
  expect(await templatesOf(theirs)).toMatchObject([{ id }]);
  expect(rawId(id)).toHaveLength(36);
});
