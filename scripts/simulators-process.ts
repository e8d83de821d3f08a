import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { portOrFree } from './local-stack.ts';

const root = join(import.meta.dirname, '..');

/** The simulators as a process of their own, and what they are asked over HTTP. */
export type SimulatorsProcess = AsyncDisposable & {
  url: string;
  process: ChildProcess;
  /** The variables under which API and worker find them. */
  env: Record<'META_GRAPH_URL' | 'META_APP_ID' | 'META_APP_SECRET' | 'META_VERIFY_TOKEN', string>;
  ask<Answer>(path: string): Promise<Answer>;
  tell<Answer>(path: string, body?: object): Promise<Answer>;
};

type Credentials = Record<'graphUrl' | 'appId' | 'appSecret' | 'verifyToken', string>;

export async function startSimulatorsProcess(options: {
  profile: 'realistic' | 'demo' | 'noisy' | 'quiet';
  /** Wanted; a busy one is replaced by a free one. */
  port?: number;
}): Promise<SimulatorsProcess> {
  const port = await portOrFree(options.port);
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [join(root, 'simulators', 'main.ts')], {
    cwd: root,
    env: {
      ...process.env,
      SIMULATORS_PORT: String(port),
      SIMULATORS_PROFILE: options.profile,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const request = async <Answer>(path: string, body?: object): Promise<Answer> => {
    const answer = await fetch(`${url}/__control/${path}`, body ? { method: 'POST', body: JSON.stringify(body) } : {});
    if (!answer.ok) throw new Error(`The simulators answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as Answer;
  };
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  for (const deadline = Date.now() + 20_000; ; await pause(50)) {
    const found = await request<{ meta: Credentials }>('credentials').catch(() => undefined); // not listening yet
    if (found) {
      const { graphUrl, appId, appSecret, verifyToken } = found.meta;
      const env = {
        META_GRAPH_URL: graphUrl,
        META_APP_ID: appId,
        META_APP_SECRET: appSecret,
        META_VERIFY_TOKEN: verifyToken,
      };
      return {
        url,
        process: child,
        env,
        ask: request,
        tell: (path, body = {}) => request(path, body),
        [Symbol.asyncDispose]: stop,
      };
    }
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error('The simulators did not start.');
    }
  }
}
