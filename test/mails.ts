import { Logger, runOnce } from 'graphile-worker';
import { Registry } from 'prom-client';
import { createMailer } from '../connectors/smtp/mailer.ts';
import { createQueuePool } from '../prisma/queue-pool.ts';
import { createLog } from '../runtime/log.ts';
import { type CaughtMail, type MailCatcher, startMailCatcher } from '../simulators/mail/catcher.ts';
import { sendMail } from '../worker/mails/send.ts';
import { createWorkerMetrics } from '../worker/metrics.ts';
import type { TaskServices } from '../worker/task.ts';
import { test as base, testKeys } from './fixtures.ts';

export type Mails = MailCatcher & {
  /** Runs every mail job that is due, as the fleet does; gives what they threw. */
  deliver(): Promise<unknown[]>;
  /** Delivers, and gives the newest mail to an address. */
  newest(address: string): Promise<CaughtMail>;
  /** The same, and the token in its link. */
  newestToken(address: string): Promise<string>;
  /** What the jobs logged. */
  logLines: string[];
  /** Server secrets that the next mails are written with, newest first. */
  serverSecrets: Buffer[];
  /** Turns the mails off, as without SMTP_URL. */
  turnOff(): void;
  metrics(): Promise<string>;
};

export const appUrl = 'https://app.parley.test';

/** Tests with a mail server that catches what the fleet sends. */
export const test = base.extend<{ mails: Mails }>({
  mails: async ({ db, database, storage }, use) => {
    await using catcher = await startMailCatcher();
    await using mailer = createMailer({ url: catcher.url, from: 'Parley <no-reply@parley.test>', timeoutMs: 10_000 });
    const pool = createQueuePool(database.urls.queue, { max: 3, applicationName: 'test-mails', onError: () => {} });
    const logLines: string[] = [];
    const registry = new Registry();
    const serverSecrets = testKeys.encryption.map(({ key }) => key);
    const services = {
      db,
      storage,
      log: createLog('info', { write: (line) => void logLines.push(line) }),
      metrics: createWorkerMetrics(registry),
      keyring: testKeys.encryption,
      meta: null,
      mail: { mailer, appUrl, serverSecrets },
    } as unknown as TaskServices;
    const deliver = async () => {
      const thrown: unknown[] = [];
      const { signal } = new AbortController();
      await runOnce({
        pgPool: pool,
        logger: new Logger(() => () => {}),
        noHandleSignals: true,
        taskList: {
          [sendMail.name]: async (payload, { job }) => {
            const taken = { id: job.id, payload, attempt: job.attempts, attemptsMax: job.max_attempts };
            await sendMail.run(taken, services, signal).catch((error: unknown) => {
              thrown.push(error);
              throw error;
            });
          },
        },
      });
      return thrown;
    };
    const newest = async (address: string) => {
      await deliver();
      const mail = catcher.to(address).at(-1);
      if (!mail) throw new Error(`No mail has come to ${address}: ${logLines.slice(-3).join('')}`);
      return mail;
    };
    await use({
      ...catcher,
      deliver,
      newest,
      newestToken: async (address) => tokenIn(await newest(address)),
      logLines,
      serverSecrets,
      turnOff: () => void Object.assign(services, { mail: null }),
      metrics: () => registry.metrics(),
    });
    await pool.end();
  },
});

/** The token in the link of a mail. */
export function tokenIn({ links }: CaughtMail): string {
  const token = links.map((link) => /#token=([\w-]+)$/.exec(link)?.[1]).find((found) => found !== undefined);
  if (token === undefined) throw new Error('There is no link with a token in this mail.');
  return token;
}
