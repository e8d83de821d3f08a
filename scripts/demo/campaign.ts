import { setTimeout as pause } from 'node:timers/promises';
import type { BooksSummary } from '../../simulators/meta/books.ts';
import type { Client } from '../client.ts';
import type { SimulatorsProcess } from '../simulators-process.ts';

export const states = [
  'queued',
  'inFlight',
  'accepted',
  'sent',
  'delivered',
  'read',
  'failed',
  'skipped',
  'unknown',
  'cancelled',
  'expired',
] as const;
export type Totals = Record<(typeof states)[number] | 'audience', number>;

export type Preflight = {
  audience: number;
  sendable: number;
  estimatedDuration: number;
  excluded: { reason: string; count: number }[];
  warnings: { message: string }[];
};

/** A campaign to everybody who agreed to marketing, with the contact's name and city in it. */
export async function createCampaign(
  client: Client,
  { templateId, numberId }: { templateId: string; numberId: string },
): Promise<{ id: string; preflight: Preflight }> {
  const { segmentCreate } = await client.run<{ segmentCreate: { id: string } }>(
    `mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) { __typename ... on Segment { id } ... on UserError { message } } }`,
    { input: { name: 'Everybody', filter: { createdAt: { gte: '2000-01-01T00:00:00Z' } } } },
  );
  const { campaignCreate } = await client.run<{ campaignCreate: { id: string; preflight: Preflight } }>(
    `mutation ($input: CampaignCreateInput!) { campaignCreate(input: $input) { __typename ... on UserError { message }
      ... on Campaign { id preflight { audience sendable estimatedDuration excluded { reason count } warnings { message } } } } }`,
    {
      input: {
        name: 'Spring sale',
        templateId,
        numberId,
        audience: { segmentIds: [segmentCreate.id] },
        variables: [
          { key: 'body.1', field: 'FIRST_NAME', fallback: 'cliente' },
          { key: 'body.2', field: 'CITY', fallback: 'sua cidade' },
        ],
      },
    },
  );
  return campaignCreate;
}

/** Launches a campaign and follows it to the end: until nobody is left, and all that the simulator has to tell has been told and applied. */
export async function runCampaign(
  client: Client,
  simulators: SimulatorsProcess,
  campaignId: string,
  onProgress: (totals: Totals) => void,
): Promise<{ totals: Totals; books: BooksSummary }> {
  await client.run(
    `mutation ($input: CampaignLaunchInput!) { campaignLaunch(input: $input) { __typename ... on UserError { message } } }`,
    { input: { campaignId } },
  );
  const deadline = Date.now() + 30 * 60_000;
  for (let settled: string | undefined; ; await pause(250)) {
    const { node } = await client.run<{ node: { status: string; totals: Totals; blockedReason: unknown } }>(
      `query ($id: ID!) { node(id: $id) { ... on Campaign { status totals { audience ${states.join(' ')} } } } }`,
      { id: campaignId },
    );
    onProgress(node.totals);
    if (['FAILED', 'CANCELLED', 'PAUSED'].includes(node.status)) throw new Error(`The campaign became ${node.status}.`);
    if (Date.now() > deadline) throw new Error('The campaign did not end within half an hour.');
    if (node.status !== 'FINISHED') continue;
    const books = (await simulators.ask<{ meta: BooksSummary }>('books')).meta;
    if (books.scheduled > 0 || books.webhooks.pending > 0) continue;
    // Twice the same, so that what the worker still had in hand is applied.
    const now = JSON.stringify(node.totals);
    if (settled === now) return { totals: node.totals, books };
    settled = now;
    await pause(750);
  }
}
