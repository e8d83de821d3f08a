import { parse } from 'csv-parse/sync';
import { bySystem, recordAudit } from '../domain/audit/record-audit.ts';
import type { Actor } from '../domain/auth/viewer.ts';
import { inTenant } from '../prisma/client.ts';
import { mutate } from '../test/ask.ts';
import { expect, globalId, type Person, rawId, test } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import { statementsOf } from '../test/statements.ts';

const list = `query ($filter: AuditEntryFilter, $first: Int, $after: String) {
  auditEntries(filter: $filter, first: $first, after: $after) {
    nodes { id at action actor { type id name } target { type id } address requestId before after } pageInfo { endCursor hasNextPage } } }`;
const exportLog = `mutation ($input: AuditExportInput!) { auditExport(input: $input) {
  __typename ... on AuditExport { url expiresAt } ... on UserError { code } } }`;

/** A tag that is made and deleted: one entry. */
async function deleteTag(shop: Person, name: string): Promise<string> {
  const made = await shop.graphql(
    `mutation ($input: TagCreateInput!) { tagCreate(input: $input) { ... on Tag { id } } }`,
    { input: { name } },
  );
  const tagId = made.data['tagCreate'].id as string;
  await shop.graphql(`mutation ($input: TagDeleteInput!) { tagDelete(input: $input) { __typename } }`, {
    input: { tagId },
  });
  return tagId;
}

type Node = {
  id: string;
  at: string;
  action: string;
  actor: { type: string; id: string | null; name: string | null };
  target: { id: string };
};

const nodesOf = async (shop: Person, filter?: object) => {
  const answer = await shop.graphql(list, { filter });
  expect(answer.errors).toBeUndefined();
  return answer.data['auditEntries'].nodes as Node[];
};

test('the log is read newest first, by page, action, actor, target and time', async ({ shop, signUp, db }) => {
  const other = await signUp();
  await deleteTag(other, 'theirs');
  const tags: string[] = [];
  for (const name of ['one', 'two', 'three']) tags.push(await deleteTag(shop, name));
  const { tenantId } = shop;
  await inTenant(db, tenantId, (tx) =>
    recordAudit(tx, bySystem(tenantId), { action: 'upload.purge', target: { type: 'Upload', id: null } }),
  );

  const all = await nodesOf(shop);
  const deeds = all.filter(({ action }) => ['tag.delete', 'upload.purge'].includes(action));
  expect(deeds.map(({ action, target }) => [action, target.id])).toEqual([
    ['upload.purge', null],
    ...tags.toReversed().map((id) => ['tag.delete', id]),
  ]);
  expect(deeds[0]).toMatchObject({ actor: { type: 'SYSTEM', id: null }, address: null, requestId: null });
  expect(deeds[1]).toMatchObject({
    actor: { type: 'PERSON', id: globalId('User', shop.userId) },
    target: { type: 'Tag', id: tags[2] },
    address: '127.0.0.1',
    requestId: expect.any(String),
    before: { name: 'three' },
    after: null,
  });

  const byAction = await nodesOf(shop, { actions: ['tag.delete'] });
  expect(byAction.map(({ target }) => target.id)).toEqual(tags.toReversed());
  expect(await nodesOf(shop, { targetId: tags[1] })).toHaveLength(1);
  expect(await nodesOf(shop, { actorId: globalId('User', other.userId) })).toEqual([]);
  expect(await nodesOf(shop, { actions: ['tag.delete'], actorId: globalId('User', shop.userId) })).toHaveLength(3);
  const [newest, middle, oldest] = byAction;
  const between = await nodesOf(shop, { actions: ['tag.delete'], since: oldest?.at, until: newest?.at });
  expect(between.map(({ id }) => id)).toContain(middle?.id);
  expect(between.map(({ id }) => id)).not.toContain(newest?.id);
  expect(await nodesOf(shop, { until: '2001-01-01T00:00:00Z' })).toEqual([]);
  expect(await nodesOf(shop, { since: '2101-01-01T00:00:00Z' })).toEqual([]);
  const refused = await shop.graphql(list, { filter: { actions: Array(101).fill('tag.delete') } });
  expect(refused.errors).toMatchObject([
    { extensions: { code: 'BAD_USER_INPUT', fields: [{ path: 'filter.actions' }] } },
  ]);

  const first = await shop.graphql(list, { filter: { actions: ['tag.delete'] }, first: 2 });
  const { endCursor, hasNextPage } = first.data['auditEntries'].pageInfo;
  expect(hasNextPage).toBe(true);
  const second = await shop.graphql(list, { filter: { actions: ['tag.delete'] }, first: 2, after: endCursor });
  expect(second.data['auditEntries'].nodes.map(({ id }: { id: string }) => id)).toEqual([oldest?.id]);
});

test('entries say what their actors are called now, all of a page by one statement; who is gone has no name', async ({
  shop,
  signUp,
  db,
  database,
}) => {
  const [colleague, stranger] = [await signUp(), await signUp()];
  const { tenantId } = shop;
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`insert into memberships (tenant_id, user_id, role) values (${tenantId}, ${colleague.userId}, 'SELLER')`;
  for (const [person, name] of [
    [shop, 'Olga'],
    [colleague, 'Paul'],
    [stranger, 'Rita'],
  ] as const) {
    await superuser.sql`update users set name = ${name} where id = ${person.userId}`;
  }
  const key = { name: 'Orders', integration: 'ERP', scopes: ['TENANT_READ'] };
  const made = await mutate(shop, 'apiKeyCreate', key, '... on NewApiKey { apiKey { id } }');
  const apiKeyId = (made['apiKey'] as { id: string }).id;
  await mutate(shop, 'apiKeyRevoke', { apiKeyId });
  const actors: Actor[] = [
    { type: 'SYSTEM', id: null },
    ...[stranger, colleague, shop].map(({ userId: id }): Actor => ({ type: 'PERSON', id })),
    { type: 'API_KEY', id: rawId(apiKeyId) },
  ];
  for (const actor of actors) {
    const deed = { action: 'tag.delete', target: { type: 'Tag', id: null } } as const;
    await inTenant(db, tenantId, (tx) => recordAudit(tx, { tenantId, actor, origin: null }, deed));
  }
  const names = async () => (await nodesOf(shop, { actions: ['tag.delete'] })).map(({ actor }) => actor.name);
  const statements = await statementsOf(async () => {
    expect(await names()).toEqual(['Orders', 'Olga', 'Paul', null, null]);
  });
  expect(statements.filter((text) => text.includes('union all'))).toHaveLength(1);

  const { url } = (await shop.graphql(exportLog, { input: { filter: { actions: ['tag.delete'] } } })).data[
    'auditExport'
  ];
  const rows = parse(await (await fetch(url)).text(), { bom: true, columns: true }) as Record<string, string>[];
  expect(rows.map(({ actorName }) => actorName)).toEqual(['Orders', 'Olga', 'Paul', '', '']);

  await superuser.sql`delete from memberships where user_id = ${colleague.userId} and tenant_id = ${tenantId}`;
  expect(await names()).toEqual(['Orders', 'Olga', null, null, null]);
});

test('the log is for owners and admins', async ({ shop, database }) => {
  await using superuser = await connect(database.superuserUrl);
  for (const [role, codes] of [
    ['ADMIN', undefined],
    ['SELLER', ['FORBIDDEN']],
  ]) {
    await superuser.query('update memberships set role = $1 where tenant_id = $2', [role, shop.tenantId]);
    for (const [query, variables] of [
      [list, {}],
      [exportLog, { input: {} }],
    ] as const) {
      const { errors } = await shop.graphql(query, variables);
      expect(errors?.map(({ extensions }) => extensions['code'])).toEqual(codes);
    }
  }
});

test('an export is a file of what fits, taken once, safe to open, written down itself, and takes a fresh proof', async ({
  shop,
  db,
  clock,
}) => {
  const tagId = await deleteTag(shop, '=HYPERLINK(1)');
  await deleteTag(shop, 'two');
  const { tenantId } = shop;
  const odd = { actorType: 'PERSON', actorId: shop.userId, requestId: '=cmd|x', address: '-1+1' };
  await inTenant(db, tenantId, (tx) =>
    tx.auditEntry.createMany({
      data: Array.from({ length: 1_100 }, () => ({ tenantId, ...odd, action: 'tag.delete', targetType: 'Tag' })),
    }),
  );
  const input = { filter: { actions: ['tag.delete'] }, idempotencyKey: 'export' };
  const asked = (await shop.graphql(exportLog, { input })).data['auditExport'];
  expect(asked).toMatchObject({ __typename: 'AuditExport', url: expect.stringContaining('/audit/') });
  expect((await shop.graphql(exportLog, { input })).data['auditExport']).toMatchObject({ url: null, expiresAt: null });

  const [one, two] = await Promise.all([fetch(asked.url), fetch(asked.url)]);
  expect([one.status, two.status].toSorted((a, b) => a - b)).toEqual([200, 410]);
  const taken = one.status === 200 ? one : two;
  const rows = parse(await taken.text(), { bom: true, columns: true }) as Record<string, string>[];
  expect(rows).toHaveLength(1_102);
  expect(rows.at(-1)).toMatchObject({ action: 'tag.delete', actorId: shop.userId, before: '{"name":"=HYPERLINK(1)"}' });
  expect(globalId('Tag', rows.at(-1)?.['targetId'] ?? '')).toBe(tagId);
  expect(rows.some((row) => Object.values(row).some((cell) => /^[=+@-]/.test(cell)))).toBe(false);
  expect((await fetch(asked.url)).status).toBe(410);

  const [download, exported] = await nodesOf(shop, { actions: ['audit.export', 'audit.download'] });
  expect(exported).toMatchObject({ action: 'audit.export', after: { filter: { actions: ['tag.delete'] } } });
  expect(download).toMatchObject({
    action: 'audit.download',
    actor: { type: 'PERSON', id: globalId('User', shop.userId) },
    target: { type: 'AuditEntry', id: exported?.id },
    requestId: taken.headers.get('x-request-id'),
  });

  const late = (await shop.graphql(exportLog, { input: {} })).data['auditExport'];
  clock.advance(6 * 60_000);
  const before = await nodesOf(shop, { actions: ['audit.export'] });
  expect((await shop.graphql(exportLog, { input: {} })).data['auditExport']).toMatchObject({
    code: 'CONFIRMATION_REQUIRED',
  });
  expect(await nodesOf(shop, { actions: ['audit.export'] }), 'nothing was exported').toEqual(before);
  expect((await shop.graphql(exportLog, { input })).data['auditExport'], 'a repeat takes no proof').toMatchObject({
    __typename: 'AuditExport',
  });
  clock.advance(10 * 60_000);
  expect((await fetch(late.url)).status).toBe(410);
  expect((await fetch(`${late.url.slice(0, -20)}AAAA/audit.csv`)).status).toBe(404);
});

test('nobody takes an entry out or changes it: the database refuses the application', async ({ shop, db }) => {
  await deleteTag(shop, 'gone');
  const { tenantId } = shop;
  const tries = [
    () => inTenant(db, tenantId, (tx) => tx.auditEntry.deleteMany({ where: { tenantId } })),
    () => inTenant(db, tenantId, (tx) => tx.auditEntry.updateMany({ where: { tenantId }, data: { action: 'x.y' } })),
    () => inTenant(db, tenantId, (tx) => tx.$executeRaw`truncate audit_entries`),
  ];
  for (const attempt of tries) await expect(attempt()).rejects.toThrow(/permission denied/);
  expect(await nodesOf(shop, { actions: ['tag.delete'] })).toHaveLength(1);
});
