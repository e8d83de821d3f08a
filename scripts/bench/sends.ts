import { setTimeout as pause } from 'node:timers/promises';
import { startStack } from '../local-stack.ts';
import { type Bench, row, type Row } from './report.ts';
import { bareLoop } from './sends/bare-loop.ts';
import { peer } from './sends/peer.ts';
import { acceptedAtLeast, type MessagingWorld, prepareCampaign, startMessagingWorld } from './sends/world.ts';

const limit = 1_000;
const seconds = 60;

/** Sends by one worker against the simulator on the same machine: at a number's limit, without any limit, and beside a queue that others use. */
export const bench: Bench = async (say) => [await oneNumber(say), ...(await unpaced(say))];

/** A number at its limit, for a minute: reached, and never passed. */
async function oneNumber(say: (line: string) => void): Promise<Row> {
  await using world = await startMessagingWorld();
  const campaign = await prepareCampaign(world, { people: limit * (seconds + 10), throughput: limit });
  await using _stack = await startStack(world.database.urls, { workers: 1, env: world.env });
  say(`one number at ${limit} messages/s for ${seconds} s`);
  await campaign.start();
  const begin = await acceptedAtLeast(world, 2 * limit, 30_000);
  await pause(seconds * 1_000 - 100);
  const end = await acceptedAtLeast(world, 0, 1_000);
  const { refused, duplicates } = await world.books();
  if ((refused['130429'] ?? 0) > 0) throw new Error(`Meta refused ${refused['130429']} messages as too fast.`);
  if (duplicates > 0) throw new Error(`${duplicates} messages were sent twice.`);
  const ours = (end.accepted - begin.accepted) / ((end.at - begin.at) / 1_000);
  return row(
    { name: 'one number', ours, unit: 'messages/s', reference: limit, referenceName: 'the number’s limit' },
    { of: 'ratio', atLeast: 0.97 },
  );
}

const numbers = 8;
const peoplePerNumber = 8_000;

/** Eight numbers and no limits: what the machinery itself can do. */
async function unpaced(say: (line: string) => void): Promise<Row[]> {
  await using world = await startMessagingWorld({ limits: { throughput: false } });
  say('a bare loop of requests');
  const bare = await bareLoop(world);
  const ours = await drain(world, say);
  say('the same sends, with the same bookkeeping, on pg-boss');
  const theirs = await peer(world, peoplePerNumber);
  const unit = 'messages/s';
  return [
    row(
      { name: 'unpaced', ours, unit, reference: bare, referenceName: 'messages/s, a bare undici loop' },
      { of: 'ratio', atLeast: 0.33 },
    ),
    row(
      { name: 'unpaced, absolute', ours, unit, reference: bare, referenceName: 'messages/s, a bare undici loop' },
      { of: 'ours', atLeast: 3_000 },
    ),
    row(
      { name: 'peer', ours, unit, reference: theirs, referenceName: 'messages/s on pg-boss' },
      { of: 'ratio', atLeast: 1.5 },
    ),
  ];
}

async function drain(world: MessagingWorld, say: (line: string) => void): Promise<number> {
  const campaigns = [];
  for (let index = 0; index < numbers; index += 1) {
    campaigns.push(
      await prepareCampaign(world, { people: peoplePerNumber, throughput: 1_000_000, from: index * peoplePerNumber }),
    );
  }
  await using _stack = await startStack(world.database.urls, {
    workers: 1,
    env: { ...world.env, WORKER_CONCURRENCY: String(numbers), SEND_RATE_MAX: '1000000', SEND_IN_FLIGHT_MAX: '1000' },
  });
  const { accepted: before } = await world.books();
  say(`${numbers} numbers without limits, ${numbers * peoplePerNumber} messages`);
  await Promise.all(campaigns.map(({ start }) => start()));
  const total = numbers * peoplePerNumber;
  const begin = await acceptedAtLeast(world, before + total * 0.05, 60_000);
  const end = await acceptedAtLeast(world, before + total * 0.95, 180_000);
  const { duplicates } = await world.books();
  if (duplicates > 0) throw new Error(`${duplicates} messages were sent twice.`);
  return (end.accepted - begin.accepted) / ((end.at - begin.at) / 1_000);
}
