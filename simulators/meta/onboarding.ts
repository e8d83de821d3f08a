import { randomUUID } from 'node:crypto';
import { isObject, textOf } from '../json.ts';
import { tokenProblem } from './auth.ts';
import { type Answer, type Call, ok } from './call.ts';
import { refuse, refuseGraph } from './errors.ts';
import type { Meta } from './meta.ts';
import { addToken, type Callback, countWithin, dayMs, now, type PhoneNumber, type Waba, type World } from './world.ts';

/** `GET /oauth/access_token`: a code, once and within 30 seconds, for a business token (reference: whatsapp-cloud-api, section 1.3). */
export function exchangeCode(world: World, call: Call): Answer {
  const { app } = world;
  if (call.params['client_id'] !== app.id)
    return refuseGraph(101, 'Error validating application. Invalid application ID.');
  if (call.params['client_secret'] !== app.secret) return refuseGraph(1, 'Error validating client secret.');
  const given = textOf(call.params['code']);
  const code = given === undefined ? undefined : world.codes.get(given);
  if (!code) return refuseGraph(100, 'Invalid verification code format.', { subcode: 36_008 });
  if (code.isUsed) return refuseGraph(100, 'This authorization code has been used.', { subcode: 36_009 });
  if (code.expiresAt <= now(world))
    return refuseGraph(100, 'This authorization code has expired.', { subcode: 36_007 });
  code.isUsed = true;
  const token = addToken(world, { wabas: new Set([code.wabaId]) });
  const expires = token.expiresAt > 0 ? { expires_in: Math.round((token.expiresAt - now(world)) / 1_000) } : {};
  return ok({ access_token: token.value, token_type: 'bearer', ...expires });
}

/** `GET /debug_token`: what a token is worth. */
export function debugToken(world: World, call: Call): Answer {
  const token = world.tokens.get(textOf(call.params['input_token']) ?? '');
  if (!token)
    return ok({
      data: {
        error: { code: 190, message: 'Invalid OAuth access token - Cannot parse access token', subcode: 0 },
        is_valid: false,
        scopes: [],
      },
    });
  const problem = tokenProblem(world, token);
  const targets = [...token.wabas];
  return ok({
    data: {
      app_id: world.app.id,
      type: token.kind,
      application: world.app.name,
      data_access_expires_at: 0,
      ...(problem ? { error: { code: 190, ...problem } } : {}),
      expires_at: Math.floor(token.expiresAt / 1_000),
      is_valid: problem === undefined,
      issued_at: Math.floor(token.issuedAt / 1_000),
      scopes: token.scopes,
      granular_scopes: token.scopes
        .filter((scope) => scope.startsWith('whatsapp'))
        .map((scope) => ({ scope, target_ids: targets })),
      user_id: '122100000000000001',
    },
  });
}

/** `/{waba_id}/subscribed_apps`: without it an account has no webhooks. */
export async function subscribedApps(meta: Meta, waba: Waba, call: Call): Promise<Answer> {
  const { app } = meta.world;
  if (call.method === 'DELETE') {
    waba.isSubscribed = false;
    delete waba.override;
    return ok({ success: true });
  }
  if (call.method === 'POST') {
    const override = await readOverride(meta, call.params);
    if (override && 'status' in override) return override;
    waba.isSubscribed = true;
    if (override) waba.override = override;
    else delete waba.override;
    return ok({ success: true });
  }
  const entry = {
    whatsapp_business_api_data: { id: app.id, name: app.name, link: 'https://app.example/' },
    ...(waba.override ? { override_callback_uri: waba.override.url } : {}),
  };
  return ok({ data: waba.isSubscribed ? [entry] : [] });
}

async function readOverride(meta: Meta, given: Record<string, unknown>): Promise<Callback | Answer | undefined> {
  const url = textOf(given['override_callback_uri']);
  if (url === undefined) return undefined;
  if (url.length > 200 || !URL.canParse(url))
    return refuse(100, 'override_callback_uri is not a URL of at most 200 characters');
  const callback = { url, verifyToken: textOf(given['verify_token']) ?? '' };
  return (await meta.webhooks.verify(callback)) ? callback : verificationFailed();
}

function verificationFailed(): Answer {
  return refuseGraph(2200, '(#2200) Callback verification failed: the callback did not give the challenge back');
}

/** `/{app_id}/subscriptions`, with the app's own token. */
export async function subscriptions(meta: Meta, call: Call): Promise<Answer> {
  const { app } = meta.world;
  if (call.method === 'GET')
    return ok({
      data: app.callback
        ? [
            {
              object: 'whatsapp_business_account',
              callback_url: app.callback.url,
              active: true,
              fields: [...app.fields].map((name) => ({ name, version: `v${meta.world.settings.webhooks.version}.0` })),
            },
          ]
        : [],
    });
  if (call.method === 'DELETE') {
    delete app.callback;
    return ok({ success: true });
  }
  if (call.params['object'] !== 'whatsapp_business_account')
    return refuse(100, 'Param object must be whatsapp_business_account');
  const url = textOf(call.params['callback_url']);
  if (url === undefined || !URL.canParse(url)) return refuse(100, 'Param callback_url must be a URL');
  const callback = { url, verifyToken: textOf(call.params['verify_token']) ?? '' };
  if (!(await meta.webhooks.verify(callback))) return verificationFailed();
  app.callback = callback;
  const fields = call.params['fields'];
  app.fields = new Set(
    Array.isArray(fields) ? fields.map(String) : (textOf(fields) ?? '').split(/[\s,]+/).filter(Boolean),
  );
  return ok({ success: true });
}

const registrationsMax = 10;
const registrationsWithinMs = 3 * dayMs;

/** `POST /{pnid}/register`: sets the PIN, or must give the one that is set. */
export function register(world: World, number: PhoneNumber, call: Call): Answer {
  if (call.params['messaging_product'] !== 'whatsapp')
    return refuse(100, 'The parameter messaging_product is required.');
  const pin = call.params['pin'];
  if (typeof pin !== 'string' || !/^\d{6}$/.test(pin)) return refuse(100, 'Param pin must be a string of six digits');
  if (countWithin(number.registrations, now(world) - registrationsWithinMs) >= registrationsMax)
    return refuse(
      133016,
      'Registration or deregistration failed because there were too many attempts for this phone number in a short period of time',
    );
  number.registrations.push(now(world));
  if (number.level === 'COEXISTENCE')
    return refuse(100, 'A number that is on the WhatsApp Business app cannot be registered');
  if (!number.isVerified) return refuse(133006, 'Phone number needs to be verified before registering');
  if (number.pin !== undefined && number.pin !== pin) return refuse(133005, 'Two-step verification PIN was incorrect');
  number.pin = pin;
  number.isRegistered = true;
  number.status = 'CONNECTED';
  return ok({ success: true });
}

export function deregister(world: World, number: PhoneNumber): Answer {
  if (countWithin(number.registrations, now(world) - registrationsWithinMs) >= registrationsMax)
    return refuse(133016, 'Too many attempts for this phone number in a short period of time');
  number.registrations.push(now(world));
  if (!number.isRegistered) return refuse(133010, 'The account is not registered');
  number.isRegistered = false;
  number.status = 'DISCONNECTED';
  return ok({ success: true });
}

/** `POST /{pnid}/request_code` and `verify_code`: the code is always 123456. */
export function verifyOwnership(number: PhoneNumber, call: Call): Answer {
  if (call.segments[1] === 'request_code') {
    const method = call.params['code_method'];
    return method === 'SMS' || method === 'VOICE'
      ? ok({ success: true })
      : refuse(100, 'Param code_method must be one of {SMS, VOICE}');
  }
  if (call.params['code'] !== '123456') return refuse(135000, 'The verification code is not the one that was sent');
  number.isVerified = true;
  return ok({ success: true });
}

/** `POST /{pnid}`: another PIN, or a callback of its own. */
export async function updateNumber(meta: Meta, number: PhoneNumber, call: Call): Promise<Answer> {
  const { pin, webhook_configuration: webhook } = call.params as { pin?: unknown; webhook_configuration?: unknown };
  if (pin !== undefined) {
    if (typeof pin !== 'string' || !/^\d{6}$/.test(pin)) return refuse(100, 'Param pin must be a string of six digits');
    number.pin = pin;
  }
  if (isObject(webhook)) {
    const override = await readOverride(meta, webhook);
    if (override && 'status' in override) return override;
    if (override) number.override = override;
    else delete number.override;
  }
  return ok({ success: true });
}

/** `POST /{pnid}/smb_app_data`: the history and contacts of a coexistence number, each once and within a day. */
export function syncApp(world: World, number: PhoneNumber, call: Call): Answer {
  const type = call.params['sync_type'];
  if (number.level !== 'COEXISTENCE') return refuse(100, 'The number is not on the WhatsApp Business app');
  if (type !== 'smb_app_state_sync' && type !== 'history')
    return refuse(100, 'Param sync_type must be one of {smb_app_state_sync, history}');
  if (now(world) - number.onboardedAt > dayMs) return refuse(2593108, 'Synchronize within 24 hours of onboarding');
  if (number.synced.has(type)) return refuse(2593107, 'This was synchronized before');
  number.synced.add(type);
  return ok({ messaging_product: 'whatsapp', request_id: randomUUID() });
}
