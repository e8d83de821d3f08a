import { cleanUp, importFile } from './contacts/import.ts';
import { clearField } from './contacts/clear-custom-field.ts';
import type { Task } from './task.ts';
import { purge } from './tenants/purge.ts';

/** Every task of the fleet, in its lane. */
export const tasks: Task[] = [importFile, cleanUp, purge, clearField];
