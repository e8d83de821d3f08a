import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PosterOrder, PosterReport, PosterWord } from './poster.ts';

/** Meta, as a process of its own that has everything written and signed before it begins. */
export type Poster = AsyncDisposable & {
  posts: number;
  events: number;
  run(): Promise<PosterReport>;
};

export async function startPoster(order: PosterOrder): Promise<Poster> {
  const child = fork(join(import.meta.dirname, 'poster.ts'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const said = nextWord(child);
  child.send(order);
  const ready = await said;
  if (ready.is !== 'ready') throw new Error('The load generator did not get ready.');
  return {
    posts: ready.posts,
    events: ready.events,
    async run() {
      const done = nextWord(child);
      child.send('start');
      const word = await done;
      if (word.is !== 'done') throw new Error('The load generator said something else than how it went.');
      return word;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function nextWord(child: ChildProcess): Promise<PosterWord> {
  const over = new AbortController();
  const signal = over.signal;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([word]) => word as PosterWord),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`The load generator ended with ${String(code)}.`);
      }),
    ]);
  } finally {
    over.abort();
  }
}
