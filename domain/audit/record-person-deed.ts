import type { Tx } from '../../prisma/client.ts';
import type { Origin } from '../auth/viewer.ts';
import type { Deed } from './record-audit.ts';
import { sanitise } from './sanitise.ts';

/**
 * Writes down what was done to the account of the person whose transaction it is, for every tenant that the person works for, or for one of
 * them: the account opens them all, whichever of them is set. Nobody is named who has not signed in: `bySystem`.
 */
export async function recordPersonDeed(
  tx: Tx,
  {
    origin,
    bySystem = false,
    tenantId = null,
  }: { origin: Origin | null; bySystem?: boolean; tenantId?: string | null },
  { action, target, after }: Omit<Deed, 'before'>,
): Promise<void> {
  const said = after ? JSON.stringify(sanitise(after)) : null;
  await tx.$queryRaw`
    select record_person_deed(${!bySystem}, ${action}, ${target.type}, ${target.id}::uuid, ${origin?.address ?? null}::text,
      ${origin?.requestId ?? null}::text, ${said}::jsonb, ${tenantId}::uuid)`;
}
