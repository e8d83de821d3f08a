import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Takes a request whose body has been read. */
export type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

export type RunningServer = AsyncDisposable & { port: number };

const bodyBytesMax = 110 * 1_048_576;

/** Listens on a port, 0 for any free one; disposing it cuts what is open, hanging answers too. */
export async function listen(handler: Handler, port: number, host: string): Promise<RunningServer> {
  const server: Server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 120_000 }, (request, response) =>
    read(request, response, handler),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const nothing = Buffer.alloc(0);

function read(request: IncomingMessage, response: ServerResponse, handler: Handler): void {
  let first: Buffer = nothing;
  let rest: Buffer[] | undefined;
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > bodyBytesMax) request.destroy();
    else if (first === nothing) first = chunk;
    else (rest ??= [first]).push(chunk);
  });
  request.on('end', () => handler(request, rest ? Buffer.concat(rest) : first, response));
  request.on('error', () => response.destroy()); // the other side went away: there is nobody to answer
}

export function answer(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=UTF-8',
    ...headers,
    'content-length': String(typeof body === 'string' ? Buffer.byteLength(body) : body.length),
  });
  response.end(body);
}
