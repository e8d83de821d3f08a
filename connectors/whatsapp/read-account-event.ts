import { z } from 'zod';
import { readLimit } from './accounts.ts';
import { GraphId } from './graph.ts';
import { readLanguage, readReason } from './templates.ts';

const text = z.string().optional().catch(undefined);
const seconds = z.coerce.number().positive().optional().catch(undefined);

/** Which template an event is about. */
const named = {
  message_template_id: GraphId.optional().catch(undefined),
  message_template_name: text,
  message_template_language: text,
};

const Status = z.object({
  ...named,
  event: z.string(),
  reason: z.unknown().optional(),
  message_template_category: text,
  other_info: z.object({ title: text }).optional().catch(undefined),
  rejection_info: z.object({ reason: text }).optional().catch(undefined),
});
const Quality = z.object({ ...named, new_quality_score: z.string() });
const CategoryChange = z.object({
  ...named,
  previous_category: text,
  new_category: text,
  correct_category: text,
  category_update_timestamp: seconds,
});

export type TemplateRef = { metaId: string | null; name: string | null; language: string | null };

/** What an event says of a template (reference: whatsapp-cloud-api, section 7.5). */
export type TemplateEvent = { template: TemplateRef } & (
  | { kind: 'status'; event: string; reason: string | null; pause: string | null }
  | { kind: 'quality'; quality: string }
  | { kind: 'category'; category: string }
  | { kind: 'category-announced'; category: string; at: Date | null }
  | { kind: 'components' }
);

/** Undefined for what is not about a template, or not as we know it. */
export function readTemplateEvent(field: string, value: unknown): TemplateEvent | undefined {
  switch (field) {
    case 'message_template_status_update': {
      const { data } = Status.safeParse(value);
      if (!data) return undefined;
      const reason = readReason(data.rejection_info?.reason) ?? readReason(data.reason);
      const event = data.event.toUpperCase();
      return { template: refOf(data), kind: 'status', event, reason, pause: data.other_info?.title ?? null };
    }
    case 'message_template_quality_update': {
      const { data } = Quality.safeParse(value);
      return data && { template: refOf(data), kind: 'quality', quality: data.new_quality_score };
    }
    case 'template_category_update': {
      const { data } = CategoryChange.safeParse(value);
      if (!data) return undefined;
      const template = refOf(data);
      const {
        previous_category: before,
        new_category: now,
        correct_category: next,
        category_update_timestamp: at,
      } = data;
      if (before !== undefined && now !== undefined) return { template, kind: 'category', category: now };
      if (next === undefined) return undefined;
      return {
        template,
        kind: 'category-announced',
        category: next,
        at: at === undefined ? null : new Date(at * 1_000),
      };
    }
    case 'message_template_components_update':
    case 'template_correct_category_detection': {
      const { data } = z.object(named).safeParse(value);
      return data && { template: refOf(data), kind: 'components' };
    }
    default:
      return undefined;
  }
}

function refOf(data: { [K in keyof typeof named]?: string | undefined }): TemplateRef {
  const { message_template_id: id, message_template_name: name, message_template_language: language } = data;
  return { metaId: id ?? null, name: name ?? null, language: language === undefined ? null : readLanguage(language) };
}

const Update = z.object({
  event: z.string(),
  ban_info: z.object({ waba_ban_state: text }).optional().catch(undefined),
  restriction_info: z
    .array(z.object({ restriction_type: z.string(), expiration: seconds }))
    .optional()
    .catch(undefined),
});
const NumberQuality = z.object({
  display_phone_number: z.string(),
  event: z.string(),
  max_daily_conversations_per_business: z.unknown().optional(),
  current_limit: z.unknown().optional(),
});
const NumberName = z.object({
  display_phone_number: z.string(),
  decision: z.string(),
  requested_verified_name: text,
});
const Capability = z.object({ max_daily_conversations_per_business: z.union([z.string(), z.number()]) });

/** What an event says of an account or one of its numbers (reference: whatsapp-cloud-api, section 7.5). */
export type AccountEvent =
  | { kind: 'account'; event: string; banState: string | null; restrictions: { type: string; until: Date | null }[] }
  | { kind: 'review'; decision: string }
  | { kind: 'limit'; limit: number | null }
  | { kind: 'number-quality'; digits: string; event: string; limit: number | null | undefined }
  | { kind: 'number-name'; digits: string; decision: string; name: string | null };

/** Undefined for what is not about an account, or not as we know it. */
export function readAccountEvent(field: string, value: unknown): AccountEvent | undefined {
  switch (field) {
    case 'account_update': {
      const { data } = Update.safeParse(value);
      const restrictions = (data?.restriction_info ?? []).map(({ restriction_type: type, expiration }) => ({
        type,
        until: expiration === undefined ? null : new Date(expiration * 1_000),
      }));
      const banState = data?.ban_info?.waba_ban_state ?? null;
      return data && { kind: 'account', event: data.event.toUpperCase(), banState, restrictions };
    }
    case 'account_review_update': {
      const { data } = z.object({ decision: z.string() }).safeParse(value);
      return data && { kind: 'review', decision: data.decision.toUpperCase() };
    }
    case 'business_capability_update': {
      const { data } = Capability.safeParse(value);
      return data && { kind: 'limit', limit: readLimit(data.max_daily_conversations_per_business) };
    }
    case 'phone_number_quality_update': {
      const { data } = NumberQuality.safeParse(value);
      if (!data) return undefined;
      const limit = data.max_daily_conversations_per_business ?? data.current_limit;
      return {
        kind: 'number-quality',
        digits: digitsOf(data.display_phone_number),
        event: data.event.toUpperCase(),
        limit: limit === undefined ? undefined : readLimit(limit),
      };
    }
    case 'phone_number_name_update': {
      const { data } = NumberName.safeParse(value);
      const digits = digitsOf(data?.display_phone_number ?? '');
      const name = data?.requested_verified_name ?? null;
      return data && { kind: 'number-name', digits, decision: data.decision.toUpperCase(), name };
    }
    default:
      return undefined;
  }
}

const digitsOf = (display: string) => display.replaceAll(/\D/g, '');
