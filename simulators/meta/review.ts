import { bigNumber } from '../json.ts';
import { drawRange } from '../random.ts';
import type { Meta } from './meta.ts';
import type { Category, Template, TemplateStatus } from './template-model.ts';
import { type Quality, seconds, type Waba } from './world.ts';

/** Reviews a template when its time has come, unless it was changed or deleted meanwhile. */
export function review(meta: Meta, template: Template): void {
  const { world } = meta;
  const { revision } = template;
  world.agenda.after(drawRange(world.settings.templates.reviewMs, world.random), () => {
    if (template.revision !== revision || template.status !== 'PENDING') return;
    const reason = rejection(meta, template);
    if (reason)
      return changeStatus(meta, template, 'REJECTED', { reason: reason.reason, recommendation: reason.recommendation });
    if (template.category === 'UTILITY' && /promo/i.test(template.needs.body.text)) {
      template.previousCategory = 'UTILITY';
      template.category = 'MARKETING';
    }
    template.sends = 0;
    changeStatus(meta, template, 'APPROVED', { reason: 'NONE' });
  });
}

/** Why a review says no: by the name, by variables that touch, or as the double of another template. */
function rejection(meta: Meta, template: Template): { reason: string; recommendation: string } | undefined {
  const { text } = template.needs.body;
  if (template.name.includes('reject'))
    return { reason: 'INVALID_FORMAT', recommendation: 'Change the text of the template and submit it again.' };
  if (/\}\}\s*\{\{/.test(text)) return { reason: 'INVALID_FORMAT', recommendation: 'Put words between the variables.' };
  const footerOf = ({ components }: Template) => components.find(({ type }) => type === 'FOOTER')?.text;
  const isDouble = (other: Template) =>
    other !== template &&
    other.status === 'APPROVED' &&
    other.needs.body.text === text &&
    footerOf(other) === footerOf(template);
  if (meta.world.settings.templates.refuseDuplicates && template.category !== 'AUTHENTICATION') {
    if ([...template.waba.templates.values()].some(isDouble))
      return { reason: 'INVALID_FORMAT', recommendation: 'A template with the same body and footer exists.' };
  }
  return undefined;
}

type Change = {
  reason?: string;
  recommendation?: string;
  title?: 'FIRST_PAUSE' | 'SECOND_PAUSE' | 'RATE_LIMITING_PAUSE' | 'UNPAUSE' | 'DISABLED';
  /** What the webhook calls it, when that is another word than the status. */
  event?: string;
};

/** Gives a template a status and tells it (reference: whatsapp-cloud-api, section 7.5). */
export function changeStatus(meta: Meta, template: Template, status: TemplateStatus, change: Change = {}): void {
  template.status = status;
  template.rejectedReason = status === 'REJECTED' ? (change.reason ?? 'NONE') : 'NONE';
  tellTemplate(meta, template, 'message_template_status_update', {
    event: change.event ?? status,
    message_template_id: bigNumber(template.id),
    message_template_name: template.name,
    message_template_language: template.language,
    reason: change.reason ?? null,
    message_template_category: template.category,
    ...(change.recommendation === undefined
      ? {}
      : { rejection_info: { reason: change.reason, recommendation: change.recommendation } }),
    ...(change.title === undefined
      ? {}
      : { other_info: { title: change.title, description: `The template is ${status}.` } }),
    ...(status === 'DISABLED' ? { disable_info: { disable_date: seconds(meta.world) } } : {}),
  });
}

export function changeCategory(meta: Meta, template: Template, category: Category): void {
  template.previousCategory = template.category;
  template.category = category;
  tellTemplate(meta, template, 'template_category_update', {
    message_template_id: bigNumber(template.id),
    message_template_name: template.name,
    message_template_language: template.language,
    previous_category: template.previousCategory,
    new_category: category,
  });
}

/** Gives a template a quality; red pauses it for three hours, then for six, then for good. */
export function changeQuality(meta: Meta, template: Template, quality: Quality): void {
  const previous = template.quality;
  template.quality = quality;
  tellTemplate(meta, template, 'message_template_quality_update', {
    previous_quality_score: previous,
    new_quality_score: quality,
    message_template_id: bigNumber(template.id),
    message_template_name: template.name,
    message_template_language: template.language,
  });
  if (quality !== 'RED' || template.status !== 'APPROVED') return;
  template.pauses += 1;
  const forMs = meta.world.settings.templates.pauseMs[template.pauses - 1];
  if (forMs === undefined) return changeStatus(meta, template, 'DISABLED', { title: 'DISABLED' });
  changeStatus(meta, template, 'PAUSED', { title: template.pauses === 1 ? 'FIRST_PAUSE' : 'SECOND_PAUSE' });
  const { revision } = template;
  meta.world.agenda.after(forMs, () => {
    if (template.status === 'PAUSED' && template.revision === revision)
      changeStatus(meta, template, 'APPROVED', { title: 'UNPAUSE' });
  });
}

/** Bad feedback while messages were held: the template stays paused until it is unpaused by a call. */
export function pausePaced(meta: Meta, template: Template): void {
  if (template.status === 'APPROVED') changeStatus(meta, template, 'PAUSED', { title: 'RATE_LIMITING_PAUSE' });
}

export function tellTemplate(meta: Meta, { waba }: Template, field: string, value: unknown): void {
  tellAccount(meta, waba, field, value);
}

/** An update about the account, with its time. */
export function tellAccount(meta: Meta, waba: Waba, field: string, value: unknown, entryId = waba.id): void {
  meta.webhooks.push({
    kind: 'field',
    field,
    value,
    entryId,
    waba: entryId === waba.id ? waba : undefined,
    number: undefined,
    time: seconds(meta.world),
  });
}
