import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadEmbeddedPostgres } from './embedded-postgres.ts';

export type LocalPostgres = AsyncDisposable & {
  /** A superuser's URL of one database of this server. */
  url(database: string): string;
  /** What the server itself has written. */
  log: readonly string[];
  /** Stops and starts the server, as a fail-over would: `immediate` is a crash. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
};

/**
 * A Postgres of our own on a free port of this machine, in a temporary folder: for the demo, the tests and the benchmarks.
 * `durable: false` trades safety on power loss for speed.
 */
export async function startLocalPostgres(options: { durable: boolean; flags?: string[] }): Promise<LocalPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-postgres-'));
  await chmod(directory, 0o755); // as root, the server runs as another user
  const port = await freePort();
  const said: string[] = [];
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true, // stop() would delete the data, and restart() needs it
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--no-sync'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'max_connections=400',
      '-c',
      'shared_buffers=256MB',
      '-c',
      'max_wal_size=4GB',
      '-c',
      'log_error_verbosity=terse', // the detail of a broken rule is the row that broke it
      ...(options.durable ? [] : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off']),
      ...(options.flags ?? []),
    ],
    onLog: (line) => said.push(line),
    onError: (line) => said.push(String(line)),
  });
  const start = async () => {
    try {
      await server.start();
    } catch (cause) {
      throw new Error(`The local Postgres did not start:\n${said.slice(-20).join('')}`, { cause });
    }
  };
  await server.initialise();
  await start();
  const stopAtExit = () => process.kill(readPid(directory), 'SIGINT');
  process.once('exit', stopAtExit);

  return {
    url: (database) => `postgresql://postgres:postgres@127.0.0.1:${port}/${database}`,
    log: said,
    async restart(mode) {
      const pid = readPid(directory);
      process.kill(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      while (isAlive(pid)) await pause(20);
      await start();
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', stopAtExit);
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No free port was given.');
  return address.port;
}

function readPid(directory: string): number {
  const [line] = readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n');
  return Number(line);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
