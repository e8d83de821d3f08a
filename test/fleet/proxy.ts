import { createServer, connect, type Server, type Socket } from 'node:net';

export type Proxy = AsyncDisposable & {
  /** The same URL, by way of the proxy. */
  via(url: string): string;
  /** `cut`: connections break and new ones are refused; `swallow`: they stay, and nothing comes through any more. */
  fail(how: 'cut' | 'swallow'): Promise<void>;
  heal(): Promise<void>;
};

/** A network between a worker and Postgres that can fail. */
export async function startProxy(target: URL): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let swallows = false;
  const accept = (near: Socket) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => swallows || to.write(chunk));
      from.on('error', () => from.destroy());
      from.on('close', () => {
        sockets.delete(from);
        if (!swallows) to.destroy();
      });
    }
  };
  let server: Server | undefined;
  const listen = async (port: number) => {
    const opened = (server = createServer(accept));
    await new Promise<void>((resolve) => opened.listen(port, '127.0.0.1', resolve));
    const address = opened.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
    return address.port;
  };
  const close = async () => {
    const closed = new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    for (const socket of sockets) socket.destroy();
    await closed;
    server = undefined;
  };
  const port = await listen(0);
  return {
    via(url) {
      const through = new URL(url);
      through.host = `127.0.0.1:${port}`;
      return through.href;
    },
    async fail(how) {
      if (how === 'swallow') swallows = true;
      else await close();
    },
    async heal() {
      swallows = false;
      if (!server) await listen(port);
      else for (const socket of sockets) socket.destroy(); // what was swallowed is lost for good
    },
    [Symbol.asyncDispose]: close,
  };
}
