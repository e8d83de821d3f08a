import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { checkText } from '../contacts/text.ts';
import { ConflictError, ForbiddenError, InvalidInputError, NotFoundError, problems } from '../errors.ts';
import { lockTenant } from '../tenants/lock-tenant.ts';
import { readRange } from './address-ranges.ts';
import { hashKeySecret } from './api-key-text.ts';
import type { KeyPermission } from './permissions.ts';
import { requireRecent, type StepUp } from './step-up.ts';
import { may, type Viewer } from './viewer.ts';

export type NewApiKey = {
  name: string;
  integration: string;
  scopes: readonly KeyPermission[];
  expiresAt?: Date | null | undefined;
  allowedRanges?: readonly string[] | null | undefined;
};

/** Why a key works no more. */
export type RevokedBecause = 'REVOKED' | 'ROTATED' | 'REPORTED';

const liveOfIntegrationMax = 2;
const liveMax = 100;
const nameLengthMax = 200;
const rangesMax = 50;
export const keepOldHoursMax = 7 * 24;
const hourMs = 60 * 60_000;

/** Makes a key with this secret, which is kept as its hash only. It takes a fresh proof of who asks: a key outlives a stolen session. */
export async function createApiKey(
  tx: Tx,
  viewer: Viewer,
  input: NewApiKey,
  secret: string,
  services: StepUp,
): Promise<{ id: string }> {
  requireRecent(viewer, services);
  const now = services.now();
  const checked = checkApiKey(input, now);
  if (checked.scopes.some((scope) => !may(viewer, scope))) {
    throw new ForbiddenError('A key can be given no right that its maker does not have.');
  }
  await lockTenant(tx, viewer.tenantId);
  const made = await addKey(tx, viewer, checked, secret, now);
  const { name, integration, scopes, expiresAt, allowedRanges } = checked;
  await recordAudit(tx, viewer, {
    action: 'apiKey.create',
    target: { type: 'ApiKey', id: made.id },
    after: { name, integration, scopes, ranges: allowedRanges.length, expiresAt: expiresAt?.toISOString() ?? null },
  });
  return made;
}

/** Makes a successor with the same rights. The old key goes on for so many hours, and not beyond its own end. */
export async function rotateApiKey(
  tx: Tx,
  viewer: Viewer,
  { apiKeyId, keepOldForHours }: { apiKeyId: string; keepOldForHours: number },
  secret: string,
  services: StepUp,
): Promise<{ id: string }> {
  requireRecent(viewer, services);
  const now = services.now();
  const { tenantId } = viewer;
  if (keepOldForHours < 0 || keepOldForHours > keepOldHoursMax) {
    throw new InvalidInputError([{ path: 'keepOldForHours', message: `Expected 0 to ${keepOldHoursMax} hours.` }]);
  }
  await lockTenant(tx, tenantId);
  const old = await tx.apiKey.findUnique({ where: { tenantId_id: { tenantId, id: apiKeyId } } });
  if (!old) throw noSuchKey();
  if (!isLive(old, now)) throw new ConflictError('The key works no more. Please make a new one.');
  if (old.replacedById !== null) throw new ConflictError('The key has a successor already.');

  const endsAt = new Date(now.getTime() + keepOldForHours * hourMs);
  const outlived = old.expiresAt !== null && old.expiresAt <= endsAt;
  await tx.apiKey.update({
    where: { tenantId_id: { tenantId, id: apiKeyId } },
    data:
      keepOldForHours === 0
        ? { revokedAt: now, revokedBecause: 'ROTATED' satisfies RevokedBecause }
        : { expiresAt: outlived ? old.expiresAt : endsAt },
    select: { id: true },
  });
  const lifeMs = old.expiresAt && old.expiresAt.getTime() - old.createdAt.getTime();
  const { name, integration, scopes, allowedRanges } = old;
  const expiresAt = lifeMs === null ? null : new Date(now.getTime() + lifeMs);
  const successor = await addKey(tx, viewer, { name, integration, scopes, allowedRanges, expiresAt }, secret, now);
  await tx.apiKey.update({
    where: { tenantId_id: { tenantId, id: apiKeyId } },
    data: { replacedById: successor.id },
    select: { id: true },
  });
  const after = { successorId: successor.id, keepOldForHours };
  await recordAudit(tx, viewer, { action: 'apiKey.rotate', target: { type: 'ApiKey', id: apiKeyId }, after });
  return successor;
}

/** Ends a key, as of the next operation. Safe to repeat. */
export async function revokeApiKey(tx: Tx, viewer: Viewer, id: string, now: Date): Promise<{ id: string }> {
  const { tenantId } = viewer;
  const isThere = await tx.apiKey.count({ where: { tenantId, id } });
  if (isThere === 0) throw noSuchKey();
  if (await endKey(tx, tenantId, id, 'REVOKED', now)) {
    await recordAudit(tx, viewer, { action: 'apiKey.revoke', target: { type: 'ApiKey', id } });
  }
  return { id };
}

/** Ends a key for a reason; false when it was over already. */
export async function endKey(
  tx: Tx,
  tenantId: string,
  id: string,
  revokedBecause: RevokedBecause,
  now: Date,
): Promise<boolean> {
  const { count } = await tx.apiKey.updateMany({
    where: { tenantId, id, revokedAt: null },
    data: { revokedAt: now, revokedBecause },
  });
  return count > 0;
}

/** Whether a key still opens anything. */
export function isLive({ revokedAt, expiresAt }: { revokedAt: Date | null; expiresAt: Date | null }, now: Date) {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

type CheckedKey = {
  name: string;
  integration: string;
  scopes: string[];
  expiresAt: Date | null;
  allowedRanges: string[];
};

/** Within the tenant's lock. */
async function addKey(tx: Tx, viewer: Viewer, key: CheckedKey, secret: string, now: Date): Promise<{ id: string }> {
  const { tenantId } = viewer;
  const live = { tenantId, revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  const [ofIntegration, all] = [
    await tx.apiKey.count({ where: { AND: [live, { integration: key.integration }] } }),
    await tx.apiKey.count({ where: live }),
  ];
  if (ofIntegration >= liveOfIntegrationMax) {
    throw new ConflictError(`An integration has at most ${liveOfIntegrationMax} live keys. Please revoke one first.`);
  }
  if (all >= liveMax) throw new ConflictError(`A tenant has at most ${liveMax} live keys. Please revoke one first.`);
  const { id } = await tx.apiKey.create({
    data: {
      tenantId,
      ...key,
      secretHash: hashKeySecret(secret),
      last4: secret.slice(-4),
      createdBy: viewer.actor.id,
      createdAt: now,
    },
    select: { id: true },
  });
  return { id };
}

function checkApiKey(input: NewApiKey, now: Date): Omit<CheckedKey, 'scopes'> & { scopes: KeyPermission[] } {
  const found = problems();
  const textOf = (path: 'name' | 'integration') => {
    const { value } = checkText(input[path], nameLengthMax);
    if (!value) found.add(path, `Expected 1 to ${nameLengthMax} characters.`);
    return value ?? '';
  };
  const [name, integration] = [textOf('name'), textOf('integration')];
  const scopes = [...new Set(input.scopes)];
  if (scopes.length === 0) found.add('scopes', 'Expected at least one.');
  const expiresAt = input.expiresAt ?? null;
  if (expiresAt && expiresAt <= now) found.add('expiresAt', 'Expected a time to come.');
  const given = input.allowedRanges ?? [];
  if (given.length > rangesMax) found.add('allowedRanges', `Expected at most ${rangesMax}.`);
  const allowedRanges = given.slice(0, rangesMax).map((text, index) => {
    const range = readRange(text);
    if (range === undefined) found.add(`allowedRanges.${index}`, 'Expected an address or a range, as 203.0.113.0/24.');
    return range ?? '';
  });
  found.throwIfAny();
  return { name, integration, scopes, expiresAt, allowedRanges: [...new Set(allowedRanges)] };
}

function noSuchKey(): NotFoundError {
  return new NotFoundError('There is no such key.');
}
