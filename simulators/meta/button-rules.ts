import { listOf, textOf } from '../json.ts';
import { refuse, type Refusal } from './errors.ts';
import { type Button, variablesOf } from './template-model.ts';
import { missingExample, tooLong } from './template-refusals.ts';

const buttonsMax: Record<string, number> = { QUICK_REPLY: 10, URL: 2, PHONE_NUMBER: 1, COPY_CODE: 1 };
const otherButtons = new Set(['FLOW', 'CATALOG', 'MPM', 'SPM', 'REQUEST_CONTACT_INFO', 'VOICE_CALL']);

/** The buttons of a template (reference: whatsapp-cloud-api, section 4.2). */
export function checkButtons(buttons: Button[], max: number): Refusal | undefined {
  if (buttons.length < 1 || buttons.length > max) return refuse(100, `A template has 1 to ${max} buttons`);
  for (const { type } of buttons) {
    const most = buttonsMax[type];
    if (most === undefined && !otherButtons.has(type))
      return refuse(100, `Param buttons holds an unknown type '${type}'`);
    if (most !== undefined && buttons.filter((button) => button.type === type).length > most)
      return refuse(100, `A template has at most ${most} buttons of type ${type}`);
  }
  const isReply = buttons.map(({ type }) => type === 'QUICK_REPLY');
  const changes = isReply.filter((value, at) => at > 0 && value !== isReply[at - 1]).length;
  if (changes > 1) return refuse(100, 'Quick replies and other buttons must stand in groups');
  for (const button of buttons) {
    const wrong = checkButton(button);
    if (wrong) return wrong;
  }
  return undefined;
}

function checkButton(button: Button): Refusal | undefined {
  if (button.type !== 'COPY_CODE' && textOf(button.text) === undefined) return refuse(100, 'Every button has a text');
  const long = tooLong('label of a button', button.text, 25);
  if (long) return long;
  const [example] = listOf(button.example) ?? [button.example];
  if (button.type === 'PHONE_NUMBER')
    return /^\+?\d{5,20}$/.test(button.phone_number ?? '')
      ? undefined
      : refuse(100, 'Param phone_number is not a phone number of at most 20 characters');
  if (button.type === 'COPY_CODE')
    return textOf(example) === undefined ? missingExample('BUTTONS') : tooLong('code', textOf(example), 20);
  if (button.type !== 'URL') return undefined;
  const { url = '' } = button;
  const names = variablesOf(url);
  if (!/^https?:\/\/\S+$/.test(url)) return refuse(100, 'Param url is not a URL');
  if (names.length > 1 || (names.length === 1 && !url.endsWith('}}')))
    return refuse(100, 'A URL has at most one variable, at its end');
  if (names.length === 1 && textOf(example) === undefined) return missingExample('BUTTONS');
  return tooLong('URL', url, 2_000);
}
