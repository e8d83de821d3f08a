import type { Task } from './task.ts';

/** Every task of the fleet, in its lane. */
export const tasks: Task[] = [];
