import { z } from 'zod';
import { defineJob } from '../jobs.ts';

const payload = z.object({ tenantId: z.uuid(), numberId: z.uuid() });

/** Sends what waits for a number in running campaigns. */
export const sendBulk = defineJob({
  name: 'messages/send',
  lane: 'campaign',
  payload,
  key: ({ numberId }) => numberId,
  maxAttempts: 5,
});

/** Sends the single messages that wait for a number: they overtake every campaign. */
export const sendSingle = defineJob({
  name: 'messages/send-single',
  lane: 'interactive',
  payload,
  key: ({ numberId }) => numberId,
  maxAttempts: 5,
});

/** Settles a tenant's messages whose lease or settle window is over. */
export const settleMessages = defineJob({
  name: 'messages/settle',
  lane: 'maintenance',
  payload: z.object({ tenantId: z.uuid() }),
  key: () => 'all',
  maxAttempts: 5,
});
