import { createMeta, type Meta } from '../connectors/whatsapp/meta.ts';
import { sendDue, type SendReport } from '../domain/messages/send-due.ts';
import type { Db } from '../prisma/client.ts';
import type { NumberCredentials } from '../simulators/meta/control.ts';
import { type Simulators, startSimulators } from '../simulators/start.ts';
import { test as base, testKeys } from './fixtures.ts';
import { newTemplate, storeNumber, storeTemplate, type TestNumber, type TestTemplate } from './seed-sending.ts';

export { runCampaign, statuses, type TestNumber, type TestTemplate } from './seed-sending.ts';

type NumberOptions = {
  throughput?: 20 | 80 | 1_000;
  messagingLimit?: 250 | 2_000 | null;
  credentials?: NumberCredentials;
};

const levels = { 20: 'COEXISTENCE', 80: 'STANDARD', 1_000: 'HIGH' } as const;

/** Connects a number of the simulator's, as the rows say: for tests of what comes after connecting. */
export function connectNumber(
  db: Db,
  simulators: Simulators,
  tenantId: string,
  { throughput = 1_000, messagingLimit = null, credentials }: NumberOptions = {},
): Promise<TestNumber> {
  const number =
    credentials ??
    simulators.meta.createNumber({
      level: levels[throughput],
      tier: messagingLimit === null ? 'TIER_UNLIMITED' : messagingLimit === 250 ? 'TIER_250' : 'TIER_2K',
      isRegistered: true,
      isSubscribed: true,
    });
  return storeNumber(db, tenantId, number, { throughput, messagingLimit, keyring: testKeys.encryption });
}

/** An approved template with one variable, known here and at the simulator. */
export async function approveTemplate(
  db: Db,
  simulators: Simulators,
  number: TestNumber,
  category: 'MARKETING' | 'UTILITY' = 'UTILITY',
): Promise<TestTemplate> {
  const template = newTemplate(category);
  return storeTemplate(db, number, template, simulators.meta.createTemplate(number.wabaId, template).id);
}

/** The way to the simulator. */
export function metaTo(simulators: Simulators, timeoutMs = 5_000): Meta {
  const { graphUrl, appId, appSecret, verifyToken } = simulators.meta.credentials;
  return createMeta({ graphUrl, graphVersion: 'v25.0', appId, appSecrets: [appSecret], verifyToken, timeoutMs });
}

type RunOptions = { isSingle?: boolean; leaseMs?: number; sliceMs?: number; signal?: AbortSignal };

/** Tests of sending: a quiet simulator that tells nothing by itself, and one run over a number. */
export const test = base.extend<{
  simulators: Simulators;
  way: Meta;
  send: (number: TestNumber, options?: RunOptions) => Promise<SendReport>;
}>({
  simulators: async ({}, use) => {
    const settings = { statuses: { enabled: false }, limits: { throughput: false } };
    await using simulators = await startSimulators({ profile: 'quiet', meta: { settings } });
    await use(simulators);
  },
  way: async ({ simulators }, use) => {
    await using way = metaTo(simulators, 2_000);
    await use(way);
  },
  send: async ({ db, way }, use) => {
    const onProblem = (error: unknown) => {
      throw error;
    };
    await use(
      (
        number,
        { isSingle = false, leaseMs = 20_000, sliceMs = 30_000, signal = new AbortController().signal } = {},
      ) => {
        const settings = {
          sendLeaseMs: leaseMs,
          sendSliceMs: sliceMs,
          sendInFlightMax: 300,
          sendSettleMs: 60_000,
          sendStopMs: 2_000,
          sendRateMax: 1_000_000,
        };
        const deps = { db, meta: way, keyring: testKeys.encryption, settings, onProblem };
        return sendDue(deps, { tenantId: number.tenantId, numberId: number.id, isSingle }, signal);
      },
    );
  },
});
