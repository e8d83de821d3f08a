import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { NumberCredentials } from '../../../simulators/meta/control.ts';
import { newTemplate } from '../../../test/seed-sending.ts';
import { fillPeer, type PeerOrder } from './peer-worker.ts';
import { acceptedAtLeast, type MessagingWorld } from './world.ts';

/** Messages a second of one worker on pg-boss, in a process of its own, against the same simulator and the same Postgres. */
export async function peer(world: MessagingWorld, people: number): Promise<number> {
  const { simulators, database } = world;
  const number = await simulators.tell<NumberCredentials>('meta/numbers', {
    level: 'HIGH',
    tier: 'TIER_UNLIMITED',
    isRegistered: true,
  });
  const template = newTemplate('UTILITY');
  await simulators.tell('meta/templates', { wabaId: number.wabaId, ...template });
  const databaseUrl = database.server.url('parley');
  await fillPeer(databaseUrl, people);
  const { accepted: before } = await world.books();
  const order: PeerOrder = {
    databaseUrl,
    origin: new URL(simulators.url).origin,
    path: `/meta/v25.0/${number.phoneNumberId}/messages`,
    token: number.accessToken,
    template: template.name,
  };
  const child = fork(join(import.meta.dirname, 'peer-worker.ts'), [JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  try {
    const begin = await acceptedAtLeast(world, before + people * 0.05, 60_000);
    const end = await acceptedAtLeast(world, before + people * 0.95, 180_000);
    return (end.accepted - begin.accepted) / ((end.at - begin.at) / 1_000);
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
