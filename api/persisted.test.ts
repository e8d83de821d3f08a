import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listOperations } from '../scripts/list-operations.ts';
import { schema } from '../schema/index.ts';
import { mutate } from '../test/ask.ts';
import { expect, type GraphQLAnswer, startTestApi, test as base, type TestApi } from '../test/fixtures.ts';
import { hashOf, type Manifest, type PersistedOptions, readManifest } from './persisted.ts';

type Fixtures = {
  folder: string;
  manifest: Manifest;
  hash: string;
  start: (mode: PersistedOptions['mode'], keysMaySendAny?: boolean) => Promise<TestApi>;
};

const test = base.extend<Fixtures>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-operations-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  manifest: async ({ folder }, use) => {
    await mkdir(join(folder, 'parts'));
    await writeFile(
      join(folder, 'tenant.graphql'),
      'query Tenant { tenant { ...Names } } query Me { viewer { role } }',
    );
    await writeFile(
      join(folder, 'parts/names.graphql'),
      'fragment Names on Tenant { name ...Where } fragment Where on Tenant { country }',
    );
    expect(await listOperations(folder, join(folder, 'manifest.json'))).toBe(2);
    await use(await readManifest(join(folder, 'manifest.json'), schema));
  },
  hash: async ({ manifest }, use) => {
    const [hash = ''] = [...manifest].find(([, document]) => document.includes('query Tenant')) ?? [];
    await use(hash);
  },
  start: async ({ manifest, db, keys, storage, clock }, use) => {
    await using started = new AsyncDisposableStack();
    await use(async (mode, keysMaySendAny = true) => {
      const persisted = { manifest, mode, keysMaySendAny };
      return started.use(await startTestApi({ db, keys, storage, clock }, { persisted }));
    });
  },
});

async function send({ url }: TestApi, body: object, token: string): Promise<GraphQLAnswer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return (await (
    await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) })
  ).json()) as GraphQLAnswer;
}

const byHash = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
const codeOf = ({ errors }: GraphQLAnswer) => errors?.[0]?.extensions['code'];
const arbitrary = { query: '{ tenant { name } }' };

test('an operation that is listed is run by its hash, with its fragments from other files', async ({
  start,
  shop,
  hash,
}) => {
  const api = await start('allow');
  for (const body of [byHash(hash), { documentId: hash }, { documentId: `sha256:${hash}` }]) {
    expect((await send(api, body, shop.accessToken)).data).toEqual({ tenant: { name: 'Shop 1', country: 'BR' } });
  }
  expect((await send(api, arbitrary, shop.accessToken)).data).toEqual({ tenant: { name: 'Shop 1' } });
  expect(codeOf(await send(api, byHash('0'.repeat(64)), shop.accessToken))).toBe('PERSISTED_QUERY_NOT_FOUND');
  expect(codeOf(await send(api, {}, shop.accessToken))).toBe('BAD_REQUEST');

  const search = new URLSearchParams({ extensions: JSON.stringify(byHash(hash).extensions) });
  const headers = { 'x-csrf': '1', authorization: `Bearer ${shop.accessToken}` };
  const byGet = await fetch(`${api.url}/graphql?${search}`, { headers });
  expect(await byGet.json()).toMatchObject({ data: { tenant: { name: 'Shop 1', country: 'BR' } } });
});

test('nobody adds to the list by sending a document with its hash', async ({ start, shop }) => {
  const api = await start('only');
  const body = { ...arbitrary, ...byHash(hashOf(arbitrary.query)) };
  expect(codeOf(await send(api, body, shop.accessToken))).toBe('PERSISTED_OPERATION_REQUIRED');
  expect(codeOf(await send(api, byHash(hashOf(arbitrary.query)), shop.accessToken))).toBe('PERSISTED_QUERY_NOT_FOUND');
});

test('in strict mode people send what is listed, and programs with a key what they like, unless told otherwise', async ({
  start,
  shop,
  hash,
}) => {
  const input = { name: 'Orders', integration: 'ERP', scopes: ['TENANT_READ'] };
  const made = await mutate(shop, 'apiKeyCreate', input, '... on NewApiKey { secret }');
  const key = String(made['secret']);
  const strict = await start('only');
  expect((await send(strict, byHash(hash), shop.accessToken)).data).toMatchObject({ tenant: { name: 'Shop 1' } });
  expect(codeOf(await send(strict, arbitrary, shop.accessToken))).toBe('PERSISTED_OPERATION_REQUIRED');
  expect(codeOf(await send(strict, { query: '{ __typename }' }, ''))).toBe('PERSISTED_OPERATION_REQUIRED');
  expect((await send(strict, arbitrary, key)).data).toEqual({ tenant: { name: 'Shop 1' } });
  const forged = `${key.slice(0, -8)}AAAAAAAA`;
  expect(codeOf(await send(strict, { query: '{ __typename }' }, forged))).toBe('PERSISTED_OPERATION_REQUIRED');
  const strictest = await start('only', false);
  expect(codeOf(await send(strictest, arbitrary, key))).toBe('PERSISTED_OPERATION_REQUIRED');
});

test('a list that is not right is refused before anything is served', async ({ folder }) => {
  const file = join(folder, 'wrong.json');
  const write = (manifest: unknown) => writeFile(file, JSON.stringify(manifest));
  await write({ [hashOf('{ tenant { nope } }')]: '{ tenant { nope } }' });
  await expect(readManifest(file, schema)).rejects.toThrow('Cannot query field "nope"');
  await write({ [hashOf('{ tenant { name } }')]: '{ tenant { id } }' });
  await expect(readManifest(file, schema)).rejects.toThrow('is not the hash of its document');
  await write({ [hashOf('{')]: '{' });
  await expect(readManifest(file, schema)).rejects.toThrow('Syntax Error');
});
