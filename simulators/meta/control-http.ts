import { isObject, type Json, textOf } from '../json.ts';
import type { From, MetaControl } from './control.ts';
import type { Token } from './world.ts';

/** `POST /__control/meta/…`: the control of Meta over HTTP; says undefined for what is not there. */
export function controlMeta(control: MetaControl, path: string[], body: Json): unknown {
  const [subject, id = ''] = path;
  const number = textOf(body['phoneNumberId']) ?? control.credentials.phoneNumberId;
  switch (subject) {
    case 'numbers':
      if (id === '') return control.createNumber(body);
      control.changeNumber(id, body);
      return { success: true };
    case 'accounts':
      control.changeAccount(id, body);
      return { success: true };
    case 'codes':
      return {
        code: control.createCode(
          textOf(body['wabaId']) ?? control.credentials.wabaId,
          typeof body['ttlMs'] === 'number' ? body['ttlMs'] : undefined,
        ),
      };
    case 'tokens':
      return changeTokens(control, body);
    case 'templates':
      if (id === '')
        return control.createTemplate(textOf(body['wabaId']) ?? control.credentials.wabaId, templateOf(body));
      control.changeTemplate(id, body);
      return control.template(id) ?? { success: true };
    case 'inbound':
      return control.inbound(number, fromOf(body), body);
    case 'preferences':
      control.preference(number, fromOf(body), body['value'] === 'resume' ? 'resume' : 'stop');
      return { success: true };
    case 'events':
      control.event(body as Parameters<MetaControl['event']>[0]);
      return { success: true };
    default:
      return undefined;
  }
}

function templateOf({ wabaId: _wabaId, ...template }: Json): Json {
  return template;
}

function fromOf(body: Json): From {
  const from = body['from'];
  if (typeof from === 'string') return { phone: from };
  if (isObject(from) && textOf(from['phone']) !== undefined) return from as From;
  throw new TypeError('`from` is a phone number, or { phone, name?, username?, isPhoneHidden? }.');
}

/** Ends a token, or makes one. */
function changeTokens(control: MetaControl, body: Json): unknown {
  const accessToken = textOf(body['accessToken']);
  if (accessToken !== undefined) {
    control.changeToken(accessToken, (textOf(body['state']) ?? 'expired') as Token['state']);
    return { success: true };
  }
  const wabaIds = Array.isArray(body['wabaIds']) ? body['wabaIds'].map(String) : [control.credentials.wabaId];
  const scopes = Array.isArray(body['scopes']) ? { scopes: body['scopes'].map(String) } : {};
  return { accessToken: control.createToken({ wabaIds, ...scopes }) };
}
