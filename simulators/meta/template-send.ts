import { capitals, isObject, type Json, listOf, textOf } from '../json.ts';
import { refuse, type Refusal } from './errors.ts';
import { checkMedia } from './media.ts';
import { fill, type Needs, type Template, templateKey } from './template-model.ts';
import type { PhoneNumber, World } from './world.ts';

export type TemplateSend = { template: Template; text: string; hasDeadLink: boolean };

/** Finds the template of a send and checks what is brought along against what was approved (reference: whatsapp-cloud-api, section 2.5). */
export function readTemplateSend(world: World, number: PhoneNumber, content: Json): TemplateSend | Refusal {
  const name = textOf(content['name']);
  if (name === undefined) return refuse(131008, "Parameter 'template.name' is missing");
  const language = isObject(content['language']) ? textOf(content['language']['code']) : undefined;
  if (language === undefined) return refuse(131008, "Parameter 'template.language.code' is missing");
  const template = number.waba.templates.get(templateKey(name, language));
  if (!template) return refuse(132001, `template name (${name}) does not exist in ${language}`);
  if (template.status === 'PAUSED') return refuse(132015, `Template ${name} is paused due to low quality`);
  if (template.status === 'DISABLED') return refuse(132016, `Template ${name} is disabled due to low quality`);
  if (template.status !== 'APPROVED') return refuse(132001, `template name (${name}) is not approved in ${language}`);

  const given = content['components'] === undefined ? [] : listOf(content['components']);
  if (!given || !given.every(isObject)) return refuse(100, "Param template['components'] must be an array of objects");
  return checkComponents(world, number, template, template.needs, given);
}

function checkComponents(
  world: World,
  number: PhoneNumber,
  template: Template,
  needs: Needs,
  given: Json[],
): TemplateSend | Refusal {
  const state = { hasDeadLink: false };
  const byType = (type: string) => given.find((component) => capitals(component['type']).toLowerCase() === type);
  for (const component of given) {
    const type = capitals(component['type']).toLowerCase();
    if (!['header', 'body', 'button', 'carousel', 'limited_time_offer', 'footer'].includes(type))
      return refuse(100, `Param template['components'] holds an unknown type '${type}'`);
    if (component['parameters'] !== undefined && !listOf(component['parameters']))
      return refuse(100, `${type}: parameters must be an array`);
  }
  const header = checkHeader(world, number, template, needs, parametersOf(byType('header')), state);
  if (header) return header;

  const body = readTexts('body', needs.body.names, template, parametersOf(byType('body')));
  if ('status' in body) return body;
  const text = fill(needs.body.text, body.values);
  if (text.length > 1_024)
    return refuse(132005, `body: the translated text of ${text.length} characters is longer than 1024`);

  const button = checkButtons(
    needs,
    given.filter((component) => capitals(component['type']).toLowerCase() === 'button'),
  );
  if (button) return button;
  if (needs.hasOffer && !byType('limited_time_offer'))
    return refuse(131008, 'limited_time_offer: the component is missing');
  const cards = checkCards(world, number, template, needs, byType('carousel'), state);
  return cards ?? { template, text, hasDeadLink: state.hasDeadLink };
}

function parametersOf(component: Json | undefined): Json[] {
  return (listOf(component?.['parameters']) ?? []).filter(isObject);
}

function checkHeader(
  world: World,
  number: PhoneNumber,
  template: Template,
  needs: Needs,
  parameters: Json[],
  state: { hasDeadLink: boolean },
): Refusal | undefined {
  const { header } = needs;
  if (!header || header.kind === 'text') {
    const texts = readTexts('header', header?.names ?? [], template, parameters);
    if ('status' in texts) return texts;
    const length = header ? fill(header.text, texts.values).length : 0;
    return length > 60
      ? refuse(132005, `header: the translated text of ${length} characters is longer than 60`)
      : undefined;
  }
  const [parameter] = parameters;
  const received = parameter ? capitals(parameter['type']) : 'UNKNOWN';
  const expected = header.kind.toUpperCase();
  if (!parameter || received !== expected)
    return refuse(132012, `header: Format mismatch, expected ${expected}, received ${received}`);
  if (parameters.length > 1)
    return refuse(
      132000,
      `header: number of params (${parameters.length}) does not match the expected number of params (1)`,
    );
  const content = parameter[header.kind];
  if (!isObject(content))
    return refuse(132012, `header: Parameter of type ${header.kind} is missing its ${header.kind}`);
  if (header.kind === 'location')
    return content['latitude'] === undefined || content['longitude'] === undefined
      ? refuse(131008, 'header: latitude and longitude are required')
      : undefined;
  const media = checkMedia(world, number, header.kind, content, 'header');
  if (media && 'status' in media) return media;
  if (media?.isDead) state.hasDeadLink = true;
  return undefined;
}

/** Newlines, tabs and more than four spaces in a row are not taken in a parameter. */
const badWhitespace = /[\n\r\t]| {5,}/;

function readTexts(
  part: string,
  names: string[],
  template: Template,
  parameters: Json[],
): { values: Map<string, string> } | Refusal {
  const values = new Map<string, string>();
  if (parameters.length !== names.length)
    return refuse(
      132000,
      `${part}: number of localizable_params (${parameters.length}) does not match the expected number of params (${names.length})`,
    );
  for (const [at, parameter] of parameters.entries()) {
    const text = textParameter(part, at, parameter);
    if (typeof text !== 'string') return text;
    if (badWhitespace.test(text))
      return refuse(
        132018,
        `${part}: Param text cannot have new-line/tab characters or more than 4 consecutive spaces`,
      );
    const name = template.parameterFormat === 'NAMED' ? textOf(parameter['parameter_name']) : names[at];
    if (name === undefined) return refuse(132012, `${part}: Parameter ${at} needs a parameter_name`);
    if (!names.includes(name) || values.has(name))
      return refuse(132018, `${part}: Parameter name ${name} was not found in the template or is given twice`);
    values.set(name, text);
  }
  return { values };
}

function textParameter(part: string, at: number, parameter: Json): string | Refusal {
  const type = capitals(parameter['type']).toLowerCase();
  if (type === 'text')
    return textOf(parameter['text']) ?? refuse(131008, `${part}: Parameter ${at} of type text is missing text value`);
  if (type !== 'currency' && type !== 'date_time')
    return refuse(132012, `${part}: Parameter ${at} has type ${type}, expected text`);
  const value = parameter[type];
  return (
    (isObject(value) ? textOf(value['fallback_value']) : undefined) ??
    refuse(131008, `${part}: Parameter ${at} of type ${type} is missing fallback_value`)
  );
}

const subTypes: Record<string, string> = {
  quick_reply: 'QUICK_REPLY',
  url: 'URL',
  copy_code: 'COPY_CODE',
  flow: 'FLOW',
  catalog: 'CATALOG',
  mpm: 'MPM',
  voice_call: 'VOICE_CALL',
};

function checkButtons(needs: Needs, given: Json[]): Refusal | undefined {
  const brought = new Set<number>();
  for (const component of given) {
    const index = Number(component['index']);
    const button = Number.isInteger(index) ? needs.buttons[index] : undefined;
    if (!button) return refuse(132018, `button: there is no button at index ${String(component['index'])}`);
    const type = subTypes[capitals(component['sub_type']).toLowerCase()];
    const isRight = type === button.type || (button.type === 'OTP' && (type === 'URL' || type === 'COPY_CODE'));
    if (!isRight)
      return refuse(132018, `button: Button at index ${index} is not of type ${String(component['sub_type'])}`);
    const [parameter] = parametersOf(component);
    const wrong = parameter ? checkButtonParameter(button.type, index, parameter) : undefined;
    if (wrong) return wrong;
    if (parameter) brought.add(index);
  }
  for (const [index, { type, needsParameter }] of needs.buttons.entries()) {
    if (needsParameter && !brought.has(index))
      return refuse(131008, `buttons: Button at index ${index} of type ${type} requires a parameter`);
  }
  return undefined;
}

function checkButtonParameter(type: string, index: number, parameter: Json): Refusal | undefined {
  const kind = capitals(parameter['type']).toLowerCase();
  const field = { QUICK_REPLY: 'payload', URL: 'text', OTP: 'text', COPY_CODE: 'coupon_code' }[type];
  if (field === undefined) return undefined;
  if (kind !== field && !(type === 'OTP' && kind === 'coupon_code'))
    return refuse(132012, `button: Button at index ${index} takes a parameter of type ${field}, received ${kind}`);
  const value = textOf(parameter[kind]);
  if (value === undefined) return refuse(131008, `button: Parameter of the button at index ${index} is empty`);
  const max = { QUICK_REPLY: 128, OTP: 15, COPY_CODE: 20 }[type] ?? 2_000;
  return value.length > max
    ? refuse(132018, `button: Parameter of the button at index ${index} is longer than ${max}`)
    : undefined;
}

function checkCards(
  world: World,
  number: PhoneNumber,
  template: Template,
  needs: Needs,
  carousel: Json | undefined,
  state: { hasDeadLink: boolean },
): Refusal | undefined {
  const cards = (listOf(carousel?.['cards']) ?? []).filter(isObject);
  if (cards.length !== needs.cards.length)
    return refuse(
      132000,
      `carousel: number of cards (${cards.length}) does not match the expected number (${needs.cards.length})`,
    );
  for (const [at, card] of cards.entries()) {
    const cardNeeds = needs.cards[at];
    if (!cardNeeds) continue;
    const components = (listOf(card['components']) ?? []).filter(isObject);
    const found = checkComponents(world, number, template, cardNeeds, components);
    if ('status' in found) return found;
    if (found.hasDeadLink) state.hasDeadLink = true;
  }
  return undefined;
}
