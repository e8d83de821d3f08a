import { createServer, type RequestListener, type Server } from 'node:http';

export type RunningServer = AsyncDisposable & { port: number };

export type ServerTimeouts = {
  /** How long the head of a request may take, and a request with its body. */
  headersTimeout: number;
  requestTimeout: number;
  keepAliveTimeout: number;
};

/** A file of 256 MB takes its time; what reads a body into memory has a limit of its own (api/http.ts). */
const timeouts: ServerTimeouts = { headersTimeout: 10_000, requestTimeout: 300_000, keepAliveTimeout: 65_000 };

/** Listens; disposing it answers what is in hand and then stops. Port 0 takes any free one. */
export async function listen(
  listener: RequestListener,
  port: number,
  host?: string,
  otherwise: Partial<ServerTimeouts> = {},
): Promise<RunningServer> {
  const server: Server = createServer(
    { ...timeouts, ...otherwise, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 },
    listener,
  );
  server.maxHeadersCount = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const again = setInterval(() => server.closeIdleConnections(), 50); // whose answer was still to come, and who would stay for more
      const force = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearInterval(again);
      clearTimeout(force);
    },
  };
}
