import { createHash, randomBytes } from 'node:crypto';
import { type Json, textOf } from '../json.ts';
import type { Answer, Call } from './call.ts';
import { refuse, refuseGraph, type Refusal, unknownNode } from './errors.ts';
import { dayMs, newId, now, type PhoneNumber, type World } from './world.ts';

export type MediaKind = 'image' | 'video' | 'document' | 'audio' | 'sticker';

export type Media = {
  id: string;
  number: PhoneNumber;
  bytes: Buffer;
  mimeType: string;
  sha256: string;
  expiresAt: number;
  /** The signed parts of URLs that were handed out, and until when each holds. */
  urls: Map<string, number>;
};

export type Upload = { id: string; type: string; length: number; bytes: Buffer; handle?: string };

const megabyte = 1_048_576;

/** What may be uploaded, and how large (reference: whatsapp-cloud-api, section 3). */
const kinds: Record<MediaKind, { types: RegExp; bytesMax: number }> = {
  audio: { types: /^audio\/(aac|amr|mpeg|mp4|ogg)\b/, bytesMax: 16 * megabyte },
  image: { types: /^image\/(jpeg|png)$/, bytesMax: 5 * megabyte },
  sticker: { types: /^image\/webp$/, bytesMax: 500 * 1_024 },
  video: { types: /^video\/(mp4|3gpp)$/, bytesMax: 16 * megabyte },
  document: { types: /^(text|application)\//, bytesMax: 100 * megabyte },
};

const uploadedForMs = 30 * dayMs;
const inboundForMs = 7 * dayMs;
const urlForMs = 5 * 60_000;

function kindOf(mimeType: string): MediaKind | undefined {
  for (const kind of ['audio', 'image', 'sticker', 'video', 'document'] as const)
    if (kinds[kind].types.test(mimeType)) return kind;
  return undefined;
}

/** The media object of a message: an id that was uploaded for this number, or a link. Dead links show later, as at Meta. */
export function checkMedia(
  world: World,
  number: PhoneNumber,
  kind: MediaKind,
  content: Json,
  where: string,
): { isDead: boolean } | Refusal {
  const id = textOf(content['id']);
  const link = textOf(content['link']);
  if ((id === undefined) === (link === undefined))
    return refuse(id === undefined ? 131008 : 131009, `${where}: exactly one of id and link is required`);
  if (link !== undefined) {
    const url = URL.parse(link);
    if (!url || !/^https?:$/.test(url.protocol)) return refuse(131009, `${where}: the link is not a valid URL`);
    return { isDead: url.hostname.endsWith('.invalid') || /\/(404|dead)\b/.test(url.pathname) };
  }
  const media = world.media.get(id ?? '');
  if (!media || media.number !== number || media.expiresAt <= now(world))
    return refuse(100, `Param ${where}['id'] is not a valid whatsapp business account media attachment ID`);
  return { isDead: kindOf(media.mimeType) !== kind };
}

export function addInboundMedia(world: World, number: PhoneNumber, mimeType: string, bytes?: Buffer): Media {
  return addMedia(world, number, mimeType, bytes ?? randomBytes(256), inboundForMs);
}

function addMedia(world: World, number: PhoneNumber, mimeType: string, bytes: Buffer, forMs: number): Media {
  const media: Media = {
    id: newId(),
    number,
    bytes,
    mimeType,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    expiresAt: now(world) + forMs,
    urls: new Map(),
  };
  world.media.set(media.id, media);
  return media;
}

/** `POST /{pnid}/media`: multipart with the file and what it is. */
export async function uploadMedia(world: World, number: PhoneNumber, call: Call): Promise<Answer> {
  const type = call.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) return refuse(100, 'The file must come as multipart/form-data');
  const form = await new Response(new Uint8Array(call.bytes), { headers: { 'content-type': type } })
    .formData()
    .catch(() => undefined);
  const file = form?.get('file');
  if (!form || !(file instanceof File)) return refuse(100, "(#100) The parameter 'file' is required.");
  if (form.get('messaging_product') !== 'whatsapp')
    return refuse(100, '(#100) The parameter messaging_product is required.');
  const declared = form.get('type');
  const mimeType = typeof declared === 'string' && declared !== '' ? declared : file.type;
  const kind = kindOf(mimeType);
  if (!kind) return refuse(100, `Param file must be a file with one of the supported types, received ${mimeType}`);
  if (file.size > kinds[kind].bytesMax) return refuse(131053, `The file is larger than ${kinds[kind].bytesMax} bytes`);
  const media = addMedia(world, number, mimeType, Buffer.from(await file.arrayBuffer()), uploadedForMs);
  return { status: 200, body: JSON.stringify({ id: media.id }) };
}

export function describeMedia(world: World, media: Media, asked: string | undefined): Answer {
  if (media.expiresAt <= now(world) || (asked !== undefined && asked !== media.number.id))
    return unknownNode('GET', media.id);
  return {
    status: 200,
    body: JSON.stringify({
      messaging_product: 'whatsapp',
      url: mediaUrl(world, media),
      mime_type: media.mimeType,
      sha256: media.sha256,
      file_size: String(media.bytes.length),
      id: media.id,
    }),
  };
}

/** A URL of the bytes, which holds for five minutes. */
export function mediaUrl(world: World, media: Media): string {
  const key = randomBytes(12).toString('base64url');
  for (const [old, until] of media.urls) if (until <= now(world)) media.urls.delete(old);
  media.urls.set(key, now(world) + urlForMs);
  return `${world.url}/whatsapp_business/attachments/?mid=${media.id}&source=getMedia&hash=${key}`;
}

/** The bytes behind such a URL, for a bearer. */
export function downloadMedia(world: World, call: Call): Answer {
  const media = world.media.get(call.query.get('mid') ?? '');
  const until = media?.urls.get(call.query.get('hash') ?? '') ?? 0;
  if (!media || until <= now(world)) return refuseGraph(100, 'The URL has expired', { status: 404 });
  return { status: 200, body: media.bytes, headers: { 'content-type': media.mimeType } };
}

/** `POST /{app_id}/uploads`: opens a resumable upload (template samples, profile pictures). */
export function openUpload(world: World, call: Call): Answer {
  const length = Number(call.params['file_length'] ?? 0);
  const type = textOf(call.params['file_type']) ?? '';
  if (!/^(application\/pdf|image\/(jpeg|jpg|png)|video\/mp4)$/.test(type))
    return refuse(100, `file_type '${type}' is not supported`);
  if (!Number.isInteger(length) || length < 1) return refuse(100, 'file_length must be the number of bytes');
  const id = `upload:${randomBytes(24).toString('base64url')}`;
  world.uploads.set(id, { id, type, length, bytes: Buffer.alloc(0) });
  return { status: 200, body: JSON.stringify({ id }) };
}

/** `POST` and `GET /{upload:…}`: the bytes from an offset on, or how many are there. */
export function continueUpload(world: World, upload: Upload, call: Call): Answer {
  if (call.method === 'GET')
    return { status: 200, body: JSON.stringify({ id: upload.id, file_offset: upload.bytes.length }) };
  if (Number(call.headers['file_offset'] ?? Number.NaN) !== upload.bytes.length)
    return refuse(100, `file_offset must be ${upload.bytes.length}`);
  upload.bytes = Buffer.concat([upload.bytes, call.bytes]);
  if (upload.bytes.length > upload.length) return refuse(100, 'The file is longer than announced');
  if (upload.bytes.length < upload.length)
    return { status: 200, body: JSON.stringify({ id: upload.id, file_offset: upload.bytes.length }) };
  upload.handle = `4::${Buffer.from(upload.type).toString('base64')}:${randomBytes(18).toString('base64')}`;
  world.uploads.set(upload.handle, upload);
  return { status: 200, body: JSON.stringify({ h: upload.handle }) };
}
