import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import {
  beginReceiving,
  finishReceiving,
  giveUpReceiving,
  keepReceiving,
  type Receiving,
  renewEveryMs,
  type UploadRefusal,
} from '../domain/uploads/receive-upload.ts';
import { readUploadToken } from '../domain/uploads/token.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import type { Log } from '../runtime/log.ts';
import type { Storage } from '../runtime/storage.ts';
import { allowOrigin, type Exchange, type Handler, HttpError, lastSegment } from './http.ts';

export type UploadOptions = { db: Db; log: Log; storage: Storage; uploadBytesMax: number; corsOrigins: string[] };

const refusals: Record<UploadRefusal, [status: number, code: string, message: string]> = {
  unknown: [404, 'NOT_FOUND', 'There is no such upload.'],
  spent: [409, 'UPLOAD_SPENT', 'The file has arrived already; this URL is used up.'],
  busy: [409, 'UPLOAD_BUSY', 'A file is arriving at this URL right now. Try again in a while.'],
  expired: [410, 'UPLOAD_EXPIRED', 'This URL has expired. Ask for a new one with uploadCreate.'],
};

/** `PUT /uploads/{token}`: the body streams to storage as it comes. The token is spent when the whole of it has arrived. */
export function createUploads(options: UploadOptions): Handler {
  const { db, storage, log } = options;
  return async (exchange) => {
    const { request, response, requestId } = exchange;
    if (allowOrigin(exchange, options.corsOrigins, 'PUT')) return;
    const token = readUploadToken(lastSegment(exchange));
    if (!token) throw refuse(exchange, 'unknown');
    checkHeaders(request, options.uploadBytesMax);
    const begun = await inTenant(db, token.tenantId, (tx) => beginReceiving(tx, token));
    if ('refused' in begun) throw refuse(exchange, begun.refused);

    const { receiving } = begun;
    const forget = (key: string) =>
      storage.delete(key).catch((err: unknown) => log.warn({ requestId, err }, 'a cut-off file was not deleted'));
    if (begun.leftover) await forget(begun.leftover);
    try {
      await receive(options, exchange, receiving, begun.contentType);
      if (!(await inTenant(db, receiving.tenantId, (tx) => finishReceiving(tx, receiving)))) throw lost();
    } catch (error) {
      const isGivenUp = await inTenant(db, receiving.tenantId, (tx) => giveUpReceiving(tx, receiving));
      if (isGivenUp) await forget(receiving.storageKey);
      throw error;
    }
    response.writeHead(204).end();
  };
}

/** What can be said before the body comes. */
function checkHeaders({ headers }: IncomingMessage, bytesMax: number): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new HttpError(415, 'UNSUPPORTED_CONTENT_ENCODING', 'Send the file as it is, without a content encoding.');
  if (Number(headers['content-length'] ?? 0) > bytesMax) throw tooLong(bytesMax);
}

async function receive(
  { db, storage }: UploadOptions,
  { request, signal }: Exchange,
  receiving: Receiving,
  contentType: string,
): Promise<void> {
  const { byteSize } = receiving;
  const announced = request.headers['content-length'];
  if (announced !== undefined && Number(announced) > byteSize) throw tooLong(byteSize);
  if (announced !== undefined && Number(announced) < byteSize) throw tooShort(byteSize);

  const stopped = new AbortController();
  const renewing = setInterval(() => {
    inTenant(db, receiving.tenantId, (tx) => keepReceiving(tx, receiving)).then(
      (isOurs) => isOurs || stopped.abort(lost()),
      (error: unknown) => stopped.abort(error),
    );
  }, renewEveryMs);
  try {
    const body = Readable.from(exactly(request, byteSize, AbortSignal.any([signal, stopped.signal])), {
      objectMode: false,
    });
    await storage.putStream(receiving.storageKey, body, { contentType, contentLength: byteSize });
  } catch (error) {
    if (error instanceof Error && error.cause instanceof HttpError) throw error.cause; // the storage wraps what the body threw
    throw signal.aborted || request.destroyed ? tooShort(byteSize) : error;
  } finally {
    clearInterval(renewing);
  }
}

/** The body's bytes, as many as were announced; throws on any other number. */
async function* exactly(request: IncomingMessage, byteSize: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  let received = 0;
  const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false }); // the answer still goes over its socket
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    received += chunk.length;
    if (received > byteSize) throw tooLong(byteSize);
    yield chunk;
  }
  if (received < byteSize) throw tooShort(byteSize);
}

const tooLong = (bytes: number) => new HttpError(413, 'BODY_TOO_LARGE', `The body is larger than ${bytes} bytes.`);
const tooShort = (bytes: number) =>
  new HttpError(400, 'BODY_TOO_SHORT', `The body ended before the ${bytes} bytes that were announced.`);
const lost = () => new HttpError(409, 'UPLOAD_BUSY', 'The file took too long, and another one is arriving.');

function refuse({ response }: Exchange, refusal: UploadRefusal): HttpError {
  if (refusal === 'busy') response.setHeader('retry-after', '30');
  return new HttpError(...refusals[refusal]);
}
