import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { requireRecent, type StepUp } from '../auth/step-up.ts';
import { isPerson, type Viewer } from '../auth/viewer.ts';
import { ForbiddenError, InvalidInputError } from '../errors.ts';

/**
 * Decides whether the tenant's people need a second factor. Only a person who has one may ask for it: nobody shuts the own door behind
 * them. Those without one can only set it up, from their next operation on.
 */
export async function setRequireTotp(
  tx: Tx,
  viewer: Viewer,
  requireTotp: boolean | null | undefined,
  stepUp: StepUp,
): Promise<void> {
  if (requireTotp === undefined) return;
  if (requireTotp === null) throw new InvalidInputError([{ path: 'requireTotp', message: 'Expected true or false.' }]);
  const { tenantId } = viewer;
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { requireTotp: true } });
  if (tenant.requireTotp === requireTotp) return;
  if (!isPerson(viewer)) throw new ForbiddenError('Only a person decides whether people need a second factor.');
  requireRecent(viewer, stepUp);
  if (requireTotp) {
    const own = await tx.userTotp.findUnique({ where: { userId: viewer.userId }, select: { confirmedAt: true } });
    if (!own?.confirmedAt) throw new ForbiddenError('Please set up a second factor for yourself first.');
  }
  await tx.tenant.update({ where: { id: tenantId }, data: { requireTotp }, select: { id: true } });
  await recordAudit(tx, viewer, {
    action: 'tenant.requireTotp',
    target: { type: 'Tenant', id: tenantId },
    before: { requireTotp: tenant.requireTotp },
    after: { requireTotp },
  });
}
