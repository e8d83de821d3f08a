import type { Tx } from '../../prisma/client.ts';
import type { Content } from './content.ts';

/** The version of each template that has this content: the one that is there, or a new one. A version is never changed. */
export async function storeVersions(
  tx: Tx,
  tenantId: string,
  contents: readonly { templateId: string; content: Content }[],
): Promise<Map<string, string>> {
  if (contents.length === 0) return new Map();
  const given = contents.map(({ templateId, content }) => ({
    templateId,
    format: content.parameterFormat,
    components: content.components,
    parameters: content.parameters,
    hash: content.hash.toString('hex'),
  }));
  const rows = await tx.$queryRaw<{ id: string; templateId: string }[]>`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as g("templateId" uuid, format text, components jsonb, parameters jsonb, hash text)
    ), added as (
      insert into template_versions (tenant_id, template_id, parameter_format, components, parameters, content_hash)
      select ${tenantId}::uuid, g."templateId", g.format, g.components, g.parameters, decode(g.hash, 'hex') from given g
      on conflict (tenant_id, template_id, content_hash) do nothing
      returning id, template_id
    )
    select id, template_id as "templateId" from added
    union all
    select v.id, v.template_id from template_versions v join given g on v.template_id = g."templateId" and v.content_hash = decode(g.hash, 'hex')
     where v.tenant_id = ${tenantId}::uuid`;
  return new Map(rows.map(({ id, templateId }) => [templateId, id]));
}
