import {
  isOtpButton,
  readComponents,
  type TemplateButton,
  type TemplateComponent,
} from '../../connectors/whatsapp/template-components.ts';

export type ParameterFormat = 'POSITIONAL' | 'NAMED';

/** Something that has to be filled in to send a template. */
export type TemplateParameter = {
  /** header.1, header.image, body.2, body.first_name, button.0: what a campaign's variables name. */
  key: string;
  component: 'HEADER' | 'BODY' | 'BUTTON';
  /** Place in the component (0-based); for buttons the button's index. */
  index: number;
  /** Set for named parameters. */
  name: string | null;
  kind: 'TEXT' | 'IMAGE' | 'VIDEO' | 'DOCUMENT' | 'LOCATION' | 'URL_SUFFIX' | 'COPY_CODE' | 'OTP';
  example: string | null;
};

/** What has to be filled in, in the order in which a message keeps its values: header, body, buttons. */
export function parametersOf(format: ParameterFormat, components: unknown): TemplateParameter[] {
  const read = readComponents(components);
  const buttons = read.find(({ type }) => type === 'BUTTONS')?.buttons ?? [];
  // An authentication template has one value: the code stands in the body and in the button alike.
  if (buttons.some(isOtpButton)) return [otp];
  return [
    ...headerParameters(
      format,
      read.find(({ type }) => type === 'HEADER'),
    ),
    ...bodyParameters(
      format,
      read.find(({ type }) => type === 'BODY'),
    ),
    ...buttons.flatMap(buttonParameters),
  ];
}

/** What a version keeps of them: written by `parametersOf`, and by nobody else. */
export function readParameters(stored: unknown): TemplateParameter[] {
  return stored as TemplateParameter[];
}

const otp: TemplateParameter = {
  key: 'body.1',
  component: 'BODY',
  index: 0,
  name: null,
  kind: 'OTP',
  example: '123456',
};

/** Kinds of content that Parley reads and does not send; null when a template has none of them. */
export function unsendablePart(components: unknown): string | null {
  const read = readComponents(components);
  const parts = read.flatMap(({ type, format, buttons = [] }) => [
    type === 'HEADER' && format ? `HEADER ${format}` : type,
    ...buttons.map((button) => `BUTTON ${button.type}`),
  ]);
  return parts.find((part) => unsendable.has(part)) ?? null;
}

/** They take values of a shape that no variable has (reference: whatsapp-cloud-api, section 2.5). */
const unsendable = new Set([
  'CAROUSEL',
  'LIMITED_TIME_OFFER',
  'HEADER GIF',
  'HEADER PRODUCT',
  'BUTTON MPM',
  'BUTTON SPM',
]);

const variable = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** The names of a text's variables, each once: numbers in their order, words in the text's. */
export function variablesIn(text: string): string[] {
  const names = [...new Set([...text.matchAll(variable)].map(([, name = '']) => name))];
  return names.every((name) => /^\d+$/.test(name)) ? names.toSorted((a, b) => Number(a) - Number(b)) : names;
}

function headerParameters(format: ParameterFormat, header: TemplateComponent | undefined): TemplateParameter[] {
  if (!header) return [];
  const { format: kind = 'TEXT', text = '', example } = header;
  if (kind === 'IMAGE' || kind === 'VIDEO' || kind === 'DOCUMENT' || kind === 'LOCATION') {
    return [{ key: `header.${kind.toLowerCase()}`, component: 'HEADER', index: 0, name: null, kind, example: null }];
  }
  const examples = { positional: example?.header_text, named: example?.header_text_named_params };
  return textParameters('HEADER', format, text, examples);
}

function bodyParameters(format: ParameterFormat, body: TemplateComponent | undefined): TemplateParameter[] {
  const { text = '', example } = body ?? {};
  return textParameters('BODY', format, text, {
    positional: example?.body_text?.[0],
    named: example?.body_text_named_params,
  });
}

type Examples = { positional?: string[] | undefined; named?: { param_name: string; example: string }[] | undefined };

function textParameters(
  component: 'HEADER' | 'BODY',
  format: ParameterFormat,
  text: string,
  { positional, named }: Examples,
): TemplateParameter[] {
  return variablesIn(text).map((name, index) => ({
    key: `${component.toLowerCase()}.${name}`,
    component,
    index,
    name: format === 'NAMED' ? name : null,
    kind: 'TEXT',
    example:
      (format === 'NAMED' ? named?.find((one) => one.param_name === name)?.example : positional?.[index]) ?? null,
  }));
}

function buttonParameters({ type, url = '', example }: TemplateButton, index: number): TemplateParameter[] {
  const given = example?.[0] ?? null;
  const button = { key: `button.${index}`, component: 'BUTTON', index, name: null } as const;
  if (type === 'COPY_CODE') return [{ ...button, kind: 'COPY_CODE', example: given }];
  if (type !== 'URL' || variablesIn(url).length === 0) return [];
  const base = url.replace(variable, '');
  return [{ ...button, kind: 'URL_SUFFIX', example: given?.startsWith(base) ? given.slice(base.length) : given }];
}
