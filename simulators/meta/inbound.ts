import { type Json, isObject } from '../json.ts';
import { inboundBase, wamidOf } from './books.ts';
import { webhookError } from './errors.ts';
import { bsuidOf } from './identity.ts';
import { takeThroughput } from './limits.ts';
import { addInboundMedia, mediaUrl } from './media.ts';
import type { Meta } from './meta.ts';
import { contactOf } from './people.ts';
import { hourMs, now, type PhoneNumber, seconds, type User, windowOf } from './world.ts';

export type Inbound = {
  /** One of `messages[].type`; `text` unless given. */
  type?: string;
  /** Short for a text's body. */
  text?: string;
  /** What stands under the type's name, as the webhook shows it; sensible content is made up when absent. */
  content?: unknown;
  context?: Json;
  referral?: Json;
  errors?: unknown[];
  groupId?: string;
  /** Seconds since 1970, when another than now. */
  timestamp?: number;
};

const mimeTypes: Record<string, string> = {
  image: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/ogg; codecs=opus',
  document: 'application/pdf',
  sticker: 'image/webp',
};

/** A user writes (reference: whatsapp-cloud-api, section 7.3). Gives the message's id. */
export function receive(meta: Meta, number: PhoneNumber, user: User, inbound: Inbound): string {
  const { world } = meta;
  const type = inbound.type ?? 'text';
  const wamid = wamidOf(world.books, inboundBase + world.books.inboundCount);
  world.books.inboundCount += 1;
  if (number.blocked.has(user.digits)) return wamid; // a blocked user's messages never arrive
  takeThroughput(world, number);
  if (type !== 'system') openWindow(meta, number, user, inbound.referral !== undefined);

  const content = contentOf(meta, number, user, type, inbound);
  const errors = inbound.errors ?? (type === 'unsupported' ? [webhookError(131051)] : undefined);
  const message = {
    ...(user.isPhoneHidden ? {} : { from: user.digits }),
    from_user_id: bsuidOf(user.digits, number.waba.portfolio.id),
    ...(inbound.groupId === undefined ? {} : { group_id: inbound.groupId }),
    id: wamid,
    timestamp: String(inbound.timestamp ?? seconds(world)),
    type,
    ...(content === undefined ? {} : { [type]: content }),
    ...(inbound.context ? { context: inbound.context } : {}),
    ...(inbound.referral ? { referral: inbound.referral } : {}),
    ...(errors ? { errors } : {}),
  };
  tell(meta, number, 'messages', {
    ...(type === 'system' ? {} : { contacts: [contactOf(number, user)] }),
    messages: [message],
  });
  return wamid;
}

/** A user stops or resumes marketing from this business. */
export function prefer(meta: Meta, number: PhoneNumber, user: User, value: 'stop' | 'resume'): void {
  const { stopped } = number.waba.portfolio;
  if (value === 'stop') stopped.add(user.digits);
  else stopped.delete(user.digits);
  tell(meta, number, 'user_preferences', {
    contacts: [contactOf(number, user)],
    user_preferences: [
      {
        ...(user.isPhoneHidden ? {} : { wa_id: user.digits }),
        user_id: bsuidOf(user.digits, number.waba.portfolio.id),
        detail: `User requested to ${value} marketing messages`,
        category: 'marketing_messages',
        value,
        timestamp: seconds(meta.world),
      },
    ],
  });
}

/** The magic recipient who wants no more. */
export function replyStop(meta: Meta, number: PhoneNumber, user: User): void {
  receive(meta, number, user, { text: 'STOP' });
  prefer(meta, number, user, 'stop');
}

/** Opens the window of a user who wrote or called. */
export function openWindow({ world }: Meta, number: PhoneNumber, user: User, isFromAd: boolean): void {
  const window = windowOf(number, user.digits);
  window.openUntil = now(world) + 24 * hourMs;
  if (isFromAd) window.adUntilReply = window.openUntil;
}

/** Sends a value of the `messages` family. */
export function tell(meta: Meta, number: PhoneNumber, field: string, value: Json): void {
  meta.webhooks.push({
    kind: 'field',
    field,
    entryId: number.waba.id,
    waba: number.waba,
    number,
    time: undefined,
    value: {
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: number.digits, phone_number_id: number.id },
      ...value,
    },
  });
}

function contentOf(meta: Meta, number: PhoneNumber, user: User, type: string, inbound: Inbound): unknown {
  const given = inbound.content;
  const mimeType = mimeTypes[type];
  if (mimeType !== undefined) {
    const media = addInboundMedia(meta.world, number, mimeType);
    return {
      id: media.id,
      mime_type: mimeType,
      sha256: media.sha256,
      url: mediaUrl(meta.world, media),
      ...(type === 'audio' ? { voice: true } : {}),
      ...(type === 'sticker' ? { animated: false } : {}),
      ...(type === 'document' ? { filename: 'document.pdf' } : {}),
      ...(isObject(given) ? given : {}),
    };
  }
  if (given !== undefined) return given;
  if (type === 'text') return { body: inbound.text ?? 'Olá! / Merhaba 👋' };
  return madeUp(user)[type];
}

function madeUp(user: User): Record<string, unknown> {
  return {
    location: { latitude: -23.5, longitude: -46.6, name: 'Praça da Sé' },
    contacts: [{ name: { formatted_name: 'Ana' }, phones: [{ phone: `+${user.digits}`, wa_id: user.digits }] }],
    button: { payload: 'STOP', text: 'STOP' },
    interactive: { type: 'button_reply', button_reply: { id: 'yes', title: 'Yes' } },
    order: {
      catalog_id: '1',
      product_items: [{ product_retailer_id: 'sku-1', quantity: 1, item_price: 10.5, currency: 'BRL' }],
    },
    reaction: { message_id: 'wamid.unknown', emoji: '👍' },
    system: { type: 'user_changed_number', wa_id: user.digits, body: 'User changed their number' },
    edit: { original_message_id: 'wamid.unknown', message: { type: 'text', text: { body: 'edited' } } },
    revoke: { original_message_id: 'wamid.unknown' },
    unsupported: { type: 'poll' },
  };
}
