import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type Db, inTenant } from '../prisma/client.ts';
import { expect, type Person, rawId, test } from '../test/fixtures.ts';

const create = `mutation ($input: UploadCreateInput!) { uploadCreate(input: $input) {
  __typename ... on Upload { id url status expiresAt byteSize } ... on UserError { code message }
  ... on InvalidInputError { fields { path message } } } }`;

async function announce(person: Person, byteSize: number, more: object = {}) {
  const input = { fileName: 'people.csv', contentType: 'text/csv', byteSize, ...more };
  const { data } = await person.graphql(create, { input });
  return data['uploadCreate'] as { __typename: string; id: string; url: string; status: string; code: string };
}

const put = (url: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'PUT', body, headers });
/** Without saying the length before. */
const putStreamed = (url: string, size: number) =>
  fetch(url, { method: 'PUT', body: new Blob([randomBytes(size)]).stream(), duplex: 'half' } as RequestInit);
const codeOf = async (answer: Response) =>
  ((await answer.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code;
const uploadRow = (db: Db, { tenantId }: Person, id: string) =>
  inTenant(db, tenantId, (tx) => tx.upload.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: rawId(id) } } }));
const filesIn = async (directory: string) =>
  (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());

test('the raw bytes arrive in storage under the tenant’s key, and the URL is spent', async ({ shop, db, storage }) => {
  const body = randomBytes(300_000);
  const upload = await announce(shop, body.length);
  expect(upload).toMatchObject({ __typename: 'Upload', status: 'WAITING', byteSize: 300_000 });
  const answer = await put(upload.url, body);
  expect(answer.status).toBe(204);
  const row = await uploadRow(db, shop, upload.id);
  expect(row).toMatchObject({ status: 'RECEIVED', leaseUntil: null });
  expect(row.storageKey).toMatch(new RegExp(`^${shop.tenantId}/uploads/`));
  expect(Buffer.from(await (await storage.getStream(row.storageKey ?? '')).toArray().then(Buffer.concat))).toEqual(
    body,
  );

  const again = await put(upload.url, body);
  expect([again.status, await codeOf(again)]).toEqual([409, 'UPLOAD_SPENT']);
  expect(await filesIn(storage.directory)).toHaveLength(1);
});

test('a token is kept only as a hash, and is shown once', async ({ shop, db, api }) => {
  const first = await announce(shop, 10, { idempotencyKey: 'once' });
  const replayed = await announce(shop, 10, { idempotencyKey: 'once' });
  expect(replayed).toMatchObject({ id: first.id, url: null });
  const { data } = await shop.graphql('query ($id: ID!) { node(id: $id) { ... on Upload { url fileName } } }', {
    id: first.id,
  });
  expect(data['node']).toEqual({ url: null, fileName: 'people.csv' });
  const token = first.url.split('/').at(-1) ?? '';
  const everything = await inTenant(
    db,
    shop.tenantId,
    (tx) => tx.$queryRaw`select u::text as row from uploads u union all select k::text from idempotency_keys k`,
  );
  expect(JSON.stringify(everything)).not.toContain(token.slice(-40));
  expect(JSON.stringify(everything)).not.toContain(Buffer.from(token, 'base64url').subarray(32).toString('hex'));
  expect(api.logLines.join('\n')).not.toContain(token);
});

test('what cannot be a file is refused before there is a URL', async ({ shop }) => {
  expect(await announce(shop, 0)).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path: 'byteSize' }] });
  expect(await announce(shop, 20_000_001)).toMatchObject({ fields: [{ path: 'byteSize' }] });
  expect(await announce(shop, -1)).toMatchObject({ fields: [{ path: 'byteSize' }] });
  expect(await announce(shop, 1, { fileName: '../x.csv', contentType: 'csv' })).toMatchObject({
    fields: [{ path: 'fileName' }, { path: 'contentType' }],
  });
});

test('a body longer or shorter than announced is refused, leaves no file, and the URL stays usable', async ({
  shop,
  db,
  storage,
}) => {
  const upload = await announce(shop, 100);
  const streamed = (size: number) => putStreamed(upload.url, size);
  const long = await put(upload.url, randomBytes(101));
  expect([long.status, await codeOf(long)]).toEqual([413, 'BODY_TOO_LARGE']);
  const short = await put(upload.url, randomBytes(99));
  expect([short.status, await codeOf(short)]).toEqual([400, 'BODY_TOO_SHORT']);
  expect((await streamed(101)).status).toBe(413); // without a length said before
  expect((await streamed(99)).status).toBe(400);
  expect(await filesIn(storage.directory)).toEqual([]);
  expect(await uploadRow(db, shop, upload.id)).toMatchObject({ status: 'WAITING', storageKey: null });
  expect((await streamed(100)).status).toBe(204);
});

test('a body far too long is cut off early, and its sender still reads why', async ({ shop }) => {
  const upload = await announce(shop, 100);
  for (const send of [() => put(upload.url, randomBytes(30_000_000)), () => putStreamed(upload.url, 30_000_000)]) {
    const answer = await send();
    expect([answer.status, await codeOf(answer)]).toEqual([413, 'BODY_TOO_LARGE']);
  }
});

test('an aborted upload leaves no file, and can be sent again', async ({ shop, db, storage }) => {
  const upload = await announce(shop, 1_000_000);
  const sending = httpRequest(upload.url, { method: 'PUT', headers: { 'content-length': '1000000' } });
  sending.on('error', () => {}); // it is cut off on purpose
  sending.write(randomBytes(400_000));
  await expect.poll(() => uploadRow(db, shop, upload.id)).toMatchObject({ status: 'RECEIVING' });
  const meanwhile = await put(upload.url, randomBytes(1_000_000));
  expect([meanwhile.status, meanwhile.headers.get('retry-after')]).toEqual([409, '30']);
  sending.destroy();
  await expect.poll(() => uploadRow(db, shop, upload.id)).toMatchObject({ status: 'WAITING' });
  await expect.poll(() => filesIn(storage.directory)).toEqual([]);
  expect((await put(upload.url, randomBytes(1_000_000))).status).toBe(204);
});

test('a place that a crashed process had taken is free when its lease has ended', async ({ shop, db, storage }) => {
  const upload = await announce(shop, 5);
  const cutOff = `${shop.tenantId}/uploads/${rawId(upload.id)}/cut-off`;
  await storage.putStream(cutOff, Readable.from([Buffer.from('half')]));
  const leaseEnds = (when: string) =>
    inTenant(
      db,
      shop.tenantId,
      (tx) =>
        tx.$executeRaw`update uploads set status = 'RECEIVING', storage_key = ${cutOff}, lease_until = now() + ${when}::interval`,
    );
  await leaseEnds('10 seconds');
  expect((await put(upload.url, 'abcde')).status).toBe(409);
  await leaseEnds('-1 second');
  expect((await put(upload.url, 'abcde')).status).toBe(204);
  expect(await storage.exists(cutOff)).toBe(false);
});

test('of two that send at once, one file arrives whole', async ({ shop, db, storage }) => {
  const upload = await announce(shop, 2_000_000);
  const bodies = [Buffer.alloc(2_000_000, 'a'), Buffer.alloc(2_000_000, 'b')];
  const answers = await Promise.all(bodies.map((body) => put(upload.url, body)));
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 409]);
  const { storageKey } = await uploadRow(db, shop, upload.id);
  const stored = await storage.getStream(storageKey ?? '').then((stream) => stream.toArray());
  expect(bodies.some((body) => Buffer.concat(stored).equals(body))).toBe(true);
});

test('an expired URL is gone, an unknown one is not found', async ({ shop, db, api }) => {
  const upload = await announce(shop, 3);
  await inTenant(db, shop.tenantId, (tx) => tx.upload.updateMany({ data: { expiresAt: new Date(0) } }));
  const expired = await put(upload.url, 'abc');
  expect([expired.status, await codeOf(expired)]).toEqual([410, 'UPLOAD_EXPIRED']);
  const token = upload.url.split('/').at(-1) ?? '';
  const bytes = Buffer.from(token, 'base64url');
  bytes[63] = (bytes[63] ?? 0) ^ 1; // the right tenant and upload, another secret
  const others = [bytes.toString('base64url'), randomBytes(64).toString('base64url'), 'x', `${token}A`];
  for (const other of others) expect((await put(`${api.url}/uploads/${other}`, 'abc')).status).toBe(404);
});

test('a compressed body is refused before it is stored', async ({ shop, storage }) => {
  const body = gzipSync('name,phone\n');
  const upload = await announce(shop, body.length);
  const answer = await put(upload.url, body, { 'content-encoding': 'gzip' });
  expect([answer.status, await codeOf(answer)]).toEqual([415, 'UNSUPPORTED_CONTENT_ENCODING']);
  expect(await filesIn(storage.directory)).toEqual([]);
});

test('another tenant sees no upload, and nobody makes one without signing in', async ({ shop, signUp }) => {
  const upload = await announce(shop, 3);
  const other = await signUp();
  const { data } = await other.graphql('query ($id: ID!) { node(id: $id) { id } }', { id: upload.id });
  expect(data['node']).toBeNull();
  const anonymous = await fetch(new URL('/graphql', upload.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: create, variables: { input: { fileName: 'a', contentType: 'a/b', byteSize: 1 } } }),
  });
  expect(JSON.stringify(await anonymous.json())).toContain('UNAUTHENTICATED');
});
