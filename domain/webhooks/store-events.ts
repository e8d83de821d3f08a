import type { EventKind } from '../../connectors/whatsapp/webhook-fields.ts';
import { arrayLiteral, plainArrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';
import { withoutText } from './without-text.ts';

/** Who an event came from. */
export type EventSource = 'META';

/** An event on its way into the tables: `payload` is JSON. */
export type NewEvent = { key: string; kind: EventKind; payload: string };

/** Kinds that hold no words of a person's: nothing has to be taken out of them. */
const wordless = new Set<EventKind>(['STATUS', 'PREFERENCE', 'ERROR']);

/**
 * Stores events of a tenant, each once, in one statement. Where the tenant keeps metadata only, text is taken out before a row is written.
 * Returns how many are new.
 */
export async function storeEvents(
  tx: Tx,
  tenantId: string,
  source: EventSource,
  events: readonly NewEvent[],
): Promise<number> {
  const inOrder = [...new Map(events.map((event) => [event.key, event])).values()].sort((a, b) =>
    a.key < b.key ? -1 : 1,
  ); // two writers wait for each other in one order
  const mayHoldText = inOrder.some(({ kind }) => !wordless.has(kind));
  const isBare = mayHoldText && (await keepsMetadataOnly(tx, tenantId));
  const payloads = inOrder.map(({ kind, payload }) =>
    isBare && !wordless.has(kind) ? withoutText(kind, payload) : payload,
  );
  return tx.$executeRaw`
    insert into webhook_events (tenant_id, source, key, kind, payload)
    select ${tenantId}::uuid, ${source}::text, e.key, e.kind, e.payload
      from unnest(${arrayLiteral(inOrder.map(({ key }) => key))}::text[], ${plainArrayLiteral(inOrder.map(({ kind }) => kind))}::text[], ${arrayLiteral(payloads)}::text[]) as e (key, kind, payload)
    on conflict do nothing`;
}

async function keepsMetadataOnly(tx: Tx, tenantId: string): Promise<boolean> {
  const tenant = await tx.tenant.findUnique({ where: { id: tenantId }, select: { messageTextDays: true } });
  return tenant?.messageTextDays === 0;
}

export type UnroutedEvent = { key: string; externalId: string | null; payload: string };

/** Keeps events that lead to no tenant, each once. */
export async function storeUnrouted(tx: Tx, source: EventSource, events: readonly UnroutedEvent[]): Promise<void> {
  const inOrder = events.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  await tx.$executeRaw`
    select store_unrouted_events(${source}::text, ${arrayLiteral(inOrder.map(({ key }) => key))}::text[],
      ${arrayLiteral(inOrder.map(({ externalId }) => externalId))}::text[], ${arrayLiteral(inOrder.map(({ payload }) => payload))}::text[])`;
}

/** Whose events the ids of a partner lead to, as far as anybody claimed them. */
export async function findRoutes(tx: Tx, source: string, externalIds: readonly string[]): Promise<Map<string, string>> {
  const found = await tx.$queryRaw<{ externalId: string; tenantId: string }[]>`
    select external_id as "externalId", tenant_id as "tenantId" from find_partner_routes(${source}::text, ${arrayLiteral(externalIds)}::text[])`;
  return new Map(found.map(({ externalId, tenantId }) => [externalId, tenantId]));
}
