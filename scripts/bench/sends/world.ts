import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Keyring } from '../../../domain/connections/keyring.ts';
import { enqueue } from '../../../domain/jobs.ts';
import { sendBulk } from '../../../domain/messages/jobs.ts';
import { createDb, type Db, inTenant } from '../../../prisma/client.ts';
import type { NumberCredentials } from '../../../simulators/meta/control.ts';
import type { BooksSummary } from '../../../simulators/meta/books.ts';
import { newTemplate, runCampaign, storeNumber, storeTemplate, type TestNumber } from '../../../test/seed-sending.ts';
import { type LocalDatabase, startLocalDatabase } from '../../local-stack.ts';
import { type SimulatorsProcess, startSimulatorsProcess } from '../../simulators-process.ts';

/** What the benchmarks of messaging stand on: a database, the simulators, and a tenant. */
export type MessagingWorld = AsyncDisposable & {
  database: LocalDatabase;
  db: Db;
  simulators: SimulatorsProcess;
  tenantId: string;
  /** For API and worker: where Meta is, and the key that opens the tokens. */
  env: Record<string, string>;
  keyring: Keyring;
  books(): Promise<BooksSummary>;
};

export async function startMessagingWorld(settings: object = {}): Promise<MessagingWorld> {
  await using undo = new AsyncDisposableStack();
  const database = undo.use(await startLocalDatabase());
  const simulators = undo.use(await startSimulatorsProcess({ profile: 'quiet' }));
  const db = undo.use(createDb(database.urls.app, { poolSize: 4, applicationName: 'parley-bench' }));
  await simulators.tell('settings', { meta: { statuses: { enabled: false }, magicRecipients: false, ...settings } });
  const key = randomBytes(32);
  const tenantId = randomUUID();
  const admin = new pg.Client({ connectionString: database.server.url('parley') });
  await admin.connect();
  await admin.query(
    `insert into tenants (id, name, country, time_zone, locale) values ($1, 'Bench', 'BR', 'America/Sao_Paulo', 'pt-BR')`,
    [tenantId],
  );
  await admin.end();
  const owned = undo.move();
  return {
    database,
    db,
    simulators,
    tenantId,
    keyring: [{ kid: 'bench', key }],
    env: { ...simulators.env, ENCRYPTION_KEYS: `bench:${key.toString('base64')}`, LOG_LEVEL: 'warn' },
    books: async () => (await simulators.ask<{ meta: BooksSummary }>('books')).meta,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A number with a campaign of so many people that is ready to run; `start` wakes the fleet. */
export async function prepareCampaign(
  world: MessagingWorld,
  { people, throughput, from = 0 }: { people: number; throughput: number; from?: number },
): Promise<{ number: TestNumber; campaignId: string; start(): Promise<void> }> {
  const { db, simulators, tenantId, keyring } = world;
  const credentials = await simulators.tell<NumberCredentials>('meta/numbers', {
    level: 'HIGH',
    tier: 'TIER_UNLIMITED',
    isRegistered: true,
    isSubscribed: true,
  });
  const number = await storeNumber(db, tenantId, credentials, { throughput, messagingLimit: null, keyring });
  const template = newTemplate('UTILITY');
  const { id: metaId } = await simulators.tell<{ id: string }>('meta/templates', {
    wabaId: number.wabaId,
    ...template,
  });
  const stored = await storeTemplate(db, number, template, metaId);
  const campaign = await runCampaign(db, number, stored, { people, from, status: 'PAUSED' });
  return {
    number,
    campaignId: campaign.id,
    start: () =>
      inTenant(db, tenantId, async (tx) => {
        await tx.campaign.update({
          where: { tenantId_id: { tenantId, id: campaign.id } },
          data: { status: 'RUNNING' },
          select: { id: true },
        });
        await enqueue(tx, sendBulk, { tenantId, numberId: number.id });
      }),
  };
}

/** Waits until so many messages were accepted; says when. */
export async function acceptedAtLeast(
  world: MessagingWorld,
  wanted: number,
  withinMs: number,
): Promise<{ accepted: number; at: number }> {
  for (const deadline = performance.now() + withinMs; ; await pause(100)) {
    const { accepted } = await world.books();
    const at = performance.now();
    if (accepted >= wanted) return { accepted, at };
    if (at > deadline) throw new Error(`Only ${accepted} of ${wanted} messages were accepted.`);
  }
}
