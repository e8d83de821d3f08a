import { drawRange, type Random } from '../random.ts';
import type { Entry } from '../agenda.ts';
import { type Message, recordStatus, wamidOf } from './books.ts';
import { webhookError } from './errors.ts';
import { bsuidOf } from './identity.ts';
import type { Meta } from './meta.ts';
import type { Step } from './outcomes.ts';
import { nameOf } from './people.ts';
import { dayMs, type World } from './world.ts';

/** A status on its way: due at a time, true since another. */
export type StatusUpdate = Entry & {
  kind: 'status';
  message: Message;
  status: Step['status'];
  /** Seconds since 1970. */
  stamp: number;
  code: number | undefined;
  /** Called when the receiver has taken it. */
  onTaken: (() => void) | undefined;
};

/** Puts a message's statuses on the agenda: late, twice and in the wrong order as the settings say. */
export function scheduleStatuses(
  { world, webhooks }: Meta,
  message: Message,
  steps: Step[],
  random: Random,
  heldMs: number,
  onFirstTaken?: () => void,
): void {
  if (!world.settings.statuses.enabled) return;
  const { delayMs, swapRate, duplicateRate, duplicateMs } = world.settings.webhooks;
  const run = (update: StatusUpdate) => {
    world.books.scheduled -= 1;
    recordStatus(world.books, message, update.status, update.code);
    webhooks.push(update);
  };
  const updates = steps.map(({ status, at, code }): StatusUpdate => {
    const isAt = message.acceptedAt + heldMs + at;
    return {
      kind: 'status',
      due: isAt + drawRange(delayMs, random),
      run,
      message,
      status,
      stamp: Math.floor(isAt / 1_000),
      code,
      onTaken: undefined,
    };
  });
  for (let at = 1; at < updates.length; at += 1) {
    const [before, after] = [updates[at - 1], updates[at]];
    if (!before || !after) continue;
    if (swapRate > 0 && random() < swapRate) [before.due, after.due] = [after.due, before.due];
    else if (after.due <= before.due) after.due = before.due + 0.001; // nothing overtakes unless it was swapped
  }
  const [first] = updates;
  if (onFirstTaken && first) {
    first.due = message.acceptedAt;
    first.onTaken = onFirstTaken;
  }
  for (const update of updates) {
    world.books.scheduled += 1;
    world.agenda.add(update);
    if (duplicateRate > 0 && random() < duplicateRate) {
      world.books.scheduled += 1;
      world.agenda.add({
        ...update,
        due: update.due + drawRange(duplicateMs, random),
        onTaken: undefined,
      } as StatusUpdate);
    }
  }
}

/** A status as the webhook tells it, and its person beside it (reference: whatsapp-cloud-api, sections 7.4 and 10). */
export function renderStatus(
  world: World,
  { message, status, stamp, code }: StatusUpdate,
): {
  status: Record<string, unknown>;
  contact: Record<string, unknown> | undefined;
} {
  const { user, number } = message;
  const userId = bsuidOf(user.digits, number.waba.portfolio.id);
  const isWithheld = user.isPhoneHidden;
  const isPriced = status === 'sent' || status === 'delivered' || (status === 'read' && !(message.told & 2));
  return {
    status: {
      id: wamidOf(world.books, message.index),
      status,
      timestamp: String(stamp),
      ...(isWithheld ? {} : { recipient_id: user.digits }),
      recipient_user_id: userId,
      ...(message.opaque === undefined ? {} : { biz_opaque_callback_data: message.opaque }),
      ...(status !== 'failed' && isPriced ? pricing(world, message, status, stamp) : {}),
      ...(code === undefined ? {} : { errors: [webhookError(code)] }),
    },
    contact:
      status === 'failed'
        ? undefined
        : {
            profile: {
              name: nameOf(user),
              ...(status === 'sent' || user.username === undefined ? {} : { username: user.username }),
            },
            ...(isWithheld ? {} : { wa_id: user.digits }),
            user_id: userId,
          },
  };
}

function pricing(world: World, message: Message, status: string, stamp: number): Record<string, unknown> {
  const isFree =
    message.inFreeEntry || message.category === 'service' || (message.inWindow && message.category === 'utility');
  const type = message.inFreeEntry ? 'free_entry_point' : isFree ? 'free_customer_service' : 'regular';
  const category = message.inFreeEntry ? 'referral_conversion' : message.category;
  const tellsConversation = message.inFreeEntry || world.settings.webhooks.version <= 23;
  return {
    ...(tellsConversation
      ? {
          conversation: {
            id: message.index.toString(16).padStart(32, '0'),
            ...(status === 'sent' ? { expiration_timestamp: String(stamp + dayMs / 1_000) } : {}),
            origin: { type: category },
          },
        }
      : {}),
    pricing: { billable: !isFree, pricing_model: 'PMP', type, category },
  };
}
