import { createHmac, timingSafeEqual } from 'node:crypto';
import { NIL, parse as parseId, stringify as idOf } from 'uuid';
import type { Actor } from './auth/viewer.ts';

/** What a signed link opens: one object of one tenant, for one purpose, for a while; and who asked for it, which is who answers for what comes of it. */
export type Link = { tenantId: string; id: string; by: Actor; expiresAt: Date };

const actorTypes = ['PERSON', 'API_KEY', 'SYSTEM'] as const;
const idsLength = 48;
const typeLength = 1;
const timeLength = 6;
const contentLength = idsLength + typeLength + timeLength;
const signatureLength = 32;

/** A token that opens one thing without signing in, until it expires. It says whose the thing is, so that only that tenant's rows are asked. */
export function signLink(secrets: readonly Buffer[], purpose: string, { tenantId, id, by, expiresAt }: Link): string {
  const [secret] = secrets;
  if (!secret) throw new Error('There is no key to sign links with.');
  const time = Buffer.alloc(timeLength);
  time.writeUIntBE(expiresAt.getTime(), 0, timeLength);
  const type = Buffer.of(actorTypes.indexOf(by.type));
  const content = Buffer.concat([parseId(tenantId), parseId(id), parseId(by.id ?? NIL), type, time]);
  return Buffer.concat([content, sign(secret, purpose, content)]).toString('base64url');
}

/** What a token opens; undefined when it is not ours, or for another purpose. Whoever asks looks at the time. */
export function openLink(secrets: readonly Buffer[], purpose: string, token: string): Link | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== contentLength + signatureLength || bytes.toString('base64url') !== token) return undefined;
  const content = bytes.subarray(0, contentLength);
  const signature = bytes.subarray(contentLength);
  if (!secrets.some((secret) => timingSafeEqual(sign(secret, purpose, content), signature))) return undefined;
  const type = actorTypes[content.readUInt8(idsLength)] ?? 'SYSTEM';
  const expiresAt = new Date(content.readUIntBE(idsLength + typeLength, timeLength));
  const by = { type, id: type === 'SYSTEM' ? null : idOf(content, 32) };
  return { tenantId: idOf(content, 0), id: idOf(content, 16), by, expiresAt };
}

function sign(secret: Buffer, purpose: string, content: Buffer): Buffer {
  return createHmac('sha256', secret).update(`parley link: ${purpose}\0`).update(content).digest();
}
