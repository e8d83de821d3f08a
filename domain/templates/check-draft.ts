import type { NewTemplate } from '../../connectors/whatsapp/templates.ts';
import { problems } from '../errors.ts';
import { checkButtons, checkOtpButton } from './check-buttons.ts';
import { checkBodyShape, checkLength, checkVariables } from './check-text.ts';
import type { ComponentDraft, Report, TemplateDraft } from './draft.ts';
import { codeExpirationMinutes, languages, lengths, ttlSeconds, unlimitedTtl } from './limits.ts';
import { type ParameterFormat, variablesIn } from './parameters.ts';

/** Checks a template against Meta's rules, everything at once, before Meta sees it; gives it as Meta writes it. */
export function checkDraft(draft: TemplateDraft): NewTemplate {
  const found = problems();
  const report: Report = (path, message) => found.add(path, message);
  if (!/^[a-z0-9_]+$/.test(draft.name) || draft.name.length > lengths.name)
    report('name', `Expected 1 to ${lengths.name} lower-case letters, digits and underscores.`);
  if (!languages.has(draft.language)) report('language', 'Expected one of Meta’s languages, as pt_BR.');
  checkTtl(draft, report);
  const format = draft.parameterFormat ?? 'POSITIONAL';
  const components = checkComponents(draft, format, report);
  found.throwIfAny();
  const { name, language, category } = draft;
  return { name, language, category, parameterFormat: format, components, ttlSeconds: draft.ttlSeconds ?? null };
}

function checkTtl({ ttlSeconds: ttl, category }: TemplateDraft, report: Report): void {
  if (ttl === null || ttl === undefined) return;
  const { min, max, mayBeUnlimited } = ttlSeconds[category];
  if (ttl === unlimitedTtl && mayBeUnlimited) return;
  if (!Number.isInteger(ttl) || ttl < min || ttl > max)
    report('ttlSeconds', `Expected ${min} to ${max} for ${category}${mayBeUnlimited ? ', or -1 for 30 days' : ''}.`);
}

function checkComponents(draft: TemplateDraft, format: ParameterFormat, report: Report): unknown[] {
  const { components, category } = draft;
  for (const type of ['HEADER', 'BODY', 'FOOTER', 'BUTTONS'] as const) {
    const places = components.flatMap((component, index) => (component.type === type ? [index] : []));
    if (places.length > 1) report(`components[${places[1]}].type`, `Expected one ${type} at most.`);
  }
  if (!components.some(({ type }) => type === 'BODY')) report('components', 'Expected a BODY.');
  const isAuthentication = category === 'AUTHENTICATION';
  if (isAuthentication && !components.some(({ type }) => type === 'BUTTONS'))
    report('components', 'An authentication template has one button, of the type OTP.');
  const check = isAuthentication ? checkAuthentication : checkComponent;
  return components.map((component, index) => check(component, format, `components[${index}]`, report));
}

function checkComponent(component: ComponentDraft, format: ParameterFormat, at: string, report: Report): unknown {
  const { type, text } = component;
  switch (type) {
    case 'HEADER':
      return checkHeader(component, format, at, report);
    case 'BODY': {
      const body = checkLength(text, lengths.body, `${at}.text`, report);
      checkBodyShape(body, `${at}.text`, report);
      return { type, text: body, ...checkVariables('body', body, format, component, at, report) };
    }
    case 'FOOTER': {
      const footer = checkLength(text, lengths.footer, `${at}.text`, report);
      if (variablesIn(footer).length > 0) report(`${at}.text`, 'A footer has no variables.');
      return { type, text: footer };
    }
    case 'BUTTONS':
      return { type, buttons: checkButtons(component.buttons ?? [], `${at}.buttons`, report) };
  }
}

function checkHeader(header: ComponentDraft, format: ParameterFormat, at: string, report: Report): unknown {
  const { type, format: kind = 'TEXT', text, headerHandle } = header;
  if (kind === 'LOCATION') return { type, format: kind };
  if (kind !== 'TEXT' && kind !== null) {
    if (!headerHandle?.trim())
      report(`${at}.headerHandle`, `Expected the handle of a sample that was uploaded to Meta.`);
    return { type, format: kind, example: { header_handle: [headerHandle] } };
  }
  const title = checkLength(text, lengths.header, `${at}.text`, report);
  if (variablesIn(title).length > 1) report(`${at}.text`, 'A header has at most one variable.');
  if (/[*_~`\n\r]/.test(title.replaceAll(/\{\{[^{}]*\}\}/g, '')))
    report(`${at}.text`, 'A header has no formatting (* _ ~ `) and no line breaks.');
  return { type, format: 'TEXT', text: title, ...checkVariables('header', title, format, header, at, report) };
}

/** An authentication template has no words of its own: Meta writes them. */
function checkAuthentication(component: ComponentDraft, _format: ParameterFormat, at: string, report: Report): unknown {
  const { type, text, buttons, addSecurityRecommendation, codeExpirationMinutes: minutes } = component;
  if (type === 'HEADER') report(`${at}.type`, 'An authentication template has no header.');
  if (text) report(`${at}.text`, 'An authentication template has no text of its own: Meta writes it.');
  if (type === 'BUTTONS') return { type, buttons: checkOtpButton(buttons ?? [], `${at}.buttons`, report) };
  if (type === 'BODY') return { type, add_security_recommendation: addSecurityRecommendation ?? false };
  const { min, max } = codeExpirationMinutes;
  if (
    type === 'FOOTER' &&
    (typeof minutes !== 'number' || !Number.isInteger(minutes) || minutes < min || minutes > max)
  )
    report(`${at}.codeExpirationMinutes`, `Expected ${min} to ${max} minutes.`);
  return { type, code_expiration_minutes: minutes };
}
