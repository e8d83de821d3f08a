/** The last four digits: enough to tell two numbers apart and to check one with the person. */
export function maskPhone(phone: string): string {
  return `•••${phone.slice(-4)}`;
}

/** The first letter, and the last part of the domain. */
export function maskEmail(email: string): string {
  const [letter = ''] = email;
  return `${letter}•••@•••${email.slice(email.lastIndexOf('.'))}`;
}

/** A text that is a telephone number or an e-mail address as a whole, masked as such; any other as it is. */
export function maskWhole(text: string): string {
  if (/^\+\d{5,18}$/.test(text)) return maskPhone(text);
  return /^\S+@\S+\.\S+$/.test(text) ? maskEmail(text) : text;
}

/** A text without WhatsApp's ids of messages: a telephone number can be read from each. */
export function maskMessageIds(text: string): string {
  return text.replace(/\bwamid\.[\w+/=-]+/g, 'wamid.•••');
}

const numbersOfWhatsApp = new Set(['from', 'wa_id', 'new_wa_id', 'customer']);
/** Ids of messages, which need not look like such, and WhatsApp's own sentence about a new number. */
const keptBack = new Set([
  'context.id',
  'reaction.message_id',
  'edit.original_message_id',
  'revoke.original_message_id',
  'system.body',
]);

/** What came in by WhatsApp, however deep, without the numbers that WhatsApp names people by. What the person wrote stays. */
export function maskNumbers(content: unknown, name = ''): unknown {
  if (typeof content === 'string') return numbersOfWhatsApp.has(name) ? maskPhone(content) : maskMessageIds(content);
  if (Array.isArray(content)) return content.map((one) => maskNumbers(one, name));
  if (typeof content !== 'object' || content === null) return content;
  const parts = Object.entries(content).map(([part, value]) => [
    part,
    keptBack.has(`${name}.${part}`) ? null : maskNumbers(value, part),
  ]);
  return Object.fromEntries(parts) as object;
}
