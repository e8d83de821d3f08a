import { createRandom, drawSpread, hash, drawRange, type Random } from '../random.ts';
import { isObject, type Json, textOf } from '../json.ts';
import { indexOfWamid, inboundBase, type Message, recordMessage, recordRefusal, wamidOf } from './books.ts';
import { type Answer, type Exchange, ok } from './call.ts';
import { type Content, readContent } from './content.ts';
import { refuse, type Refusal } from './errors.ts';
import { type Ending, endingOf, magicOf, planStatuses, type Step } from './outcomes.ts';
import { bsuidOf, digitsOfBsuid, toDigits } from './identity.ts';
import { replyStop } from './inbound.ts';
import { takePair, takePortfolio, takeThroughput } from './limits.ts';
import { pausePaced } from './review.ts';
import type { Fault } from './settings.ts';
import { scheduleStatuses } from './statuses.ts';
import { readTemplateSend, type TemplateSend } from './template-send.ts';
import type { Meta } from './meta.ts';
import { hourMs, isWindowOpen, now, type PhoneNumber, type User, userOf, type World } from './world.ts';

/** Who a send is for, and how the answer names them. */
type Recipient = { user: User; input: string; isByBsuid: boolean };
type Accepted = {
  message: Message;
  content: Content;
  template: TemplateSend | undefined;
  recipient: Recipient;
  isHeld: boolean;
  isInPortfolio: boolean;
};

const opaqueMax = 512;

/** `POST /{pnid}/messages`: checked as Meta checks it, accepted or refused, and ended as the settings, the faults and the recipient want it. */
export function send(
  meta: Meta,
  number: PhoneNumber,
  edge: 'messages' | 'marketing_messages',
  body: unknown,
  fault: Fault | undefined,
  exchange: Exchange,
): void {
  const { world } = meta;
  if (!isObject(body)) return end(meta, exchange, refuse(100, 'The request body is not valid JSON'));
  if (body['status'] !== undefined) return end(meta, exchange, markRead(world, number, body));
  if (fault && fault.accept !== true) return endByFault(meta, fault, exchange);
  const refusal = checkNumber(world, number) ?? takeThroughput(world, number);
  if (refusal) return end(meta, exchange, refusal);

  const recipient = readRecipient(world, number, body);
  if ('status' in recipient) return end(meta, exchange, recipient);
  const { user } = recipient;
  const random = createRandom(hash(world.seed, `${user.digits}:${user.tried}:${user.received}`));
  user.tried += 1;
  const ending: Ending = fault ? { kind: fault.kind, isAccepted: true } : endingOf(world, user.digits, random);
  if (!ending.isAccepted) return endOtherwise(meta, ending, exchange);

  const accepted = accept(world, number, edge, body, recipient);
  if ('status' in accepted) return end(meta, exchange, accepted);
  const { message } = accepted;
  const told = follow(meta, accepted, random, ending);
  if (ending.kind !== 'answer') {
    if (ending.kind === 'error' && fault) return endByFault(meta, fault, exchange);
    return endOtherwise(meta, ending, exchange);
  }
  const answer = ok(answerOf(world, accepted));
  const latency = drawSpread(world.settings.latency, random);
  const reply = () => {
    if (!exchange.isOpen()) return;
    message.isAnswered = true;
    exchange.reply(answer);
  };
  if (told) void told.then(reply);
  else if (latency > 0) setTimeout(reply, latency);
  else reply();
}

function end(meta: Meta, exchange: Exchange, answer: Answer | Refusal): void {
  if ('code' in answer) recordRefusal(meta.world.books, answer.code);
  const latency = drawSpread(meta.world.settings.latency, meta.world.random);
  if (latency > 0) setTimeout(() => exchange.reply(answer), latency);
  else exchange.reply(answer);
}

/** The ends that leave the sender in the dark. */
function endOtherwise(meta: Meta, ending: Ending, exchange: Exchange): void {
  if (ending.kind === 'hang') setTimeout(() => exchange.cut(), meta.world.settings.faults.hangMs).unref();
  else if (ending.kind === 'reset') exchange.cut();
  else if (ending.kind === 'garbage') exchange.reply({ status: 200, body: '<html>' });
  else end(meta, exchange, refuse(131000, 'Message failed to send due to an unknown error.', { isTransient: true }));
}

export function endByFault(meta: Meta, fault: Fault, exchange: Exchange): void {
  if (fault.kind !== 'error') return endOtherwise(meta, { kind: fault.kind, isAccepted: false }, exchange);
  const extra = fault.subcode === undefined ? {} : { subcode: fault.subcode };
  end(meta, exchange, refuse(fault.code ?? 131000, fault.details ?? 'Forced by the control of the simulator.', extra));
}

/** What of the number and its account stands in the way of any send. */
function checkNumber(world: World, number: PhoneNumber): Refusal | undefined {
  const { waba } = number;
  if (!number.isRegistered) return refuse(133010, 'The account is not registered with the WhatsApp Business Platform');
  if (number.maintenanceUntil > now(world)) return refuse(131057, 'Business Account is in maintenance mode');
  if (waba.isLocked || number.status === 'BANNED') return refuse(131031, 'Business Account has been locked');
  if (number.status === 'RESTRICTED')
    return refuse(368, 'The account has been temporarily blocked for policy violations');
  if (number.status !== 'CONNECTED' && number.status !== 'FLAGGED')
    return refuse(131045, 'The phone number is not connected');
  if (number.digits.startsWith('1555') && number.nameStatus !== 'APPROVED')
    return refuse(131037, 'The display name of this number needs approval before messages can be sent.');
  return undefined;
}

function readRecipient(world: World, number: PhoneNumber, body: Json): Recipient | Refusal {
  if (body['messaging_product'] !== 'whatsapp')
    return body['messaging_product'] === undefined
      ? refuse(100, 'The parameter messaging_product is required.')
      : refuse(100, 'Param messaging_product must be one of {whatsapp}');
  if (body['recipient_type'] !== undefined && body['recipient_type'] !== 'individual')
    return refuse(100, 'Param recipient_type must be one of {individual}; groups are not enabled');
  const { to, recipient } = body as { to?: unknown; recipient?: unknown };
  if (to !== undefined) {
    if (typeof to !== 'string' && typeof to !== 'number') return refuse(100, "Param 'to' must be a string");
    const digits = toDigits(String(to), number.digits);
    if (digits === undefined) return refuse(100, 'The parameter to is not a valid phone number');
    if (digits === number.digits) return refuse(131021, 'Sender and recipient phone number are the same');
    if (number.allowed && !number.allowed.has(digits))
      return refuse(131030, 'Recipient phone number not in allowed list: add it to the recipients of the test number');
    return { user: userOf(world, digits), input: String(to), isByBsuid: false };
  }
  const bsuid = textOf(recipient);
  if (bsuid === undefined) return refuse(100, 'The parameter to is required.');
  const digits = digitsOfBsuid(bsuid, number.waba.portfolio.id);
  if (digits === undefined) return refuse(131009, 'Parameter recipient is not a user id of this business portfolio');
  return { user: userOf(world, digits), input: bsuid, isByBsuid: true };
}

function accept(
  world: World,
  number: PhoneNumber,
  edge: 'messages' | 'marketing_messages',
  body: Json,
  recipient: Recipient,
): Accepted | Refusal {
  const type = body['type'] === undefined ? 'text' : body['type'];
  if (typeof type !== 'string') return refuse(100, "Param 'type' must be a string");
  const opaque = body['biz_opaque_callback_data'];
  if (opaque !== undefined && (typeof opaque !== 'string' || opaque.length > opaqueMax))
    return refuse(100, `Param biz_opaque_callback_data must be a string of at most ${opaqueMax} characters`);
  const context = body['context'];
  if (context !== undefined && !(isObject(context) && textOf(context['message_id'])))
    return refuse(131009, 'Parameter context.message_id is not valid');

  let template: TemplateSend | undefined;
  let content: Content = { hasDeadLink: false, targetIsUnknown: false };
  if (type === 'template') {
    const found = isObject(body['template'])
      ? readTemplateSend(world, number, body['template'])
      : refuse(131008, "Parameter 'template' is missing");
    if ('status' in found) return found;
    const refusal = checkTemplateUse(world, number, edge, found, recipient);
    if (refusal) return refusal;
    template = found;
    content = { text: found.text, hasDeadLink: found.hasDeadLink, targetIsUnknown: false };
  } else {
    if (edge === 'marketing_messages') return refuse(131055, 'Only template messages can be sent here');
    const found = readContent(world, number, type, body);
    if ('status' in found) return found;
    content = found;
  }
  const { user } = recipient;
  const pair = takePair(world, number, user.digits);
  if (pair) return pair;
  const isInPortfolio = type !== 'template' || takePortfolio(world, number, user.digits);
  if (!isInPortfolio && world.settings.limits.portfolio === 'sync')
    return refuse(130429, 'The messaging limit of the business portfolio was reached');

  const { pacing } = world.settings.templates;
  const isMarketing = template?.template.category === 'MARKETING';
  const isHeld = pacing.enabled && isMarketing && (template?.template.sends ?? 0) >= pacing.after;
  if (template) template.template.sends += 1;
  const message: Message = {
    index: world.books.messages.length,
    number,
    user,
    type,
    category: template ? (template.template.category.toLowerCase() as Message['category']) : 'service',
    template: template?.template.name,
    opaque,
    acceptedAt: now(world),
    isAnswered: false,
    reached: 'accepted',
    told: 0,
    errorCode: undefined,
    inWindow: isWindowOpen(world, number, user.digits),
    inFreeEntry: false,
    previous: undefined,
  };
  return { message, content, template, recipient, isHeld, isInPortfolio };
}

function checkTemplateUse(
  world: World,
  number: PhoneNumber,
  edge: 'messages' | 'marketing_messages',
  { template }: TemplateSend,
  { isByBsuid }: Recipient,
): Refusal | undefined {
  const { waba } = number;
  if (isByBsuid && template.needs.isOtp)
    return refuse(131062, 'One-tap, zero-tap and copy-code authentication templates need a phone number');
  if (waba.blockedUntil > now(world)) return refuse(368, 'Business-initiated messages are restricted for this account');
  if (edge === 'marketing_messages')
    return template.category === 'MARKETING' ? undefined : refuse(134100, 'Only marketing templates can be sent here');
  if (waba.isMarketingDisabled && template.category === 'MARKETING')
    return refuse(131063, 'Marketing templates are disabled on Cloud API for this account');
  return undefined;
}

/** What an accepted message sets going. Gives a promise when the sender is to be answered only after the first status was taken. */
function follow(meta: Meta, accepted: Accepted, random: Random, ending: Ending): Promise<void> | undefined {
  const { world } = meta;
  const { message, content, template, isHeld } = accepted;
  const { number, user } = message;
  recordMessage(world.books, message, content.text, world.settings.textsKept);
  user.received += 1;
  openFreeEntry(world, message);

  const steps = planStatuses(world, message, knownFailure(accepted), random);
  let heldMs = 0;
  let plan: Step[] = steps;
  if (isHeld && template) {
    heldMs = drawRange(world.settings.templates.pacing.releaseMs, random);
    if (random() < world.settings.templates.pacing.dropRate) {
      plan = [{ status: 'failed', at: 0, code: 132015 }];
      world.agenda.after(heldMs, () => pausePaced(meta, template.template));
    }
  }
  const { beforeAnswerRate } = world.settings.webhooks;
  const mayBeTold = world.settings.statuses.enabled && ending.kind === 'answer' && beforeAnswerRate > 0 && heldMs === 0;
  const isTold = mayBeTold && random() < beforeAnswerRate;
  const taken = isTold ? Promise.withResolvers<void>() : undefined;
  scheduleStatuses(meta, message, plan, random, heldMs, taken?.resolve);
  if (magicOf(world, user.digits) === '000555' && plan.some(({ status }) => status === 'sent'))
    world.agenda.after(heldMs + (plan.at(-1)?.at ?? 0) + 1, () => replyStop(meta, number, user));
  if (taken) setTimeout(taken.resolve, 5_000).unref(); // a receiver that takes nothing must not hold every answer
  return taken?.promise;
}

function knownFailure({ message, content, isInPortfolio }: Accepted): number | undefined {
  const { number, user } = message;
  if (number.blocked.has(user.digits)) return 130403;
  if (!number.waba.hasPayment && message.category !== 'service') return 131042;
  if (message.type !== 'template' && !message.inWindow) return 131047;
  if (content.hasDeadLink) return 131053;
  if (content.targetIsUnknown) return 131009;
  return isInPortfolio ? undefined : 131048;
}

/** The first answer to someone who came by an ad opens 72 free hours. */
function openFreeEntry(world: World, message: Message): void {
  const at = message.acceptedAt;
  const window = message.number.windows.get(message.user.digits);
  if (!window) return;
  if (window.adUntilReply > at) {
    window.adUntilReply = 0;
    window.freeUntil = at + 72 * hourMs;
  }
  message.inFreeEntry = window.freeUntil > at;
}

function answerOf(world: World, { message, template, recipient, isHeld }: Accepted): unknown {
  const { user, number } = message;
  const contact = recipient.isByBsuid
    ? { input: recipient.input, user_id: bsuidOf(user.digits, number.waba.portfolio.id) }
    : { input: recipient.input, wa_id: user.digits };
  const status = template ? { message_status: isHeld ? 'held_for_quality_assessment' : 'accepted' } : {};
  return {
    messaging_product: 'whatsapp',
    contacts: [contact],
    messages: [{ id: wamidOf(world.books, message.index), ...status }],
  };
}

function markRead(world: World, number: PhoneNumber, body: Json): Answer | Refusal {
  if (body['status'] !== 'read') return refuse(100, "Param 'status' must be one of {read}");
  const id = textOf(body['message_id']);
  if (id === undefined) return refuse(131008, "Parameter 'message_id' is missing");
  const index = indexOfWamid(world.books, id);
  const isInbound = index !== undefined && index >= inboundBase && index - inboundBase < world.books.inboundCount;
  return isInbound ? ok({ success: true }) : refuse(131009, `Message ${id} was not received by ${number.id}`);
}
