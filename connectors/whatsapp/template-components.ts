import { z } from 'zod';

/** A list, whatever Meta calls one: some examples come as a single text. */
const texts = z.union([z.array(z.string()), z.string().transform((text) => [text])]).catch([]);

const named = z.array(z.object({ param_name: z.string(), example: z.string().catch('') })).catch([]);

const Example = z
  .object({
    header_text: texts.optional(),
    header_handle: texts.optional(),
    header_text_named_params: named.optional(),
    body_text: z.array(texts).catch([]).optional(),
    body_text_named_params: named.optional(),
  })
  .catch({});

const Button = z.object({
  type: z.string().toUpperCase(),
  text: z.string().optional(),
  url: z.string().optional(),
  phone_number: z.string().optional(),
  example: texts.optional(),
  otp_type: z.string().optional(),
});

const Component = z.object({
  type: z.string().toUpperCase(),
  format: z.string().toUpperCase().optional(),
  text: z.string().optional(),
  example: Example.optional(),
  buttons: z.array(Button).optional(),
  add_security_recommendation: z.boolean().optional(),
  code_expiration_minutes: z.number().optional(),
});

/** One part of a template as Meta writes it (reference: whatsapp-cloud-api, section 4.2), as far as we understand it. */
export type TemplateComponent = z.infer<typeof Component>;
export type TemplateButton = z.infer<typeof Button>;

/** What we understand of a template's components; what we do not is left out, and never fails. */
export function readComponents(components: unknown): TemplateComponent[] {
  const list = Array.isArray(components) ? components : [];
  return list.flatMap((component) => {
    const read = Component.safeParse(component);
    return read.success ? [read.data] : [];
  });
}

/** Meta gives an authentication template's button back as a link of its own. */
const otpLink = 'https://www.whatsapp.com/otp/';

export function isOtpButton({ type, url, otp_type: otpType }: TemplateButton): boolean {
  return type === 'OTP' || otpType !== undefined || (type === 'URL' && (url ?? '').startsWith(otpLink));
}
