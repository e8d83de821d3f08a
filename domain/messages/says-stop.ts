import { isStopPayload, isStopWord } from './consent-words.ts';

/**
 * Whether a message as it came in asks to stop: a text that is nothing but a stop word, or the opt-out button of a template. Other buttons
 * belong to conversations, where "cancel" cancels something else: only their id counts.
 */
export function saysStop(message: Readonly<Record<string, unknown>>): boolean {
  const { type } = message;
  if (type === 'text') return isStopWord(textAt(message, 'text', 'body'));
  if (type === 'button')
    return isStopPayload(textAt(message, 'button', 'payload')) || isStopWord(textAt(message, 'button', 'text'));
  return type === 'interactive' && isStopPayload(textAt(message, 'interactive', 'button_reply', 'id'));
}

function textAt(value: unknown, ...path: string[]): string {
  const found = path.reduce<unknown>(
    (within, name) =>
      typeof within === 'object' && within !== null ? (within as Record<string, unknown>)[name] : undefined,
    value,
  );
  return typeof found === 'string' ? found : '';
}
