import { isObject, type Json, listOf, textOf } from '../json.ts';
import { type Answer, type Call, ok } from './call.ts';
import { refuse, titleOf, unknownNode, webhookError } from './errors.ts';
import { digitsOfBsuid, toDigits } from './identity.ts';
import type { App, PhoneNumber, Waba, World } from './world.ts';
import { isWindowOpen, now } from './world.ts';

/** Only the fields that were asked for; without a list those that a node always tells. */
export function pick(all: Json, asked: unknown, byDefault: string[]): Json {
  const names = typeof asked === 'string' && asked !== '' ? splitFields(asked) : byDefault;
  const known = [...new Set(['id', ...names])].filter((name) => all[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, all[name]]));
}

/** `a,b{c,d},e.limit(5)` asks for a, b and e. */
function splitFields(text: string): string[] {
  return text
    .replaceAll(/\{[^}]*\}|\([^)]*\)/g, '')
    .split(',')
    .map((name) => name.trim().split('.')[0] ?? '');
}

/** A number as the API tells it (reference: whatsapp-cloud-api, section 9). */
export function describeNumber(world: World, number: PhoneNumber): Json {
  return {
    id: number.id,
    display_phone_number: number.display,
    verified_name: number.verifiedName,
    quality_rating: number.quality,
    code_verification_status: number.isVerified ? 'VERIFIED' : 'NOT_VERIFIED',
    name_status: number.nameStatus,
    status: number.status,
    account_mode: number.allowed ? 'SANDBOX' : 'LIVE',
    platform_type: number.isRegistered ? 'CLOUD_API' : 'NOT_APPLICABLE',
    throughput: { level: number.isRegistered ? (number.level === 'HIGH' ? 'HIGH' : 'STANDARD') : 'NOT_APPLICABLE' },
    is_official_business_account: false,
    is_on_biz_app: number.level === 'COEXISTENCE',
    last_onboarded_time: new Date(number.onboardedAt).toISOString().replace(/\.\d+Z$/, '+0000'),
    webhook_configuration: {
      ...(number.override ? { phone_number: number.override.url } : {}),
      ...(number.waba.override ? { whatsapp_business_account: number.waba.override.url } : {}),
      ...(world.app.callback ? { application: world.app.callback.url } : {}),
    },
    whatsapp_business_manager_messaging_limit: number.waba.portfolio.tier,
    health_status: health(world, number.waba, number),
  };
}

export const numberFields = ['display_phone_number', 'verified_name', 'quality_rating'];

export function describeWaba(world: World, waba: Waba): Json {
  return {
    id: waba.id,
    name: waba.name,
    currency: 'USD',
    timezone_id: '1',
    message_template_namespace: `ns_${waba.id}`,
    account_review_status: waba.reviewStatus,
    business_verification_status: waba.portfolio.isVerified ? 'verified' : 'not_verified',
    country: 'BR',
    ownership_type: 'CLIENT_OWNED',
    owner_business_info: { id: waba.portfolio.id, name: waba.portfolio.name },
    primary_business_location: 'BR',
    health_status: health(world, waba),
    whatsapp_business_manager_messaging_limit: waba.portfolio.tier,
    marketing_messages_onboarding_status: 'ELIGIBLE',
  };
}

export const wabaFields = ['name', 'currency', 'timezone_id', 'message_template_namespace'];

function health(world: World, waba: Waba, number?: PhoneNumber): Json {
  const entity = (type: string, id: string, code: number | undefined) => ({
    entity_type: type,
    id,
    can_send_message: code === undefined ? 'AVAILABLE' : 'BLOCKED',
    ...(code === undefined
      ? {}
      : { errors: [{ error_code: code, error_description: titleOf(code), possible_solution: 'See the error code.' }] }),
  });
  const entities = [
    ...(number ? [entity('PHONE_NUMBER', number.id, number.isRegistered ? undefined : 133010)] : []),
    entity('WABA', waba.id, waba.isLocked ? 131031 : waba.hasPayment ? undefined : 131042),
    entity('BUSINESS', waba.portfolio.id, waba.blockedUntil > now(world) ? 368 : undefined),
    entity('APP', world.app.id, undefined),
  ];
  const isBlocked = entities.some((found) => found.can_send_message === 'BLOCKED');
  return { can_send_message: isBlocked ? 'BLOCKED' : 'AVAILABLE', entities };
}

export function describeApp(app: App): Json {
  return { id: app.id, name: app.name, link: 'https://app.example/' };
}

/** A page of a list, as every edge of the Graph API pages: opaque cursors, no `next` at the end. */
export function page<T>(
  world: World,
  call: Call,
  list: T[],
  idOf: (item: T) => string,
  render: (item: T) => unknown,
): Answer {
  const limit = Math.min(Math.max(Math.trunc(Number(call.query.get('limit') ?? 25)) || 25, 1), 1_000);
  const start = startOf(list, idOf, call.query.get('after'));
  if (start === undefined) return refuse(131059, 'The cursor is not valid any more: start again without it');
  const items = list.slice(start, start + limit);
  const [first, last] = [items[0], items.at(-1)];
  const after = last === undefined ? undefined : cursorOf(idOf(last));
  const next = new URL(`${world.url}/v25.0/${call.segments.join('/')}`);
  for (const [name, value] of call.query) if (name !== 'access_token') next.searchParams.set(name, value);
  if (after !== undefined) next.searchParams.set('after', after);
  return ok({
    data: items.map(render),
    ...(first === undefined
      ? {}
      : {
          paging: {
            cursors: { before: cursorOf(idOf(first)), after },
            ...(start + limit < list.length ? { next: next.href } : {}),
          },
        }),
  });
}

function cursorOf(id: string): string {
  return Buffer.from(`c:${id}`).toString('base64url');
}

function startOf<T>(list: T[], idOf: (item: T) => string, cursor: string | null): number | undefined {
  if (cursor === null || cursor === '') return 0;
  const id = Buffer.from(cursor, 'base64url').toString();
  const at = list.findIndex((item) => `c:${idOf(item)}` === id);
  return at < 0 ? undefined : at + 1;
}

const profileMax: Record<string, number> = { about: 139, address: 256, description: 256, email: 128 };

/** `/{pnid}/whatsapp_business_profile`. */
export function businessProfile(number: PhoneNumber, call: Call): Answer {
  if (call.method === 'GET')
    return ok({
      data: [{ ...pick(number.profile, call.query.get('fields'), ['about']), messaging_product: 'whatsapp' }],
    });
  if (call.params['messaging_product'] !== 'whatsapp')
    return refuse(100, 'The parameter messaging_product is required.');
  for (const [name, value] of Object.entries(call.params)) {
    const max = profileMax[name];
    if (max !== undefined && (typeof value !== 'string' || value.length > max))
      return refuse(100, `Param ${name} must be a string of at most ${max} characters`);
    if (max !== undefined || name === 'websites' || name === 'vertical') number.profile[name] = value;
  }
  return ok({ success: true });
}

/** `/{pnid}/block_users`: only who wrote within a day can be blocked. */
export function blockUsers(world: World, number: PhoneNumber, call: Call): Answer {
  if (call.method === 'GET') {
    const list = [...number.blocked];
    return page(world, call, list, String, (digits) => ({ messaging_product: 'whatsapp', wa_id: digits }));
  }
  const isBlock = call.method === 'POST';
  const done: Json[] = [];
  const failed: Json[] = [];
  for (const entry of (listOf(call.params['block_users']) ?? []).filter(isObject)) {
    const input = textOf(entry['user']) ?? textOf(entry['user_id']) ?? '';
    const digits = digitsOfBsuid(input, number.waba.portfolio.id) ?? toDigits(input, number.digits);
    if (digits === undefined || (isBlock && !isWindowOpen(world, number, digits))) {
      failed.push({ input, errors: [webhookError(131047)] });
      continue;
    }
    if (isBlock) number.blocked.add(digits);
    else number.blocked.delete(digits);
    done.push({ input, wa_id: digits });
  }
  const answer = {
    messaging_product: 'whatsapp',
    block_users: {
      [isBlock ? 'added_users' : 'removed_users']: done,
      ...(failed.length > 0 ? { failed_users: failed } : {}),
    },
  };
  if (failed.length === 0) return ok(answer);
  const { error } = JSON.parse(refuse(139100, 'Some users could not be blocked').body) as { error: unknown };
  return { status: 400, body: JSON.stringify({ ...answer, error }) };
}

export function noSuchEdge(call: Call): Answer {
  return unknownNode(call.method, call.segments[0] ?? '');
}
