import type { Prisma } from '../../prisma/client.ts';

/** Names under which secrets and what people say or are reached by would stand. */
const secretNames =
  /^(address|authorization|body|code|cookie|e?mail|key|password|phone|pin|proof|recoveryCodes?|secret|text|token|value)$|(Token|Secret|Password|Hash|Email|Phone)$/i;
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const time = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/;

const cut = '[cut]';
const textMax = 200;

/** The last net before a deed is written down for two years: takes out what a caller should not have put in. */
export function sanitise(object: Prisma.InputJsonObject): Prisma.InputJsonObject {
  return clean(object) as Prisma.InputJsonObject;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  if ('toJSON' in value && typeof value.toJSON === 'function') return clean(value.toJSON());
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) =>
      typeof inner === 'string' && secretNames.test(name) ? [name, cut] : [name, clean(inner)],
    ),
  );
}

/** A text without e-mail addresses, telephone numbers and anything as long and odd as a token. Ids and times stay. */
function cleanText(text: string): string {
  if (uuid.test(text) || time.test(text)) return text;
  return text
    .slice(0, textMax)
    .replaceAll(/\S+@\S+/g, cut)
    .replaceAll(/\+?\d[\d\s().-]{5,}\d/g, cut)
    .replaceAll(/[\w+/=-]{32,}/g, cut);
}
