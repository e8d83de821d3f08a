import { parseLossless } from '../../connectors/whatsapp/json.ts';
import {
  readChange,
  readMessage,
  readPreference,
  type WireChange,
} from '../../connectors/whatsapp/webhook-payloads.ts';
import type { Tx } from '../../prisma/client.ts';
import { applyAccountEvent } from '../connections/apply-account-event.ts';
import { applyPreference } from '../contacts/preference.ts';
import { receiveMessage } from '../messages/receive-message.ts';
import { applyTemplateEvent } from '../templates/apply-event.ts';
import { noteEvents, type TakenEvent } from './event-queue.ts';

/**
 * Applies one event that is no status. What means nothing to us is kept as it is. Returns the number whose throughput an inbound message
 * counts against, else null.
 */
export async function applyEvent(tx: Tx, tenantId: string, { key, kind, payload }: TakenEvent): Promise<string | null> {
  if (payload === null) {
    await noteEvents(tx, tenantId, [key], 'TOO_OLD');
    return null;
  }
  const event = parseLossless(payload);
  switch (kind) {
    case 'MESSAGE': {
      const received = await receiveMessage(tx, tenantId, readMessage(event));
      return received?.numberId ?? null;
    }
    case 'PREFERENCE': {
      const meant = await applyPreference(tx, tenantId, readPreference(event));
      if (!meant) await noteEvents(tx, tenantId, [key], 'IGNORED');
      return null;
    }
    default:
      if (!isAboutAccount(kind)) return null;
      if (!(await applyChange(tx, tenantId, kind, readChange(event)))) await noteEvents(tx, tenantId, [key], 'IGNORED');
      return null;
  }
}

const isAboutAccount = (kind: string) => /^(?:TEMPLATE|ACCOUNT|NUMBER)_/.test(kind);

/** Returns whether it meant anything to us. */
function applyChange(tx: Tx, tenantId: string, kind: string, change: WireChange): Promise<boolean> {
  const { wabaId, field, value, at } = change;
  return kind.startsWith('TEMPLATE_')
    ? applyTemplateEvent(tx, tenantId, field, value, at, wabaId)
    : applyAccountEvent(tx, tenantId, wabaId, field, value, at);
}
