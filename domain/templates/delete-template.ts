import { deleteTemplate as remove, noSuchTemplate } from '../../connectors/whatsapp/templates.ts';
import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { noteRefusal, openAccount } from '../connections/account-access.ts';
import { granted, needMeta } from '../connections/partner-answer.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import type { TemplateDeps } from './create-template.ts';
import { retire } from './store-remote.ts';

/** Deletes one language of a template at Meta. What was sent with it stays; a campaign that is under way with it stands against it. */
export async function deleteTemplate(
  { run, meta: given, keyring }: TemplateDeps,
  by: Answerable,
  templateId: string,
): Promise<{ id: string }> {
  const meta = needMeta(given);
  const { tenantId } = by;
  const { name, language, metaId, accountId, access } = await run(async (tx) => {
    const template = await tx.template.findUnique({
      where: { tenantId_id: { tenantId, id: templateId } },
      select: { name: true, language: true, metaId: true, accountId: true, deletedAt: true, status: true },
    });
    if (!template || template.deletedAt) throw new NotFoundError('There is no such template.');
    if (template.metaId === null && template.status === 'SUBMITTING')
      throw new ConflictError('The template is being submitted. Try again in a minute.');
    await refuseUsed(tx, tenantId, templateId);
    return { ...template, access: await openAccount(tx, keyring, tenantId, template.accountId) };
  });
  if (metaId !== null) {
    const result = await remove(meta, access.token, access.wabaId, { metaId, name });
    const isGone = result.kind === 'refused' && noSuchTemplate.has(result.refusal.subcode ?? result.refusal.code);
    if (result.kind === 'refused' && !isGone)
      await run((tx) => noteRefusal(tx, tenantId, access.connectionId, result.refusal));
    if (!isGone) granted(result);
  }
  await run(async (tx) => {
    await retire(tx, tenantId, accountId, [templateId]);
    await recordAudit(tx, by, {
      action: 'template.delete',
      target: { type: 'Template', id: templateId },
      before: { name, language },
    });
  });
  return { id: templateId };
}

async function refuseUsed(tx: Tx, tenantId: string, templateId: string): Promise<void> {
  const used = await tx.campaign.findFirst({
    where: { tenantId, templateVersion: { templateId }, status: { in: ['SCHEDULED', 'LAUNCHING', 'RUNNING'] } },
    select: { id: true },
  });
  if (used)
    throw new ConflictError('A campaign is under way with this template. Cancel it first.', {
      conflicting: { typename: 'Campaign', id: used.id },
    });
}
