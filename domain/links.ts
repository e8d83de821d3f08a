import { createHmac, timingSafeEqual } from 'node:crypto';
import { parse as parseId, stringify as idOf } from 'uuid';

/** What a signed link opens: one object of one tenant, for one purpose, for a while. */
export type Link = { tenantId: string; id: string; expiresAt: Date };

const idsLength = 32;
const timeLength = 6;
const signatureLength = 32;

/** A token that opens one thing without signing in, until it expires. It says whose the thing is, so that only that tenant's rows are asked. */
export function signLink(secrets: readonly Buffer[], purpose: string, { tenantId, id, expiresAt }: Link): string {
  const [secret] = secrets;
  if (!secret) throw new Error('There is no key to sign links with.');
  const time = Buffer.alloc(timeLength);
  time.writeUIntBE(expiresAt.getTime(), 0, timeLength);
  const content = Buffer.concat([parseId(tenantId), parseId(id), time]);
  return Buffer.concat([content, sign(secret, purpose, content)]).toString('base64url');
}

/** What a token opens; undefined when it is not ours, or for another purpose. Whoever asks looks at the time. */
export function openLink(secrets: readonly Buffer[], purpose: string, token: string): Link | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== idsLength + timeLength + signatureLength || bytes.toString('base64url') !== token)
    return undefined;
  const content = bytes.subarray(0, idsLength + timeLength);
  const signature = bytes.subarray(idsLength + timeLength);
  if (!secrets.some((secret) => timingSafeEqual(sign(secret, purpose, content), signature))) return undefined;
  const expiresAt = new Date(content.readUIntBE(idsLength, timeLength));
  return { tenantId: idOf(content, 0), id: idOf(content, 16), expiresAt };
}

function sign(secret: Buffer, purpose: string, content: Buffer): Buffer {
  return createHmac('sha256', secret).update(`parley link: ${purpose}\0`).update(content).digest();
}
