import { z } from 'zod';
import { graph, GraphId, type GraphResult, pageOf } from './graph.ts';
import type { Meta } from './meta.ts';

const text = z.string().optional().catch(undefined);

const Health = z.object({ can_send_message: z.string() }).optional().catch(undefined);

const Waba = z.object({
  id: GraphId,
  name: text,
  currency: text,
  timezone_id: z
    .union([z.string(), z.number().transform(String)])
    .optional()
    .catch(undefined),
  account_review_status: text,
  owner_business_info: z.object({ id: GraphId }).optional().catch(undefined),
  health_status: Health,
});

/** A WhatsApp Business Account as Meta describes it (reference: whatsapp-cloud-api, section 9). */
export type AccountFacts = {
  wabaId: string;
  name: string | null;
  currency: string | null;
  timeZoneId: string | null;
  reviewStatus: string | null;
  /** The business that owns it; null where Meta does not say. */
  portfolioId: string | null;
  canSend: boolean;
};

const accountFields = 'id,name,currency,timezone_id,account_review_status,owner_business_info,health_status';

export function readAccount(meta: Meta, token: string, wabaId: string): Promise<GraphResult<AccountFacts>> {
  const shape = Waba.transform((waba) => ({
    wabaId: waba.id,
    name: waba.name ?? null,
    currency: waba.currency ?? null,
    timeZoneId: waba.timezone_id ?? null,
    reviewStatus: waba.account_review_status ?? null,
    portfolioId: waba.owner_business_info?.id ?? null,
    canSend: waba.health_status?.can_send_message !== 'BLOCKED',
  }));
  return graph(meta, { method: 'GET', path: `/${wabaId}`, token, query: { fields: accountFields } }, shape);
}

const Number = z.object({
  id: GraphId,
  display_phone_number: z.string().catch(''),
  verified_name: text,
  quality_rating: text,
  name_status: text,
  status: text,
  throughput: z.object({ level: z.string() }).optional().catch(undefined),
  is_on_biz_app: z.boolean().optional().catch(undefined),
  whatsapp_business_manager_messaging_limit: z.unknown().optional(),
  health_status: Health,
});

export type Quality = 'GREEN' | 'YELLOW' | 'RED' | 'UNKNOWN';

/** A number as Meta describes it (reference: whatsapp-cloud-api, section 9). */
export type NumberFacts = {
  phoneNumberId: string;
  displayNumber: string;
  verifiedName: string | null;
  quality: Quality;
  nameStatus: string | null;
  status: string;
  throughput: number;
  /** Null: unlimited. */
  messagingLimit: number | null;
  /** Shared with the WhatsApp Business app on a phone: it is registered there, and never by us. */
  isOnPhoneApp: boolean;
  canSend: boolean;
};

const numberFields =
  'id,display_phone_number,verified_name,quality_rating,name_status,status,throughput,is_on_biz_app,whatsapp_business_manager_messaging_limit,health_status';

const NumberShape = Number.transform((number): NumberFacts => ({
  phoneNumberId: number.id,
  displayNumber: number.display_phone_number,
  verifiedName: number.verified_name ?? null,
  quality: readQuality(number.quality_rating),
  nameStatus: number.name_status ?? null,
  status: number.status ?? 'UNKNOWN',
  throughput: number.is_on_biz_app ? phoneAppThroughput : (throughputs[number.throughput?.level ?? ''] ?? 80),
  messagingLimit: readLimit(number.whatsapp_business_manager_messaging_limit),
  isOnPhoneApp: number.is_on_biz_app ?? false,
  canSend: number.health_status?.can_send_message !== 'BLOCKED',
}));

const phoneAppThroughput = 20;
const throughputs: Readonly<Record<string, number>> = { STANDARD: 80, HIGH: 1_000 };

/** What an upgrade gives (reference: whatsapp-cloud-api, section 5). */
export const upgradedThroughput = 1_000;

export function readNumber(meta: Meta, token: string, phoneNumberId: string): Promise<GraphResult<NumberFacts>> {
  return graph(meta, { method: 'GET', path: `/${phoneNumberId}`, token, query: { fields: numberFields } }, NumberShape);
}

/** Far more than an account can hold. */
const pagesMax = 20;

export async function listNumbers(meta: Meta, token: string, wabaId: string): Promise<GraphResult<NumberFacts[]>> {
  const numbers: NumberFacts[] = [];
  let after: string | null = null;
  for (let page = 0; page < pagesMax; page += 1) {
    const query: Record<string, string> = { fields: numberFields, limit: '100', ...(after === null ? {} : { after }) };
    const request = { method: 'GET', path: `/${wabaId}/phone_numbers`, token, query } as const;
    const result = await graph(meta, request, pageOf(NumberShape));
    if (result.kind !== 'ok') return result;
    numbers.push(...result.value.items);
    after = result.value.after;
    if (after === null) break;
  }
  return { kind: 'ok', value: numbers };
}

export function readQuality(quality: unknown): Quality {
  return quality === 'GREEN' || quality === 'YELLOW' || quality === 'RED' ? quality : 'UNKNOWN';
}

const tiers: Readonly<Record<string, number>> = {
  TIER_50: 50,
  TIER_250: 250,
  TIER_1K: 1_000,
  TIER_2K: 2_000,
  TIER_10K: 10_000,
  TIER_100K: 100_000,
};

/** What is not known counts as the least that anybody has (reference: whatsapp-cloud-api, section 9). */
const leastLimit = 250;

/** People outside a service window in 24 h; null: unlimited. Meta gives a tier, or a number (-1: unlimited). */
export function readLimit(limit: unknown): number | null {
  if (limit === 'TIER_UNLIMITED' || limit === -1) return null;
  if (typeof limit === 'number' && limit > 0) return limit;
  return tiers[String(limit)] ?? leastLimit;
}
