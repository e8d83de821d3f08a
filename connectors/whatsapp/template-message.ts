/** What has to be filled in, as domain/templates/parameters.ts finds it; only what a send needs of it. */
export type SendParameter = {
  readonly component: 'HEADER' | 'BODY' | 'BUTTON';
  readonly index: number;
  readonly name: string | null;
  readonly kind: 'TEXT' | 'IMAGE' | 'VIDEO' | 'DOCUMENT' | 'LOCATION' | 'URL_SUFFIX' | 'COPY_CODE' | 'OTP';
};

export type TemplateToSend = { name: string; language: string; parameters: readonly SendParameter[] };

type WireParameter = Readonly<Record<string, unknown>>;
type WireComponent = { type: string; sub_type?: string; index?: string; parameters: WireParameter[] };

/** The `template` of a send (reference: whatsapp-cloud-api, section 2.5). */
export type TemplateMessage = { name: string; language: { code: string }; components?: WireComponent[] };

/** Undefined where the values do not fit the template. */
export type TemplateRenderer = (values: readonly string[]) => TemplateMessage | undefined;

/** Once a version, then once a message: the values stand in the order of the parameters, and there is one for each. */
export function templateRenderer({ name, language, parameters }: TemplateToSend): TemplateRenderer {
  const head: TemplateMessage = { name, language: { code: language } };
  const parts = partsOf(parameters);
  return (values) => {
    if (values.length !== parameters.length) return undefined;
    if (parts.length === 0) return head;
    const components: WireComponent[] = [];
    for (const { part, fill } of parts) {
      const filled: WireParameter[] = [];
      for (const { at, write } of fill) {
        const written = write(values[at] ?? '');
        if (!written) return undefined;
        filled.push(written);
      }
      components.push({ ...part, parameters: filled });
    }
    return { ...head, components };
  };
}

/** The same for a single message. */
export function templateMessage({
  values,
  ...template
}: TemplateToSend & { values: readonly string[] }): TemplateMessage | undefined {
  return templateRenderer(template)(values);
}

type Write = (value: string) => WireParameter | undefined;
type Fill = { at: number; write: Write };
type Part = { part: Omit<WireComponent, 'parameters'>; fill: Fill[] };

function partsOf(parameters: readonly SendParameter[]): Part[] {
  const parts = new Map<string, Part>();
  const add = (key: string, part: Part['part'], fill: Fill) => {
    const known = parts.get(key);
    if (known) known.fill.push(fill);
    else parts.set(key, { part, fill: [fill] });
  };
  for (const [at, parameter] of parameters.entries()) {
    const fill = { at, write: writerOf(parameter) };
    if (parameter.component !== 'BUTTON') {
      const type = parameter.component.toLowerCase();
      add(type, { type }, fill);
    } else {
      const subType = parameter.kind === 'COPY_CODE' ? 'copy_code' : 'url';
      add(`button.${parameter.index}`, { type: 'button', sub_type: subType, index: String(parameter.index) }, fill);
    }
    if (parameter.kind === 'OTP')
      add('button.otp', { type: 'button', sub_type: 'url', index: '0' }, { at, write: text });
  }
  return [...parts.values()];
}

function writerOf({ kind, name }: SendParameter): Write {
  switch (kind) {
    case 'IMAGE':
    case 'VIDEO':
    case 'DOCUMENT': {
      const type = kind.toLowerCase();
      return (value) => ({ type, [type]: value.startsWith('id:') ? { id: value.slice(3) } : { link: value } });
    }
    case 'LOCATION':
      return locationOf;
    case 'COPY_CODE':
      return (value) => ({ type: 'coupon_code', coupon_code: value.trim() });
    case 'TEXT':
      return name === null
        ? (value) => ({ type: 'text', text: inOneLine(value) })
        : (value) => ({ type: 'text', parameter_name: name, text: inOneLine(value) });
    case 'URL_SUFFIX':
    case 'OTP':
      return text;
  }
}

const text = (value: string): WireParameter => ({ type: 'text', text: value.trim() });

function locationOf(value: string): WireParameter | undefined {
  try {
    return { type: 'location', location: JSON.parse(value) as unknown };
  } catch {
    return undefined; // no place: the message fails by itself, and no other with it
  }
}

const notInOneLine = /[\n\r\t]| {5}/;

/** Meta refuses line breaks, tabs and more than four spaces in a row (132018): a contact's data may hold them. */
function inOneLine(value: string): string {
  return notInOneLine.test(value) ? value.replace(/\s*[\n\r\t]\s*/g, ' ').replace(/ {5,}/g, '    ') : value;
}
