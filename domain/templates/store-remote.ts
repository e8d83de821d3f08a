import type { RemoteTemplate } from '../../connectors/whatsapp/templates.ts';
import type { Tx } from '../../prisma/client.ts';
import { contentOf } from './content.ts';
import { pauseDependents } from './pause-campaigns.ts';
import { storeVersions } from './versions.ts';
import { toCategory, toStatus } from './words.ts';

type Known = { id: string; metaId: string | null; name: string; language: string };

export type Stored = { added: number; kept: number };

/**
 * Writes down some of an account's templates as Meta has them at a time: new ones are added, one whose answer was lost is found again by its name, and
 * changed words become a new version. What depends on a template that is no longer what it was is paused in the same transaction.
 */
export async function storeRemote(
  tx: Tx,
  tenantId: string,
  accountId: string,
  remotes: readonly RemoteTemplate[],
  at: Date,
): Promise<Stored> {
  if (remotes.length === 0) return { added: 0, kept: 0 };
  const known = await findKnown(tx, tenantId, accountId, remotes);
  const byMetaId = new Map(known.filter(({ metaId }) => metaId !== null).map((row) => [row.metaId, row]));
  const byName = new Map(known.filter(({ metaId }) => metaId === null).map((row) => [nameKey(row), row]));
  const ids = new Map<RemoteTemplate, string>();
  const fresh: RemoteTemplate[] = [];
  for (const remote of remotes) {
    const row = byMetaId.get(remote.metaId) ?? byName.get(nameKey(remote));
    if (row) ids.set(remote, row.id);
    else fresh.push(remote);
  }
  await retireNamesakes(tx, tenantId, accountId, known, remotes);
  for (const [remote, id] of await addTemplates(tx, tenantId, accountId, fresh)) ids.set(remote, id);

  const found = remotes.flatMap((remote) => {
    const templateId = ids.get(remote);
    return templateId === undefined
      ? []
      : [{ remote, templateId, content: contentOf(remote.parameterFormat, remote.components) }];
  });
  const versions = await storeVersions(tx, tenantId, found);
  await updateTemplates(tx, tenantId, found, versions, at);
  await pauseDependents(tx, tenantId, [...ids.values()]);
  return { added: fresh.length, kept: remotes.length - fresh.length };
}

const nameKey = ({ name, language }: { name: string; language: string }) => `${name} ${language}`;

/** Rows that may be these templates, locked in one order. */
function findKnown(tx: Tx, tenantId: string, accountId: string, remotes: readonly RemoteTemplate[]): Promise<Known[]> {
  const [metaIds, names, languages] = [
    remotes.map(({ metaId }) => metaId),
    remotes.map(({ name }) => name),
    remotes.map(({ language }) => language),
  ];
  return tx.$queryRaw<Known[]>`
    select t.id, t.meta_id as "metaId", t.name, t.language from templates t
     where t.tenant_id = ${tenantId}::uuid and t.account_id = ${accountId}::uuid and (t.meta_id = any(${metaIds}::text[])
       or (t.deleted_at is null and exists (select from unnest(${names}::text[], ${languages}::text[]) as r(name, language)
         where r.name = t.name and r.language = t.language)))
     order by t.id for update`;
}

/** A name that was deleted at Meta and made anew there is another template: the old one gives the name up. */
async function retireNamesakes(
  tx: Tx,
  tenantId: string,
  accountId: string,
  known: readonly Known[],
  remotes: readonly RemoteTemplate[],
): Promise<void> {
  const idOf = new Map(remotes.map((remote) => [nameKey(remote), remote.metaId]));
  const old = known.filter((row) => row.metaId !== null && (idOf.get(nameKey(row)) ?? row.metaId) !== row.metaId);
  if (old.length > 0)
    await retire(
      tx,
      tenantId,
      accountId,
      old.map(({ id }) => id),
    );
}

/** Templates that are gone at Meta: kept for what was sent with them, and their names are free. */
export async function retire(tx: Tx, tenantId: string, accountId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.$executeRaw`
    update templates set status = 'DELETED', deleted_at = coalesce(deleted_at, now()), updated_at = now()
     where tenant_id = ${tenantId}::uuid and account_id = ${accountId}::uuid and id = any(${ids}::uuid[])`;
  await pauseDependents(tx, tenantId, ids);
}

async function addTemplates(
  tx: Tx,
  tenantId: string,
  accountId: string,
  fresh: readonly RemoteTemplate[],
): Promise<[RemoteTemplate, string][]> {
  if (fresh.length === 0) return [];
  const rows = await tx.template.createManyAndReturn({
    data: fresh.map((remote) => ({
      tenantId,
      accountId,
      name: remote.name,
      language: remote.language,
      metaId: remote.metaId,
      category: toCategory(remote.category) ?? strictest,
      status: toStatus(remote.status),
    })),
    skipDuplicates: true, // who compares at the same time has them
    select: { id: true, metaId: true },
  });
  const byMetaId = new Map(fresh.map((remote) => [remote.metaId, remote]));
  return rows.flatMap(({ id, metaId }) => {
    const remote = byMetaId.get(metaId ?? '');
    return remote ? [[remote, id] as [RemoteTemplate, string]] : [];
  });
}

/** A category that is new to us needs the consent that the strictest one needs. */
const strictest = 'MARKETING';

type Found = { remote: RemoteTemplate; templateId: string };

/** What Meta says now, except where something newer is known: a webhook may have come while the list was on its way. */
async function updateTemplates(
  tx: Tx,
  tenantId: string,
  found: readonly Found[],
  versions: ReadonlyMap<string, string>,
  at: Date,
): Promise<void> {
  const given = found.map(({ remote, templateId }) => ({
    id: templateId,
    versionId: versions.get(templateId) ?? null,
    metaId: remote.metaId,
    status: toStatus(remote.status),
    category: toCategory(remote.category) ?? null,
    quality: remote.quality,
    reason: remote.rejectedReason,
    ttl: remote.ttlSeconds,
  }));
  await tx.$executeRaw`
    update templates t set meta_id = g."metaId", version_id = coalesce(g."versionId", t.version_id), ttl_seconds = coalesce(g.ttl, t.ttl_seconds),
      deleted_at = null, updated_at = now(),
      status = case when t.status_at > ${at} then t.status else g.status end,
      rejected_reason = case when t.status_at > ${at} then t.rejected_reason else g.reason end,
      paused_until = case when g.status = 'PAUSED' then t.paused_until end,
      status_at = greatest(t.status_at, ${at}),
      quality = case when t.quality_at > ${at} then t.quality else g.quality end, quality_at = greatest(t.quality_at, ${at}),
      category = case when t.category_at > ${at} then t.category else coalesce(g.category, t.category) end, category_at = greatest(t.category_at, ${at})
    from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
      as g(id uuid, "versionId" uuid, "metaId" text, status text, category text, quality text, reason text, ttl int)
    where t.tenant_id = ${tenantId}::uuid and t.id = g.id`;
}
