import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { createStorage, type Storage } from './storage.ts';

/** A store that speaks as much of S3 as we use. */
async function startStore(): Promise<AsyncDisposable & { storage: Storage; files: Map<string, Buffer> }> {
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const key = new URL(request.url ?? '/', 'http://store').pathname.replace('/bucket/', '');
    const answer = async () => {
      const body = Buffer.concat(await request.toArray());
      if (request.method === 'PUT') {
        if (request.headers['content-length'] !== String(body.length)) return response.writeHead(411).end();
        files.set(key, body);
        return response.writeHead(200, { etag: '"1"' }).end();
      }
      if (request.method === 'DELETE') files.delete(key);
      const file = files.get(key);
      if (!file) return response.writeHead(request.method === 'DELETE' ? 204 : 404).end();
      return response
        .writeHead(200, { 'content-length': file.length, etag: '"1"' })
        .end(request.method === 'GET' ? file : '');
    };
    answer().catch(() => response.destroy()); // the sender went away
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    files,
    storage: createStorage(`s3://bucket?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* pieces(count: number, breaksOff = false) {
  for (let piece = 0; piece < count; piece += 1) yield Buffer.alloc(1_000, 'x');
  if (breaksOff) throw new Error('The sender went away.');
}
const stream = (bytes: AsyncIterable<Buffer>) => Readable.from(bytes, { objectMode: false });

afterEach(() => vi.unstubAllEnvs());

test('a body streams into an S3 store with its length, as it is; one that breaks off leaves nothing and harms nobody', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  await using store = await startStore();
  const { storage, files } = store;
  await storage.putStream('tenant/file', stream(pieces(50)), { contentType: 'text/csv', contentLength: 50_000 });
  expect(files.get('tenant/file')?.equals(Buffer.alloc(50_000, 'x'))).toBe(true);
  expect([await storage.exists('tenant/file'), await storage.exists('tenant/other')]).toEqual([true, false]);
  expect(Buffer.concat(await (await storage.getStream('tenant/file')).toArray())).toHaveLength(50_000);

  const broken = storage.putStream('tenant/broken', stream(pieces(10, true)), { contentLength: 50_000 });
  await expect(broken).rejects.toMatchObject({ cause: { message: 'The sender went away.' } });
  expect(await storage.exists('tenant/broken')).toBe(false);
  await storage.delete('tenant/file');
  expect(await storage.exists('tenant/file')).toBe(false);
});
