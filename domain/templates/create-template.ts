import type { Meta } from '../../connectors/whatsapp/meta.ts';
import { createTemplate as submit, type NewTemplate } from '../../connectors/whatsapp/templates.ts';
import type { Tx } from '../../prisma/client.ts';
import { noteRefusal, openAccount } from '../connections/account-access.ts';
import type { Keyring } from '../connections/keyring.ts';
import { granted, needMeta } from '../connections/partner-answer.ts';
import { ConflictError } from '../errors.ts';
import { enqueue } from '../jobs.ts';
import { checkDraft } from './check-draft.ts';
import { contentOf } from './content.ts';
import type { TemplateDraft } from './draft.ts';
import { syncTemplatesJob } from './jobs.ts';
import { pauseDependents } from './pause-campaigns.ts';
import { storeVersions } from './versions.ts';
import { toCategory, toStatus } from './words.ts';

type Run = <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>;
export type TemplateDeps = { run: Run; meta: Meta | null; keyring: Keyring };

/** How soon a submission whose answer was lost is looked for in Meta's list. */
const lookAfterMs = 70_000;

/**
 * Submits a template for review, checked against Meta's rules first. It is written down before it is sent: where the answer is lost it stays
 * SUBMITTING, and the next comparison with Meta's list finds it, or finds that it never arrived.
 */
export async function createTemplate(
  { run, meta: given, keyring }: TemplateDeps,
  tenantId: string,
  accountId: string,
  draft: TemplateDraft,
): Promise<{ id: string }> {
  const meta = needMeta(given);
  const template = checkDraft(draft);
  const { id, access } = await run(async (tx) => {
    const access = await openAccount(tx, keyring, tenantId, accountId);
    return { access, id: await begin(tx, tenantId, accountId, template) };
  });
  const result = await submit(meta, access.token, access.wabaId, template);
  if (result.kind === 'unavailable' && result.mayHaveWorked) {
    await run((tx) => enqueue(tx, syncTemplatesJob, { tenantId, accountId }, new Date(Date.now() + lookAfterMs)));
    return { id };
  }
  if (result.kind === 'ok') {
    const { metaId, status, category } = result.value;
    await run(async (tx) => {
      await tx.$executeRaw`
        update templates set meta_id = ${metaId}, status = case when status = 'SUBMITTING' then ${toStatus(status)} else status end,
          category = case when category_at is null then ${toCategory(category) ?? template.category} else category end, updated_at = now()
         where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`;
      await pauseDependents(tx, tenantId, [id]);
    });
    return { id };
  }
  await run(async (tx) => {
    await tx.template.deleteMany({ where: { tenantId, id, metaId: null, status: 'SUBMITTING' } }); // it never was one
    if (result.kind === 'refused') await noteRefusal(tx, tenantId, access.connectionId, result.refusal);
  });
  granted(result);
  return { id };
}

/** The row that the submission begins with: a new one, or one that never reached Meta. */
async function begin(tx: Tx, tenantId: string, accountId: string, template: NewTemplate): Promise<string> {
  const { name, language, category, ttlSeconds, parameterFormat, components } = template;
  const [row] = await tx.$queryRaw<{ id: string }[]>`
    insert into templates as t (tenant_id, account_id, name, language, category, ttl_seconds, status)
    values (${tenantId}::uuid, ${accountId}::uuid, ${name}, ${language}, ${category}, ${ttlSeconds}, 'SUBMITTING')
    on conflict (tenant_id, account_id, name, language) where deleted_at is null do update
      set category = excluded.category, ttl_seconds = excluded.ttl_seconds, status = 'SUBMITTING', rejected_reason = null, updated_at = now()
      where t.meta_id is null and t.status = 'REJECTED'
    returning id`;
  if (!row) return refuseTaken(tx, tenantId, accountId, template);
  const content = contentOf(parameterFormat, components);
  const versions = await storeVersions(tx, tenantId, [{ templateId: row.id, content }]);
  await tx.template.update({
    where: { tenantId_id: { tenantId, id: row.id } },
    data: { versionId: versions.get(row.id) ?? null },
    select: { id: true },
  });
  return row.id;
}

async function refuseTaken(
  tx: Tx,
  tenantId: string,
  accountId: string,
  { name, language }: NewTemplate,
): Promise<never> {
  const taken = await tx.template.findFirst({
    where: { tenantId, accountId, name, language, deletedAt: null },
    select: { id: true, status: true },
  });
  const message =
    taken?.status === 'SUBMITTING'
      ? 'name: This template is being submitted. Look at its status in a minute.'
      : 'name: There is a template with this name in this language already.';
  const details = taken ? { path: 'name', conflicting: { typename: 'Template', id: taken.id } } : { path: 'name' };
  throw new ConflictError(message, details);
}
