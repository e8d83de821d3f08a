import { z } from 'zod';
import { templateRenderer, type TemplateRenderer } from '../../connectors/whatsapp/template-message.ts';
import { type Db, inTenant } from '../../prisma/client.ts';
import { readParameters } from '../templates/parameters.ts';
import type { Taken } from './take.ts';

/** `type`, and the property of the same name. */
export type Content = { type: string } & Record<string, unknown>;

const Text = z.object({ body: z.string(), previewUrl: z.boolean().optional() });

/** Makes what Meta is sent of what the rows say. A template is read once a run. */
export function createRenderers(db: Db, tenantId: string) {
  const byVersion = new Map<string, TemplateRenderer>();
  return {
    /** Reads the versions that these messages need and that are not known yet. */
    async prepare(messages: readonly Taken[]): Promise<void> {
      const needed = new Set(messages.flatMap(({ versionId }) => (versionId === null ? [] : [versionId])));
      const missing = [...needed].filter((id) => !byVersion.has(id));
      if (missing.length === 0) return;
      const versions = await inTenant(
        db,
        tenantId,
        (tx) =>
          tx.templateVersion.findMany({
            where: { tenantId, id: { in: missing } },
            select: { id: true, parameters: true, template: { select: { name: true, language: true } } },
          }),
        { readOnly: true },
      );
      for (const { id, parameters, template } of versions) {
        byVersion.set(id, templateRenderer({ ...template, parameters: readParameters(parameters) }));
      }
    },

    /** Undefined where the values do not fit the template. */
    contentOf({ versionId, parameters, content }: Taken): Content | undefined {
      if (versionId !== null) {
        const template = byVersion.get(versionId)?.(parameters);
        return template && { type: 'template', template };
      }
      const text = Text.safeParse(content);
      if (!text.success) return undefined;
      const { body, previewUrl } = text.data;
      return { type: 'text', text: { body, ...(previewUrl === undefined ? {} : { preview_url: previewUrl }) } };
    },
  };
}
