import type { Tx } from '../../prisma/client.ts';
import { failureOf } from './failures.ts';

/** A refusal that may concern more than its message. */
export type Stop = { code: number; campaignId: string | null; versionId: string | null };

export type Through = { numberId: string; accountId: string; connectionId: string };

/** The reason under which Meta's code stands on what it stopped. */
export const metaReason = (code: number) => `META_${code}`;

/** Stops what a refusal says is stopped: a template's campaigns, a number, an account, or a connection whose token no longer opens. Once is enough. */
export async function stopWhatDepends(
  tx: Tx,
  tenantId: string,
  through: Through,
  stops: readonly Stop[],
): Promise<void> {
  const distinct = new Map(
    stops.map((stop) => [`${stop.code} ${stop.campaignId ?? ''} ${stop.versionId ?? ''}`, stop]),
  );
  for (const { code, campaignId, versionId } of distinct.values()) {
    const failure = failureOf(code);
    const reason = metaReason(code);
    const seconds = failure.seconds ?? null;
    switch (failure.class) {
      case 'token':
        await tx.$executeRaw`
          update connections set status = 'BROKEN', broken_reason = ${reason}, updated_at = now()
          where tenant_id = ${tenantId}::uuid and id = ${through.connectionId}::uuid and status = 'ACTIVE'`;
        break;
      case 'account':
        await tx.$executeRaw`
          update whatsapp_accounts set blocked_reason = ${reason}, blocked_at = now(), blocked_until = now() + make_interval(secs => ${seconds}::float8), updated_at = now()
          where tenant_id = ${tenantId}::uuid and id = ${through.accountId}::uuid`;
        break;
      case 'number':
        await tx.$executeRaw`
          update whatsapp_numbers set blocked_reason = ${reason}, blocked_at = now(), blocked_until = now() + make_interval(secs => ${seconds}::float8), updated_at = now()
          where tenant_id = ${tenantId}::uuid and id = ${through.numberId}::uuid`;
        break;
      case 'template':
        if (versionId !== null) await stopTemplate(tx, tenantId, code, versionId);
        if (campaignId !== null && failure.isFinal) {
          await tx.$executeRaw`
            update campaigns set status = 'PAUSED', blocked_reason = ${reason}, updated_at = now()
            where tenant_id = ${tenantId}::uuid and id = ${campaignId}::uuid and status = 'RUNNING'`;
        }
        break;
      case 'wait':
      case 'pair':
      case 'unknown':
      case 'contact':
        break;
    }
  }
}

/** Meta says of the template what its webhook will say too; nothing more leaves in between. */
async function stopTemplate(tx: Tx, tenantId: string, code: number, versionId: string): Promise<void> {
  const status = code === 132015 ? 'PAUSED' : code === 132016 ? 'DISABLED' : undefined;
  if (status === undefined) return;
  await tx.$executeRaw`
    update templates t set status = ${status}, updated_at = now() from template_versions v
    where t.tenant_id = ${tenantId}::uuid and v.tenant_id = t.tenant_id and v.id = ${versionId}::uuid and t.id = v.template_id and t.status <> ${status}`;
}
