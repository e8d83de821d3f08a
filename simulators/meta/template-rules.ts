import { capitals, isObject, type Json, listOf, textOf } from '../json.ts';
import { refuse, type Refusal } from './errors.ts';
import { checkButtons } from './button-rules.ts';
import { type Category, type Component, type Template, variablesOf } from './template-model.ts';
import { invalid, missingExample, tooLong } from './template-refusals.ts';
import type { World } from './world.ts';

export type TemplateInput = Pick<Template, 'name' | 'language' | 'category' | 'parameterFormat' | 'components'> & {
  ttlSeconds?: number;
};

export const languages = new Set(
  `af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da prs_AF nl nl_BE en en_GB en_US en_AE en_AU
en_CA en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_ZA et fil fi fr fr_BE fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he
hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb ps_AF fa pl pt_BR pt_PT pa ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR
es_DO es_EC es_HN es_MX es_PA es_PE es_ES es_UY sw sv ta te th tr uk ur uz vi zu`.split(/\s+/),
);

/** Reads and checks a template before its review (reference: whatsapp-cloud-api, section 4.2). */
export function readTemplate(world: World, given: Json): TemplateInput | Refusal {
  const name = textOf(given['name']);
  if (name === undefined || !/^[a-z0-9_]{1,512}$/.test(name))
    return refuse(100, 'Param name must hold only lowercase letters, digits and underscores, at most 512');
  const language = textOf(given['language']);
  if (language === undefined || !languages.has(language))
    return refuse(100, `Param language '${language}' is not supported`);
  const category = capitals(given['category']);
  if (category !== 'MARKETING' && category !== 'UTILITY' && category !== 'AUTHENTICATION')
    return refuse(100, 'Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}');
  const format = given['parameter_format'] === undefined ? 'POSITIONAL' : capitals(given['parameter_format']);
  if (format !== 'POSITIONAL' && format !== 'NAMED')
    return refuse(100, 'Param parameter_format must be one of {POSITIONAL, NAMED}');
  const ttl = readTtl(category, given['message_send_ttl_seconds']);
  if (ttl !== undefined && typeof ttl !== 'number') return ttl;
  const components = readComponents(world, category, format, given['components']);
  if (!Array.isArray(components)) return components;
  return {
    name,
    language,
    category,
    parameterFormat: format,
    components,
    ...(ttl === undefined ? {} : { ttlSeconds: ttl }),
  };
}

const ttlRanges: Record<Category, [number, number]> = {
  AUTHENTICATION: [30, 900],
  UTILITY: [30, 43_200],
  MARKETING: [43_200, 2_592_000],
};

export function readTtl(category: Category, given: unknown): number | undefined | Refusal {
  if (given === undefined) return undefined;
  const ttl = Number(given);
  const [least, most] = ttlRanges[category];
  if (ttl === -1 && category !== 'MARKETING') return ttl;
  return Number.isInteger(ttl) && ttl >= least && ttl <= most
    ? ttl
    : refuse(100, `message_send_ttl_seconds must be from ${least} to ${most} for ${category}`);
}

export function readComponents(
  world: World,
  category: Category,
  format: Template['parameterFormat'],
  given: unknown,
): Component[] | Refusal {
  const list = (listOf(given) ?? []).filter(isObject);
  const components = list.map(normalise);
  const seen = new Set<string>();
  for (const { type } of components) {
    if (!['HEADER', 'BODY', 'FOOTER', 'BUTTONS', 'CAROUSEL', 'LIMITED_TIME_OFFER'].includes(type))
      return refuse(100, `Param components holds an unknown type '${type}'`);
    if (seen.has(type)) return refuse(100, `Param components holds ${type} twice`);
    seen.add(type);
  }
  if (!seen.has('BODY')) return refuse(100, 'Param components needs a BODY', { subcode: 2_388_043 });
  if (category === 'AUTHENTICATION') return checkAuthentication(components) ?? components;
  for (const component of components) {
    const wrong = checkComponent(world, format, component, bodyMaxOf(seen));
    if (wrong) return wrong;
  }
  return components;
}

function bodyMaxOf(seen: Set<string>): number {
  return seen.has('LIMITED_TIME_OFFER') ? 600 : 1_024;
}

/** Types and formats may come in any case and are kept in upper case. */
function normalise(given: Json): Component {
  const component = { ...given, type: capitals(given['type']) } as Component;
  if (component.type === 'HEADER')
    component.format = capitals(given['format'] ?? 'TEXT') as NonNullable<Component['format']>;
  if (Array.isArray(given['buttons']))
    component.buttons = given['buttons']
      .filter(isObject)
      .map((button) => ({ ...button, type: capitals(button['type']) }));
  if (Array.isArray(given['cards']))
    component.cards = given['cards'].filter(isObject).map((card) => ({
      components: (listOf(card['components']) ?? []).filter(isObject).map(normalise),
    }));
  return component;
}

function checkComponent(
  world: World,
  format: Template['parameterFormat'],
  component: Component,
  bodyMax: number,
): Refusal | undefined {
  switch (component.type) {
    case 'HEADER':
      return checkHeader(world, format, component);
    case 'BODY':
      return checkBody(format, component, bodyMax);
    case 'FOOTER':
      return checkFooter(component);
    case 'BUTTONS':
      return checkButtons(component.buttons ?? [], 10);
    case 'CAROUSEL':
      return checkCarousel(world, format, component);
    case 'LIMITED_TIME_OFFER':
      return tooLong('limited time offer', textOf(component.limited_time_offer?.['text']), 16);
    default:
      return undefined;
  }
}

function checkHeader(world: World, format: Template['parameterFormat'], header: Component): Refusal | undefined {
  if (header.format === 'TEXT') {
    const text = textOf(header.text);
    const wrong = (message: string) => invalid(2_388_047, 'Header format is incorrect', message);
    if (text === undefined) return wrong('The header has no text.');
    if (/[*_~`]|\n/.test(text.replaceAll(/\{\{.*?\}\}/g, '')))
      return wrong('The header may hold no formatting and no line breaks.');
    if (variablesOf(text).length > 1) return wrong('The header may hold only one variable.');
    const names = checkNames(format, text, wrong);
    if (names && 'status' in names) return names;
    if (variablesOf(text).length > 0 && !hasExamples(header.example, 'header_text', 1)) return missingExample('HEADER');
    return tooLong('header', text, 60);
  }
  if (header.format === 'LOCATION') return undefined;
  if (!['IMAGE', 'VIDEO', 'DOCUMENT'].includes(header.format ?? ''))
    return refuse(100, 'Param format must be one of {TEXT, IMAGE, VIDEO, DOCUMENT, LOCATION}');
  const [handle] = listOf(header.example?.['header_handle']) ?? [];
  if (typeof handle !== 'string') return missingExample('HEADER');
  return world.uploads.get(handle)?.handle === handle
    ? undefined
    : invalid(2_494_102, 'Uploaded media handle is invalid', 'The header_handle is not one of a finished upload.');
}

function checkBody(format: Template['parameterFormat'], body: Component, max: number): Refusal | undefined {
  const text = textOf(body.text);
  const wrong = (message: string) => invalid(2_388_072, 'Body format is incorrect', message);
  if (text === undefined) return wrong('The body has no text.');
  const long = tooLong('body', text, max);
  if (long) return long;
  if (/\n{3,}| {5,}|\t/.test(text)) return wrong('The body holds tabs, or too many line breaks or spaces in a row.');
  const names = checkNames(format, text, wrong);
  if (names) return names;
  const count = variablesOf(text).length;
  if (/^\s*\{\{/.test(text) || /\}\}\s*$/.test(text))
    return invalid(
      2_388_299,
      'Leading or trailing variables',
      'Variables may not stand at the start or the end of the body.',
    );
  if (count > 0 && text.trim().split(/\s+/).length < 2 * count + 1)
    return invalid(2_388_293, 'Too many variables', 'The body holds too many variables for its length.');
  if (count > 0 && !hasExamples(body.example, 'body_text', count)) return missingExample('BODY');
  return undefined;
}

/** `{{1}}…{{n}}` without a gap, or lower-case names; never both. */
function checkNames(
  format: Template['parameterFormat'],
  text: string,
  wrong: (message: string) => Refusal,
): Refusal | undefined {
  const names = variablesOf(text);
  if ((text.match(/\{\{/g) ?? []).length !== (text.match(/\}\}/g) ?? []).length)
    return wrong('The brackets of a variable are not closed.');
  if (format === 'NAMED')
    return names.every((name) => /^[a-z][a-z0-9_]*$/.test(name))
      ? undefined
      : wrong('Names of variables are lower-case letters, digits and underscores.');
  return names.toSorted((a, b) => Number(a) - Number(b)).every((name, at) => name === String(at + 1))
    ? undefined
    : wrong('Variables are numbered from {{1}} without a gap.');
}

function hasExamples(example: Json | undefined, name: 'header_text' | 'body_text', count: number): boolean {
  const named = listOf(example?.[`${name}_named_params`]);
  if (named) return named.filter((entry) => isObject(entry) && textOf(entry['example']) !== undefined).length >= count;
  const positional = listOf(example?.[name]);
  const values = name === 'body_text' ? (listOf(positional?.[0]) ?? positional) : positional;
  return (values ?? []).filter((value) => textOf(value) !== undefined).length >= count;
}

function checkFooter(footer: Component): Refusal | undefined {
  const text = textOf(footer.text);
  if (text === undefined || variablesOf(text).length > 0)
    return invalid(2_388_073, 'Footer format is incorrect', 'The footer is a text without variables.');
  return tooLong('footer', text, 60);
}

function checkCarousel(world: World, format: Template['parameterFormat'], carousel: Component): Refusal | undefined {
  const cards = carousel.cards ?? [];
  if (cards.length < 2 || cards.length > 10) return refuse(100, 'A carousel has 2 to 10 cards');
  const shape = (components: Component[]) =>
    components.map(({ type, format: kind }) => `${type}:${kind ?? ''}`).join(',');
  for (const { components } of cards) {
    if (shape(components) !== shape(cards[0]?.components ?? []))
      return refuse(100, 'Every card has the same components');
    const header = components.find(({ type }) => type === 'HEADER');
    if (header?.format !== 'IMAGE' && header?.format !== 'VIDEO')
      return refuse(100, 'Every card has an image or a video');
    for (const component of components) {
      const wrong =
        component.type === 'BUTTONS'
          ? checkButtons(component.buttons ?? [], 2)
          : checkComponent(world, format, component, 160);
      if (wrong) return wrong;
    }
  }
  return undefined;
}

/** Authentication templates have no words of their own (reference: whatsapp-cloud-api, section 4.2). */
function checkAuthentication(components: Component[]): Refusal | undefined {
  for (const { type, text, code_expiration_minutes: minutes } of components) {
    if (type === 'HEADER' || type === 'CAROUSEL')
      return refuse(100, 'An authentication template has no such component');
    if (text !== undefined) return refuse(100, 'An authentication template has no text of its own');
    if (minutes !== undefined && !(Number.isInteger(minutes) && minutes >= 1 && minutes <= 90))
      return refuse(100, 'code_expiration_minutes is from 1 to 90');
  }
  const buttons = components.find(({ type }) => type === 'BUTTONS')?.buttons ?? [];
  const [button] = buttons;
  if (buttons.length !== 1 || button?.type !== 'OTP')
    return refuse(100, 'An authentication template has one OTP button');
  const kind = capitals(button.otp_type);
  if (!['COPY_CODE', 'ONE_TAP', 'ZERO_TAP'].includes(kind))
    return refuse(100, 'Param otp_type must be one of {COPY_CODE, ONE_TAP, ZERO_TAP}');
  if (kind !== 'COPY_CODE' && !Array.isArray(button.supported_apps))
    return refuse(100, 'Param supported_apps is missing');
  return undefined;
}
