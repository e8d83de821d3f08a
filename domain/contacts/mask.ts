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

const numbersOfWhatsApp = new Set(['from', 'wa_id', 'new_wa_id', 'customer']);

/**
 * What came in by WhatsApp, however deep, with the numbers masked that WhatsApp names people by; without its ids of messages, which hold a
 * number, and without its own sentence about a new one. What the person wrote stays.
 */
export function maskNumbers(content: unknown, name = ''): unknown {
  if (typeof content === 'string') {
    if (content.startsWith('wamid.')) return null;
    return numbersOfWhatsApp.has(name) ? maskPhone(content) : content;
  }
  if (Array.isArray(content)) return content.map((one) => maskNumbers(one));
  if (typeof content !== 'object' || content === null) return content;
  const kept = Object.entries(content).filter(([part]) => name !== 'system' || part !== 'body');
  return Object.fromEntries(kept.map(([part, value]) => [part, maskNumbers(value, part)]));
}
