import { capitals, type Json, listOf, textOf } from '../json.ts';
import { type Answer, type Call, ok } from './call.ts';
import { refuse, type Refusal } from './errors.ts';
import { page, pick } from './info.ts';
import type { Meta } from './meta.ts';
import { changeStatus, review } from './review.ts';
import { type Component, needsOf, type Template, templateKey } from './template-model.ts';
import { readComponents, readTemplate, readTtl, type TemplateInput } from './template-rules.ts';
import { invalid } from './template-refusals.ts';
import { countWithin, dayMs, hourMs, newId, now, type Waba } from './world.ts';

const templatesMax = { unverified: 250, verified: 6_000 };
const nameBlockedForMs = 30 * dayMs;

/** `GET` and `POST /{waba_id}/message_templates`, and its deletion (reference: whatsapp-cloud-api, section 4.1). */
export function messageTemplates(meta: Meta, waba: Waba, call: Call): Answer {
  if (call.method === 'POST') return create(meta, waba, call.params);
  if (call.method === 'DELETE') return remove(meta, waba, call);
  const list = [...waba.templates.values()].filter((template) => isAskedFor(template, call.query));
  return page(
    meta.world,
    call,
    list,
    ({ id }) => id,
    (template) => pick(describe(template), call.query.get('fields'), listFields),
  );
}

const listFields = ['name', 'language', 'category', 'status', 'components', 'parameter_format'];

function isAskedFor(template: Template, query: URLSearchParams): boolean {
  const is = (name: string, value: string) => {
    const asked = query.get(name);
    return asked === null || asked.toUpperCase() === value.toUpperCase();
  };
  const content = query.get('content') ?? query.get('name_or_content');
  const name = query.get('name');
  return (
    (name === null || template.name.includes(name)) &&
    is('status', template.status) &&
    is('category', template.category) &&
    is('language', template.language) &&
    is('quality_score', template.quality) &&
    (content === null || template.needs.body.text.includes(content) || template.name.includes(content)) &&
    query.get('source') !== 'AUTO_GENERATED'
  );
}

export function describe(template: Template): Json {
  return {
    id: template.id,
    name: template.name,
    language: template.language,
    category: template.category,
    status: template.status,
    components: template.category === 'AUTHENTICATION' ? template.components.map(readBack) : template.components,
    parameter_format: template.parameterFormat,
    quality_score: { score: template.quality, date: 0 },
    rejected_reason: template.rejectedReason,
    ...(template.previousCategory === undefined ? {} : { previous_category: template.previousCategory }),
    ...(template.correctCategory === undefined ? {} : { correct_category: template.correctCategory }),
    ...(template.ttlSeconds === undefined ? {} : { message_send_ttl_seconds: template.ttlSeconds }),
  };
}

/** What Meta makes of an authentication template's components: its own words, and a URL for a button. */
function readBack(component: Component): Component {
  if (component.type === 'BODY') {
    const advice = component.add_security_recommendation ? ' For your security, do not share this code.' : '';
    return { ...component, text: `*{{1}}* is your verification code.${advice}` };
  }
  if (component.type === 'FOOTER' && component.code_expiration_minutes !== undefined)
    return { ...component, text: `This code expires in ${component.code_expiration_minutes} minutes.` };
  if (component.type !== 'BUTTONS') return component;
  const buttons = (component.buttons ?? []).map(({ text = 'Copy code', otp_type: kind = 'COPY_CODE' }) => {
    const url = `https://www.whatsapp.com/otp/code/?otp_type=${kind}&code=otp`;
    return { type: 'URL', text, url: `${url}{{1}}`, example: [`${url}123456`] };
  });
  return { ...component, buttons };
}

function create(meta: Meta, waba: Waba, given: Json): Answer {
  const { world } = meta;
  const input = readTemplate(world, given);
  if ('status' in input) return input;
  const full = checkRoom(meta, waba, input);
  if (full) return full;
  waba.creations.push(now(world));
  const template = addTemplate(meta, waba, input);
  review(meta, template);
  return ok({ id: template.id, status: template.status, category: template.category });
}

function checkRoom(meta: Meta, waba: Waba, { name, language }: TemplateInput): Refusal | undefined {
  const { world } = meta;
  if (waba.blockedUntil > now(world)) return refuse(368, 'The account may create no templates for now');
  if (countWithin(waba.creations, now(world) - hourMs) >= world.settings.templates.creationsPerHour)
    return refuse(80007, 'Too many templates were created within an hour');
  if ((waba.deletedNames.get(name) ?? 0) > now(world))
    return invalid(
      2_388_023,
      'Message template is being deleted',
      `New content cannot be added while ${name} is being deleted. Try again in 4 weeks.`,
    );
  if (waba.templates.has(templateKey(name, language)))
    return invalid(
      2_388_024,
      'Content in this language already exists',
      `There is already ${language} content for this template.`,
    );
  const max = waba.portfolio.isVerified ? templatesMax.verified : templatesMax.unverified;
  return waba.templates.size >= max
    ? invalid(2_388_019, 'Message template limit exceeded', `This account has ${max} templates, which is the limit.`)
    : undefined;
}

export function addTemplate({ world }: Meta, waba: Waba, input: TemplateInput): Template {
  const template: Template = {
    id: newId(),
    waba,
    status: 'PENDING',
    quality: 'UNKNOWN',
    rejectedReason: 'NONE',
    edits: [],
    pauses: 0,
    revision: 0,
    sends: 0,
    ...input,
    needs: needsOf(input.components),
  };
  waba.templates.set(templateKey(template.name, template.language), template);
  world.templates.set(template.id, template);
  return template;
}

function remove(meta: Meta, waba: Waba, call: Call): Answer {
  const name = textOf(call.params['name']);
  const one = textOf(call.params['hsm_id']);
  const many = readIds(call.params['hsm_ids']);
  if (many && (many.length > 100 || many.length === 0)) return refuse(100, 'Param hsm_ids takes 1 to 100 ids');
  if (!many && name === undefined) return refuse(100, 'The parameter name is required.');
  const all = [...waba.templates.values()];
  const found = many
    ? all.filter(({ id }) => many.includes(id))
    : all.filter((template) => template.name === name && (one === undefined || template.id === one));
  if (found.length === 0 || (many && found.length < many.length))
    return refuse(100, 'Message template was not found', { subcode: 2_593_002 });
  if (found.some(({ status }) => status === 'DISABLED')) return refuse(100, 'A disabled template cannot be deleted');
  const approved = new Set(found.filter(({ status }) => status === 'APPROVED').map((template) => template.name));
  for (const template of found) {
    template.revision += 1;
    waba.templates.delete(templateKey(template.name, template.language));
    meta.world.templates.delete(template.id);
    changeStatus(meta, template, 'PENDING_DELETION', { reason: 'NONE' });
  }
  for (const { name: left } of waba.templates.values()) approved.delete(left); // another language lives on
  for (const gone of approved) waba.deletedNames.set(gone, now(meta.world) + nameBlockedForMs);
  return ok({ success: true });
}

function readIds(given: unknown): string[] | undefined {
  if (given === undefined) return undefined;
  const list = typeof given === 'string' ? given.split(/[[\],"\s]+/).filter(Boolean) : listOf(given);
  return list?.map(String);
}

/** `GET` and `POST /{template_id}`, and `/unpause`. */
export function oneTemplate(meta: Meta, template: Template, call: Call): Answer {
  if (call.segments[1] === 'unpause') {
    if (template.status !== 'PAUSED')
      return invalid(2_388_039, 'Template is not paused', 'Only a paused template can be unpaused.');
    changeStatus(meta, template, 'APPROVED', { title: 'UNPAUSE' });
    return ok({ success: true });
  }
  return call.method === 'POST'
    ? edit(meta, template, call.params)
    : ok(pick(describe(template), call.query.get('fields'), listFields));
}

function edit(meta: Meta, template: Template, given: Json): Answer {
  const { world } = meta;
  const refusal = (message: string) => invalid(2_388_039, 'Template cannot be edited', message);
  if (!['APPROVED', 'REJECTED', 'PAUSED'].includes(template.status))
    return refusal(`A template that is ${template.status} cannot be edited.`);
  if (template.status === 'APPROVED') {
    const month = countWithin(template.edits, now(world) - 30 * dayMs);
    const last = template.edits.at(-1) ?? 0;
    if (month >= 10 || now(world) - last < dayMs)
      return refusal('An approved template can be edited once a day and ten times in 30 days.');
  }
  const category = given['category'] === undefined ? template.category : capitals(given['category']);
  if (category !== 'MARKETING' && category !== 'UTILITY' && category !== 'AUTHENTICATION')
    return refuse(100, 'Param category is not valid');
  if (category !== template.category && template.status === 'APPROVED')
    return refusal('The category of an approved template cannot be edited.');
  const ttl = readTtl(category, given['message_send_ttl_seconds']);
  if (ttl !== undefined && typeof ttl !== 'number') return ttl;
  if (given['components'] !== undefined) {
    const components = readComponents(world, category, template.parameterFormat, given['components']);
    if (!Array.isArray(components)) return components;
    template.components = components;
    template.needs = needsOf(components);
  }
  template.category = category;
  if (ttl !== undefined) template.ttlSeconds = ttl;
  if (template.status === 'APPROVED') template.edits.push(now(world));
  template.revision += 1;
  template.status = 'PENDING';
  review(meta, template);
  return ok({ success: true });
}

/** `POST /{waba_id}/upsert_message_templates`: one authentication template in several languages. */
export function upsertTemplates(meta: Meta, waba: Waba, call: Call): Answer {
  const asked = listOf(call.params['languages'])?.map(String) ?? [];
  if (asked.length === 0) return refuse(100, 'The parameter languages is required.');
  const data: Json[] = [];
  for (const language of asked) {
    const input = readTemplate(meta.world, { ...call.params, language });
    if ('status' in input) return input;
    if (input.category !== 'AUTHENTICATION') return refuse(100, 'Only authentication templates can be upserted');
    let template = waba.templates.get(templateKey(input.name, language));
    if (template)
      Object.assign(template, {
        ...input,
        needs: needsOf(input.components),
        status: 'PENDING',
        revision: template.revision + 1,
      });
    else template = addTemplate(meta, waba, input);
    review(meta, template);
    data.push({ id: template.id, status: template.status, language });
  }
  return ok({ data });
}
