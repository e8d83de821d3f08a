import type { Json } from '../json.ts';
import type { Quality, Waba } from './world.ts';

export type Category = 'MARKETING' | 'UTILITY' | 'AUTHENTICATION';
export type TemplateStatus =
  | 'PENDING'
  | 'APPROVED'
  | 'REJECTED'
  | 'PAUSED'
  | 'DISABLED'
  | 'IN_APPEAL'
  | 'PENDING_DELETION'
  | 'LIMIT_EXCEEDED'
  | 'ARCHIVED';

export type Component = {
  type: 'HEADER' | 'BODY' | 'FOOTER' | 'BUTTONS' | 'CAROUSEL' | 'LIMITED_TIME_OFFER';
  format?: 'TEXT' | 'IMAGE' | 'VIDEO' | 'DOCUMENT' | 'LOCATION';
  text?: string;
  example?: Json;
  buttons?: Button[];
  cards?: { components: Component[] }[];
  add_security_recommendation?: boolean;
  code_expiration_minutes?: number;
  limited_time_offer?: Json;
};

export type Button = {
  type: string;
  text?: string;
  url?: string;
  phone_number?: string;
  example?: unknown;
  otp_type?: string;
  supported_apps?: unknown;
};

export type Template = {
  id: string;
  waba: Waba;
  name: string;
  language: string;
  category: Category;
  status: TemplateStatus;
  parameterFormat: 'POSITIONAL' | 'NAMED';
  components: Component[];
  quality: Quality;
  rejectedReason: string;
  previousCategory?: Category;
  correctCategory?: Category;
  ttlSeconds?: number;
  edits: number[];
  pauses: number;
  /** Counts content changes, so that a review that was overtaken says nothing. */
  revision: number;
  /** Since its approval: what pacing looks at. */
  sends: number;
  needs: Needs;
};

/** What a send has to bring along. */
export type Needs = {
  header:
    { kind: 'text'; text: string; names: string[] } | { kind: 'image' | 'video' | 'document' | 'location' } | undefined;
  body: { text: string; names: string[] };
  buttons: { type: string; needsParameter: boolean }[];
  cards: Needs[];
  hasOffer: boolean;
  /** One-tap, zero-tap and copy-code templates cannot be sent to a business-scoped id. */
  isOtp: boolean;
};

/** Under what an account keeps a template. */
export function templateKey(name: string, language: string): string {
  return `${name} ${language}`;
}

const variable = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** The names of a text's variables, in order, each once. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(variable)].map(([, name = '']) => name))];
}

export function fill(text: string, values: Map<string, string>): string {
  return values.size === 0 ? text : text.replaceAll(variable, (found, name: string) => values.get(name) ?? found);
}

export function needsOf(components: Component[]): Needs {
  const header = components.find(({ type }) => type === 'HEADER');
  const body = components.find(({ type }) => type === 'BODY');
  const buttons = components.find(({ type }) => type === 'BUTTONS')?.buttons ?? [];
  const isOtp = buttons.some(({ type }) => type === 'OTP');
  const text = isOtp ? '*{{1}}* is your verification code.' : (body?.text ?? '');
  return {
    header: headerNeeds(header),
    body: { text, names: variablesOf(text) },
    buttons: buttons.map(({ type, url = '' }) => ({
      type,
      needsParameter: type === 'OTP' || type === 'COPY_CODE' || (type === 'URL' && variablesOf(url).length > 0),
    })),
    cards: components.flatMap(({ cards = [] }) => cards.map((card) => needsOf(card.components))),
    hasOffer: components.some(({ type }) => type === 'LIMITED_TIME_OFFER'),
    isOtp,
  };
}

function headerNeeds(header: Component | undefined): Needs['header'] {
  if (!header) return undefined;
  if (header.format === 'IMAGE') return { kind: 'image' };
  if (header.format === 'VIDEO') return { kind: 'video' };
  if (header.format === 'DOCUMENT') return { kind: 'document' };
  if (header.format === 'LOCATION') return { kind: 'location' };
  const text = header.text ?? '';
  return { kind: 'text', text, names: variablesOf(text) };
}
