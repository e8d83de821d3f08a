import { type Checked, noValue, refusal } from './checked.ts';

const plainAscii = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
const blanks = /[\s\p{Cc}\u200b]+/gu;
/** Marks that turn the direction of the text around them: they make a text look like another one. */
const directions = /[\u202a-\u202e\u2066-\u2069]/g;

const notText = refusal(
  'INVALID_CHARACTER',
  'It holds a character that cannot be stored.',
  'text without U+0000 and without broken surrogates',
);

const tooLong = new Map<number, ReturnType<typeof refusal>>();
export function tooLongFor(lengthMax: number): ReturnType<typeof refusal> {
  let problem = tooLong.get(lengthMax);
  if (!problem) {
    problem = refusal('TOO_LONG', 'It is too long.', `at most ${lengthMax} characters`);
    tooLong.set(lengthMax, problem);
  }
  return problem;
}

/** One line of text: composed (NFC), without control characters, blanks collapsed. */
export function checkText(raw: string, lengthMax: number): Checked<string | null> {
  if (raw === '') return noValue;
  if (plainAscii.test(raw)) return raw.length > lengthMax ? tooLongFor(lengthMax) : { value: raw };
  if (raw.length > lengthMax * 4) return tooLongFor(lengthMax); // spares the work on what cannot fit
  if (raw.includes('\0') || !raw.isWellFormed()) return notText;
  const value = raw.replace(directions, '').replace(blanks, ' ').trim().normalize('NFC');
  if (value === '') return noValue;
  return value.length > lengthMax ? tooLongFor(lengthMax) : { value };
}

/** Text of several lines, kept as it was written but for blanks around it and control characters. */
export function checkLongText(raw: string, lengthMax: number): Checked<string | null> {
  if (raw.length > lengthMax * 4) return tooLongFor(lengthMax);
  if (raw.includes('\0') || !raw.isWellFormed()) return notText;
  const value = raw
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .trim()
    .normalize('NFC');
  if (value === '') return noValue;
  return value.length > lengthMax ? tooLongFor(lengthMax) : { value };
}

/** A code that somebody else gave: kept to the letter, without blanks around it. */
export function checkCode(raw: string, lengthMax: number): Checked<string | null> {
  const value = raw.trim();
  if (value === '') return noValue;
  if (value.length > lengthMax) return tooLongFor(lengthMax);
  return /\p{Cc}/u.test(value) || !value.isWellFormed() ? notText : { value };
}

/** A text folded for comparing: lower case, no accents, no dotless i. The same as the database's fold_text. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll('ı', 'i');
}
