import { z } from 'zod';

/** A number that a JavaScript number cannot hold: Meta's ids are such, and come as JSON numbers in webhooks. */
const longNumber = /[[:,]\s*-?\d{16,}/;

/** JSON without losses: what a JavaScript number cannot hold comes back as its text. Throws a SyntaxError. */
export function parseLossless(text: string): unknown {
  return longNumber.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
    ? source
    : value;
}

/** An answer of Meta's, or undefined where it is no JSON. */
export function readJson(text: string): unknown {
  try {
    return parseLossless(text);
  } catch {
    return undefined; // a proxy's page, or half an answer: the caller decides what that means
  }
}

/** A refusal. Only these are near-certain (reference: whatsapp-cloud-api, section 6.1). */
const Refusal = z.object({
  error: z.object({
    code: z.number(),
    message: z.string().default(''),
    error_subcode: z.number().optional(),
    is_transient: z.boolean().optional(),
    error_user_title: z.string().optional(),
    error_user_msg: z.string().optional(),
    error_data: z
      .union([z.object({ details: z.string().optional() }), z.string().transform((details) => ({ details }))])
      .optional()
      .catch(undefined),
  }),
});

export type MetaRefusal = {
  code: number;
  subcode: number | null;
  /** What Meta says of it, for people of the tenant. */
  details: string;
  /** What Meta wrote for the person who asked; most specific for templates. */
  userTitle: string | null;
  isTransient: boolean;
};

/** What Meta refused, or undefined where the text is no refusal of Meta's own. */
export function readRefusal(text: string): MetaRefusal | undefined {
  const parsed = Refusal.safeParse(readJson(text));
  if (!parsed.success) return undefined;
  const { code, message, error_subcode, is_transient, error_user_title, error_user_msg, error_data } =
    parsed.data.error;
  return {
    code,
    subcode: error_subcode ?? null,
    details: error_user_msg ?? error_data?.details ?? message,
    userTitle: error_user_title ?? null,
    isTransient: is_transient ?? false,
  };
}
