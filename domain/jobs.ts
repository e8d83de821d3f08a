import type { z } from 'zod';
import type { Tx } from '../prisma/client.ts';

/** Separate runners with their own tasks and concurrency: what is urgent never waits for what is long. */
export const lanes = ['inbound', 'interactive', 'campaign', 'sync', 'maintenance'] as const;
export type Lane = (typeof lanes)[number];

export type JobDefinition<Payload> = {
  name: string;
  lane: Lane;
  /** Ids, never copies of rows. Payloads outlive deploys: add optional fields, never rename. */
  payload: z.ZodType<Payload>;
  /** Waking the same thing twice is waking it once. Unique within task and tenant. */
  key: (payload: Payload) => string;
  /** Few: the pauses grow to hours, and then somebody should look. Ten of them take half a night. */
  maxAttempts: number;
};

/** Names a kind of job where the domain can enqueue it; the worker ties it to its code. */
export function defineJob<Payload extends { tenantId: string }>(
  definition: JobDefinition<Payload>,
): JobDefinition<Payload> {
  return definition;
}

/**
 * Stores a wake-up in the caller's transaction: the job and the rows it is about exist both or neither. Of several wake-ups for
 * one key the earliest counts; one that comes while the job runs makes it run once more.
 */
export async function enqueue<Payload extends { tenantId: string }>(
  tx: Tx,
  job: JobDefinition<Payload>,
  payload: Payload,
  runAt: Date | null = null,
): Promise<void> {
  const checked = job.payload.parse(payload);
  await tx.$executeRaw`select enqueue_job(${job.name}, ${JSON.stringify(checked)}::json, ${jobKey(job, payload)}, ${runAt}::timestamptz, ${job.maxAttempts}::int, 0)`;
}

/** The key under which a job is stored: keys are global to the queue, across tasks. */
export function jobKey<Payload extends { tenantId: string }>(job: JobDefinition<Payload>, payload: Payload): string {
  return `${job.name}:${payload.tenantId}:${job.key(payload)}`;
}
