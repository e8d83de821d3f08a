import { createServer, type RequestListener, type Server } from 'node:http';

export type RunningServer = AsyncDisposable & { port: number };

/** Listens; disposing it answers what is in hand and then stops. Port 0 takes any free one. */
export async function listen(listener: RequestListener, port: number, host?: string): Promise<RunningServer> {
  const server: Server = createServer(
    { headersTimeout: 10_000, requestTimeout: 300_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 1_000 },
    listener,
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
      server.closeIdleConnections();
      const again = setInterval(() => server.closeIdleConnections(), 50); // whose answer was still to come, and who would stay for more
      const force = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearInterval(again);
      clearTimeout(force);
    },
  };
}
