import { type Meta } from '../../connectors/whatsapp/meta.ts';
import { type Db, inTenant } from '../../prisma/client.ts';
import type { Simulators } from '../../simulators/start.ts';
import { expect, rawId, testKeys } from '../../test/fixtures.ts';
import { test } from '../../test/partners.ts';
import { connectShop } from '../../test/templates.ts';
import { syncAsJob } from './sync-templates.ts';

const text = 'Hello there, dear friend of ours.';

function addAtMeta(simulators: Simulators, wabaId: string, name: string, words = text): string {
  const components = [{ type: 'BODY', text: words }];
  return simulators.meta.createTemplate(wabaId, { name, language: 'en', category: 'UTILITY', components }).id;
}

async function statesOf(db: Db, tenantId: string) {
  const rows = await inTenant(db, tenantId, (tx) =>
    tx.template.findMany({ where: { tenantId }, orderBy: { name: 'asc' } }),
  );
  return rows.map(({ name, status, deletedAt }) => [name, status, deletedAt !== null]);
}

test('a cursor that has run out begins the list anew, and nothing is taken for gone', async ({
  shop,
  simulators,
  db,
  meta,
}) => {
  if (!meta) throw new Error('There is no way to Meta.');
  const { accountId, wabaId } = await connectShop(shop, simulators);
  for (let index = 0; index < 150; index += 1) addAtMeta(simulators, wabaId, `bulk_${index}`);
  let spoiled = 0;
  const call: Meta['call'] = ({ query, ...request }, signal) => {
    const isSpoiled = query?.['after'] !== undefined && spoiled < 1;
    if (isSpoiled) spoiled += 1;
    return meta.call(
      { ...request, ...(query ? { query: isSpoiled ? { ...query, after: 'bm9uZQ' } : query } : {}) },
      signal,
    );
  };
  const deps = { meta: { ...meta, call }, keyring: testKeys.encryption };
  expect(await syncAsJob(db, deps, shop.tenantId, rawId(accountId))).toMatchObject({
    pages: 3,
    added: 150,
    removed: 0,
  });
  expect(spoiled).toBe(1);
  const states = await statesOf(db, shop.tenantId);
  expect(states).toHaveLength(150);
  expect(states.every(([, status]) => status === 'APPROVED')).toBe(true);
});

test('two comparisons at once store every template once', async ({ shop, simulators, db, meta }) => {
  if (!meta) throw new Error('There is no way to Meta.');
  const { accountId, wabaId } = await connectShop(shop, simulators);
  for (let index = 0; index < 30; index += 1) addAtMeta(simulators, wabaId, `bulk_${index}`);
  const sync = () => syncAsJob(db, { meta, keyring: testKeys.encryption }, shop.tenantId, rawId(accountId));
  await Promise.all([sync(), sync(), sync()]);
  expect(await statesOf(db, shop.tenantId)).toHaveLength(30);
});

test('a name that was deleted at Meta and made anew is another template', async ({ shop, simulators, db, meta }) => {
  if (!meta) throw new Error('There is no way to Meta.');
  const { accountId, wabaId } = await connectShop(shop, simulators);
  const sync = () => syncAsJob(db, { meta, keyring: testKeys.encryption }, shop.tenantId, rawId(accountId));
  addAtMeta(simulators, wabaId, 'hello');
  await sync();
  const { graphUrl } = simulators.meta.credentials;
  const token = simulators.meta.createToken({ wabaIds: [wabaId] });
  const headers = { authorization: `Bearer ${token}` };
  await fetch(`${graphUrl}/v25.0/${wabaId}/message_templates?name=hello`, { method: 'DELETE', headers });
  addAtMeta(simulators, wabaId, 'hello', 'Other words for you, dear friend of ours.');
  await sync();
  expect(await statesOf(db, shop.tenantId)).toEqual(
    expect.arrayContaining([
      ['hello', 'DELETED', true],
      ['hello', 'APPROVED', false],
    ]),
  );
});
