import { cleanUp, importFile } from './contacts/import.ts';
import { clearField } from './contacts/clear-custom-field.ts';
import { advance, cancel, launch } from './campaigns/campaigns.ts';
import { sendMail } from './mails/send.ts';
import { bulk, single } from './messages/send.ts';
import { settleOpen } from './messages/settle.ts';
import { apply } from './webhooks/apply.ts';
import { purgeEvents } from './webhooks/purge.ts';
import { syncTemplates } from './templates/sync.ts';
import type { Task } from './task.ts';
import { purge } from './tenants/purge.ts';

/** Every task of the fleet, in its lane. */
export const tasks: Task[] = [
  importFile,
  cleanUp,
  purge,
  clearField,
  launch,
  cancel,
  advance,
  bulk,
  single,
  settleOpen,
  apply,
  purgeEvents,
  syncTemplates,
  sendMail,
];
