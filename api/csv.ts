import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Exchange } from './http.ts';

/** Answers with a file of CSV as it is written, piece by piece; of a HEAD with its headers only. */
export async function sendCsv(
  { request, response, signal }: Exchange,
  fileName: string,
  file: AsyncGenerator<string>,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  if (request.method === 'HEAD') return void response.end();
  await pipeline(Readable.from(file), response, { signal });
}
