import { textOf } from '../json.ts';
import { drawSpread } from '../random.ts';
import { authenticate, type Caller, mayTouch } from './auth.ts';
import { recordRefusal } from './books.ts';
import { type Answer, type Call, type Exchange, ok } from './call.ts';
import { refuse, refuseGraph, unknownNode } from './errors.ts';
import {
  blockUsers,
  businessProfile,
  describeApp,
  describeNumber,
  describeWaba,
  numberFields,
  page,
  pick,
  wabaFields,
} from './info.ts';
import { takeManagement } from './limits.ts';
import { continueUpload, describeMedia, downloadMedia, openUpload, uploadMedia } from './media.ts';
import { endByFault, send } from './messages.ts';
import type { Meta } from './meta.ts';
import {
  debugToken,
  deregister,
  exchangeCode,
  register,
  subscribedApps,
  subscriptions,
  syncApp,
  updateNumber,
  verifyOwnership,
} from './onboarding.ts';
import type { Fault } from './settings.ts';
import { messageTemplates, oneTemplate, upsertTemplates } from './templates.ts';
import type { PhoneNumber, Waba, World } from './world.ts';

/** Answers one call of the Graph API. */
export function route(meta: Meta, call: Call, body: unknown, exchange: Exchange): void {
  const { world } = meta;
  world.books.requests += 1;
  const [node = '', edge] = call.segments;
  const isSend = call.method === 'POST' && (edge === 'messages' || edge === 'marketing_messages');
  if (isSend) {
    const number = world.numbers.get(node);
    const caller = authenticate(world, call);
    const refusal =
      'status' in caller
        ? caller
        : number
          ? mayTouch(caller, number.waba, 'whatsapp_business_messaging', call)
          : unknownNode(call.method, node);
    if (refusal || !number) return finish(world, exchange, refusal ?? unknownNode(call.method, node));
    return send(meta, number, edge, body, takeFault(world, node, edge), exchange);
  }
  const fault = takeFault(world, node, edge ?? node);
  if (fault) return endByFault(meta, fault, exchange);
  const answer = answerOf(meta, call);
  if (!(answer instanceof Promise)) return finish(world, exchange, answer);
  answer.then(
    (found) => finish(world, exchange, found),
    (error: unknown) => stumble(meta, exchange, error),
  );
}

/** A mistake of the simulator's own: said aloud, and to the caller what Meta says when it does not know. */
export function stumble({ world }: Meta, exchange: Exchange, error: unknown): void {
  world.log(
    `The simulator of Meta made a mistake: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  finish(world, exchange, refuse(1, 'The simulator made a mistake; its log says which.'));
}

function finish(world: World, exchange: Exchange, answer: Answer): void {
  if ('code' in answer) recordRefusal(world.books, Number(answer.code));
  const latency = drawSpread(world.settings.latency, world.random);
  if (latency > 0) setTimeout(() => exchange.reply(answer), latency);
  else exchange.reply(answer);
}

/** The next thing that is to go wrong, if it is meant for this request. */
function takeFault(world: World, node: string, edge: string): Fault | undefined {
  const { next } = world.settings.faults;
  if (next.length === 0) return undefined;
  const at = next.findIndex(
    (fault) =>
      (fault.node === undefined || fault.node === node) && ((fault.edge ?? 'messages') === edge || fault.edge === '*'),
  );
  const fault = next[at];
  if (!fault) return undefined;
  const left = (fault.times ?? 1) - 1;
  if (left > 0) next[at] = { ...fault, times: left };
  else next.splice(at, 1);
  return fault;
}

function answerOf(meta: Meta, call: Call): Answer | Promise<Answer> {
  const { world } = meta;
  const [node = '', edge] = call.segments;
  if (node === 'oauth' && edge === 'access_token') return exchangeCode(world, call);
  const caller = authenticate(world, call);
  if ('status' in caller) return caller;
  if (node === 'debug_token') return debugToken(world, call);
  if (node === 'whatsapp_business') return downloadMedia(world, call);
  if (node === world.app.id) return answerApp(meta, call, caller);
  const upload = world.uploads.get(node);
  if (upload) return continueUpload(world, upload, call);
  const number = world.numbers.get(node);
  if (number) return mayTouch(caller, number.waba, scopeOf(edge), call) ?? answerNumber(meta, number, call);
  const waba = world.wabas.get(node);
  if (waba)
    return (
      mayTouch(caller, waba, 'whatsapp_business_management', call) ??
      counted(meta, waba, () => answerWaba(meta, waba, call))
    );
  const template = world.templates.get(node);
  if (template) {
    const refusal = mayTouch(caller, template.waba, 'whatsapp_business_management', call);
    return refusal ?? counted(meta, template.waba, () => oneTemplate(meta, template, call));
  }
  const media = world.media.get(node);
  if (media) {
    const refusal = mayTouch(caller, media.number.waba, 'whatsapp_business_messaging', call);
    if (refusal) return refusal;
    if (call.method !== 'DELETE')
      return describeMedia(world, media, textOf(call.query.get('phone_number_id') ?? undefined));
    world.media.delete(node);
    return ok({ success: true });
  }
  const portfolio = world.portfolios.get(node);
  if (
    portfolio &&
    caller.kind === 'token' &&
    [...caller.token.wabas].some((id) => world.wabas.get(id)?.portfolio === portfolio)
  )
    return ok({ id: portfolio.id, name: portfolio.name });
  return unknownNode(call.method, node);
}

function scopeOf(edge: string | undefined): 'whatsapp_business_messaging' | 'whatsapp_business_management' {
  return edge === 'media' || edge === 'block_users' ? 'whatsapp_business_messaging' : 'whatsapp_business_management';
}

/** Management calls are counted by account, and say how much is left. */
async function counted(meta: Meta, waba: Waba, answer: () => Answer | Promise<Answer>): Promise<Answer> {
  const { refusal, headers } = takeManagement(meta.world, waba);
  const found: Answer = refusal ?? (await answer());
  return { ...found, headers: { ...found.headers, ...headers } };
}

function answerApp(meta: Meta, call: Call, caller: Caller): Answer | Promise<Answer> {
  const edge = call.segments[1];
  if (edge === 'uploads') return openUpload(meta.world, call);
  if (edge === undefined && call.method === 'GET') return ok(describeApp(meta.world.app));
  if (edge === 'subscriptions')
    return caller.kind === 'app'
      ? subscriptions(meta, call)
      : refuseGraph(15, '(#15) This method must be called with an app access_token.', { status: 400 });
  return unknownNode(call.method, call.segments[0] ?? '');
}

function answerWaba(meta: Meta, waba: Waba, call: Call): Answer | Promise<Answer> {
  const { world } = meta;
  switch (call.segments[1]) {
    case undefined:
      return ok(pick(describeWaba(world, waba), call.query.get('fields'), wabaFields));
    case 'subscribed_apps':
      return subscribedApps(meta, waba, call);
    case 'phone_numbers':
      return page(
        world,
        call,
        waba.numbers,
        ({ id }) => id,
        (number) =>
          pick(describeNumber(world, number), call.query.get('fields'), [
            ...numberFields,
            'code_verification_status',
            'platform_type',
            'throughput',
          ]),
      );
    case 'message_templates':
      return messageTemplates(meta, waba, call);
    case 'upsert_message_templates':
      return call.method === 'POST' ? upsertTemplates(meta, waba, call) : unknownNode(call.method, waba.id);
    default:
      return unknownNode(call.method, waba.id);
  }
}

function answerNumber(meta: Meta, number: PhoneNumber, call: Call): Answer | Promise<Answer> {
  const { world } = meta;
  const edge = call.segments[1];
  if (edge === undefined)
    return call.method === 'GET'
      ? ok(pick(describeNumber(world, number), call.query.get('fields'), numberFields))
      : updateNumber(meta, number, call);
  if (edge === 'whatsapp_business_profile') return businessProfile(number, call);
  if (edge === 'block_users') return blockUsers(world, number, call);
  if (call.method !== 'POST') return unknownNode(call.method, number.id);
  switch (edge) {
    case 'register':
      return register(world, number, call);
    case 'deregister':
      return deregister(world, number);
    case 'request_code':
    case 'verify_code':
      return verifyOwnership(number, call);
    case 'media':
      return uploadMedia(world, number, call);
    case 'smb_app_data':
      return syncApp(world, number, call);
    case 'settings':
      return ok({ success: true });
    default:
      return refuse(100, `Unknown path components: /${edge}`, { subcode: 33 });
  }
}
