import { z } from 'zod';
import { type Quality, readQuality } from './accounts.ts';
import { graph, GraphId, type GraphPage, type GraphResult, pageOf, Success } from './graph.ts';
import type { Meta } from './meta.ts';

const text = z.string().optional().catch(undefined);

const Template = z.object({
  id: GraphId,
  name: z.string().min(1),
  language: z.string().min(1),
  category: z.string(),
  status: z.string(),
  components: z.array(z.unknown()).catch([]),
  parameter_format: text,
  quality_score: z.object({ score: z.string() }).optional().catch(undefined),
  rejected_reason: text,
  correct_category: text,
  message_send_ttl_seconds: z.coerce.number().int().optional().catch(undefined),
});

/** A template as Meta has it (reference: whatsapp-cloud-api, section 4.1); its words for status and category are kept as they are. */
export type RemoteTemplate = {
  metaId: string;
  name: string;
  language: string;
  category: string;
  status: string;
  components: unknown[];
  parameterFormat: 'POSITIONAL' | 'NAMED';
  quality: Quality;
  rejectedReason: string | null;
  correctCategory: string | null;
  ttlSeconds: number | null;
};

const RemoteShape = Template.transform((template): RemoteTemplate => ({
  metaId: template.id,
  name: template.name,
  language: readLanguage(template.language),
  category: template.category.toUpperCase(),
  status: template.status.toUpperCase(),
  components: template.components,
  parameterFormat: template.parameter_format?.toUpperCase() === 'NAMED' ? 'NAMED' : 'POSITIONAL',
  quality: readQuality(template.quality_score?.score),
  rejectedReason: readReason(template.rejected_reason),
  correctCategory: template.correct_category?.toUpperCase() ?? null,
  ttlSeconds: template.message_send_ttl_seconds ?? null,
}));

/** Webhooks may write `en-US`. */
export function readLanguage(language: string): string {
  return language.replace('-', '_');
}

export function readReason(reason: unknown): string | null {
  return typeof reason === 'string' && reason !== '' && reason !== 'NONE' ? reason : null;
}

const fields =
  'id,name,language,category,status,components,quality_score,rejected_reason,parameter_format,previous_category,correct_category,message_send_ttl_seconds';

const badCursor = 131059;

export type TemplatePage = GraphResult<GraphPage<RemoteTemplate>> | { kind: 'bad-cursor' };

/** One page of an account's templates. A cursor does not last: a bad one means to begin again. */
export async function listTemplates(
  meta: Meta,
  token: string,
  wabaId: string,
  after: string | null,
  signal?: AbortSignal,
): Promise<TemplatePage> {
  const query: Record<string, string> = { fields, limit: '100', ...(after === null ? {} : { after }) };
  const request = { method: 'GET', path: `/${wabaId}/message_templates`, token, query } as const;
  const result = await graph(meta, request, pageOf(RemoteShape), signal);
  return result.kind === 'refused' && result.refusal.code === badCursor && after !== null
    ? { kind: 'bad-cursor' }
    : result;
}

export type NewTemplate = {
  name: string;
  language: string;
  category: string;
  parameterFormat: 'POSITIONAL' | 'NAMED';
  components: unknown[];
  ttlSeconds: number | null;
};

const Created = z.object({ id: GraphId, status: text, category: text });

/** Submits a template for review. Not idempotent: a lost answer is settled by the next list. */
export function createTemplate(
  meta: Meta,
  token: string,
  wabaId: string,
  template: NewTemplate,
): Promise<GraphResult<{ metaId: string; status: string; category: string }>> {
  const body = JSON.stringify({
    name: template.name,
    language: template.language,
    category: template.category,
    parameter_format: template.parameterFormat,
    components: template.components,
    ...(template.ttlSeconds === null ? {} : { message_send_ttl_seconds: template.ttlSeconds }),
  });
  const shape = Created.transform(({ id, status, category }) => ({
    metaId: id,
    status: status?.toUpperCase() ?? 'PENDING',
    category: category?.toUpperCase() ?? template.category, // it may be another than the one asked for
  }));
  return graph(meta, { method: 'POST', path: `/${wabaId}/message_templates`, token, body }, shape);
}

/** Deletes one language of a template. */
export function deleteTemplate(
  meta: Meta,
  token: string,
  wabaId: string,
  template: { metaId: string; name: string },
): Promise<GraphResult<unknown>> {
  const query = { hsm_id: template.metaId, name: template.name };
  return graph(meta, { method: 'DELETE', path: `/${wabaId}/message_templates`, token, query }, Success);
}

/** Subcodes of "there is no such template". */
export const noSuchTemplate = new Set([33, 2593002]);
