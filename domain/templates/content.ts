import { createHash } from 'node:crypto';
import {
  isOtpButton,
  readComponents,
  type TemplateButton,
  type TemplateComponent,
} from '../../connectors/whatsapp/template-components.ts';
import { type ParameterFormat, parametersOf, type TemplateParameter } from './parameters.ts';

/** What a version is made of. */
export type Content = {
  parameterFormat: ParameterFormat;
  components: unknown[];
  parameters: TemplateParameter[];
  hash: Buffer<ArrayBuffer>;
};

export function contentOf(parameterFormat: ParameterFormat, components: unknown[]): Content {
  const parameters = parametersOf(parameterFormat, components);
  const meaning = meaningOf(components);
  // Without variables the format says nothing, and Meta does not always give it back.
  const written = JSON.stringify([parameters.length > 0 ? parameterFormat : null, meaning]);
  return { parameterFormat, components, parameters, hash: createHash('sha256').update(written).digest() };
}

/**
 * What a person gets to see, canonically written. Examples are not part of it: Meta gives its own links to samples back, which are others every
 * time. Nor are the words of an authentication template, which are Meta's. What we do not understand counts as it stands.
 */
function meaningOf(components: unknown[]): unknown {
  const read = readComponents(components);
  const isOtp = read.some(({ buttons }) => buttons?.some(isOtpButton));
  const parts = isOtp ? read.map(otpPart) : components.map((component) => partOf(component));
  return parts.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function otpPart({ type, add_security_recommendation: advice, code_expiration_minutes: minutes }: TemplateComponent) {
  return type === 'BODY' ? [type, advice ?? false] : type === 'FOOTER' ? [type, minutes ?? null] : [type];
}

const understood = new Set(['HEADER', 'BODY', 'FOOTER', 'BUTTONS']);

function partOf(component: unknown): unknown {
  const [read] = readComponents([component]);
  if (!read || !understood.has(read.type)) return sorted(component);
  const { type, format, text, buttons } = read;
  return [type, type === 'HEADER' ? (format ?? 'TEXT') : null, text ?? null, buttons?.map(buttonPart) ?? null];
}

function buttonPart({ type, text, url, phone_number: phone, example }: TemplateButton): unknown {
  const digits = phone?.replaceAll(/\D/g, '') ?? null; // written with or without its +
  return [
    type,
    type === 'COPY_CODE' ? null : (text ?? null),
    url ?? null,
    digits,
    type === 'COPY_CODE' ? (example ?? null) : null,
  ];
}

/** With sorted keys, and without examples at any depth. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => name !== 'example');
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)]);
}
