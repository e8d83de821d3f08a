import type { Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

/** What every part of the simulator of Meta works on: its state, and the way out. */
export type Meta = { world: World; webhooks: Webhooks };
