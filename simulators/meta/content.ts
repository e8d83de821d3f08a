import { isObject, type Json, listOf, textOf } from '../json.ts';
import { indexOfWamid } from './books.ts';
import { refuse, type Refusal } from './errors.ts';
import { checkInteractive } from './interactive.ts';
import { checkMedia, type MediaKind } from './media.ts';
import type { PhoneNumber, World } from './world.ts';

/** What a message that is no template says, if it may be said at all. */
export type Content = { text?: string; hasDeadLink: boolean; targetIsUnknown: boolean };

const fine: Content = { hasDeadLink: false, targetIsUnknown: false };
const captionMax = 1_024;

/** Checks the content of a free-form message (reference: whatsapp-cloud-api, sections 2.3 and 2.4). */
export function readContent(world: World, number: PhoneNumber, type: string, message: Json): Content | Refusal {
  const content = message[type];
  if (content === undefined || content === null) return refuse(131008, `Parameter '${type}' is missing`);
  switch (type) {
    case 'text':
      return readText(content);
    case 'image':
    case 'video':
    case 'document':
    case 'audio':
    case 'sticker':
      return readMedia(world, number, type, content);
    case 'location':
      return readLocation(content);
    case 'contacts':
      return readContacts(content);
    case 'reaction':
      return readReaction(world, content);
    case 'interactive':
      return isObject(content)
        ? (checkInteractive(world, number, content) ?? fine)
        : refuse(100, "Param 'interactive' must be an object");
    default:
      return refuse(131051, `Message type '${type}' is not supported`);
  }
}

function readText(content: unknown): Content | Refusal {
  const body = isObject(content) ? content['body'] : undefined;
  if (body === undefined || body === '') return refuse(131008, "Parameter 'text.body' is missing");
  if (typeof body !== 'string') return refuse(100, "Param text['body'] must be a string");
  if (body.length > 4_096) return refuse(100, "Param text['body'] must be at most 4096 characters long");
  return { ...fine, text: body };
}

function readMedia(world: World, number: PhoneNumber, type: MediaKind, content: unknown): Content | Refusal {
  if (!isObject(content)) return refuse(100, `Param '${type}' must be an object`);
  const { caption, filename } = content as { caption?: unknown; filename?: unknown };
  if (caption !== undefined && (type === 'audio' || type === 'sticker'))
    return refuse(100, `Param ${type}['caption'] is not allowed`);
  if (typeof caption === 'string' && caption.length > captionMax)
    return refuse(100, `Param ${type}['caption'] must be at most ${captionMax} characters long`);
  if (filename !== undefined && type !== 'document') return refuse(100, `Param ${type}['filename'] is not allowed`);
  const media = checkMedia(world, number, type, content, type);
  if ('status' in media) return media;
  return { ...fine, hasDeadLink: media.isDead, ...(typeof caption === 'string' ? { text: caption } : {}) };
}

function readLocation(content: unknown): Content | Refusal {
  if (!isObject(content)) return refuse(100, "Param 'location' must be an object");
  for (const [name, max] of [
    ['latitude', 90],
    ['longitude', 180],
  ] as const) {
    const value = content[name];
    if (value === undefined) return refuse(131008, `Parameter 'location.${name}' is missing`);
    const degrees = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof degrees !== 'number' || !(Math.abs(degrees) <= max))
      return refuse(131009, `Parameter 'location.${name}' is not a valid coordinate`);
  }
  return fine;
}

const nameParts = ['first_name', 'last_name', 'middle_name', 'suffix', 'prefix'];

function readContacts(content: unknown): Content | Refusal {
  const cards = listOf(content);
  if (!cards || cards.length === 0) return refuse(131008, "Parameter 'contacts' is missing");
  if (cards.length > 257) return refuse(131009, 'Too many contacts in one message');
  for (const card of cards) {
    const name = isObject(card) ? card['name'] : undefined;
    if (!isObject(name) || textOf(name['formatted_name']) === undefined)
      return refuse(131008, "Parameter 'contacts.name.formatted_name' is missing");
    if (!nameParts.some((part) => textOf(name[part]) !== undefined))
      return refuse(131009, "Besides 'formatted_name' one other part of the name is required");
  }
  return fine;
}

function readReaction(world: World, content: unknown): Content | Refusal {
  if (!isObject(content)) return refuse(100, "Param 'reaction' must be an object");
  const target = textOf(content['message_id']);
  if (target === undefined) return refuse(131008, "Parameter 'reaction.message_id' is missing");
  if (typeof content['emoji'] !== 'string') return refuse(131008, "Parameter 'reaction.emoji' is missing");
  return { ...fine, targetIsUnknown: indexOfWamid(world.books, target) === undefined };
}
