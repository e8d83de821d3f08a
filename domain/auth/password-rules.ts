import { dictionary } from '@zxcvbn-ts/language-common';

const lengthMin = 8;
const lengthMax = 128;
/** What has to be left of a password without the words that anybody would try first. */
const leftMin = 6;
const wordMin = 3;

/** What is known of a person to whoever would guess: the own name, the address, the business. */
export type KnownOfPerson = { name?: string; email?: string; tenantNames?: readonly string[] };

/**
 * What is wrong with a new password; undefined when nothing is. By NIST SP 800-63B: long enough, and not one that is tried first. Nothing is
 * said about kinds of characters, which only makes people write `Password1!`.
 */
export function passwordProblem(password: string, known: KnownOfPerson = {}): string | undefined {
  if (!hasPasswordLength(password)) return `Expected ${lengthMin} to ${lengthMax} characters.`;
  const plain = foldCase(password);
  if (isGuessedFirst(plain)) return 'This password is among those that are guessed first. Please choose another one.';
  const left = wordsOf(known).reduce((text, word) => text.replaceAll(word, ' '), plain);
  if (left === plain) return undefined;
  const rest = left.replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim();
  const isWeak = Array.from(rest).length < leftMin || isGuessedFirst(rest);
  return isWeak ? 'This password is too close to a name that others know. Please choose another one.' : undefined;
}

/** Whether anybody can have such a password; in code points, as people count. */
export function hasPasswordLength(password: string): boolean {
  const { length } = Array.from(password.normalize('NFKC'));
  return length >= lengthMin && length <= lengthMax;
}

/** One of the list, or what the list leaves out because it needs none: a short or common piece over and over, or a run as `abcdefgh`. */
function isGuessedFirst(text: string): boolean {
  if (common().has(text)) return true;
  const piece = /^(.+?)\1+$/su.exec(text)?.[1];
  if (piece !== undefined && (Array.from(piece).length < lengthMin || common().has(piece))) return true;
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return [1, -1].some((step) => codes.every((code, index) => code === (codes[0] ?? 0) + step * index));
}

/** The longest first: what is part of another word would cut it. */
function wordsOf({ name = '', email = '', tenantNames = [] }: KnownOfPerson): string[] {
  const texts = ['parley', name, email, email.split('@')[0] ?? '', ...tenantNames].map(foldCase);
  const words = texts.flatMap((text) => [text.trim(), ...text.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(words)].filter((word) => word.length >= wordMin).sort((a, b) => b.length - a.length);
}

function foldCase(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

let commonPasswords: ReadonlySet<string> | undefined;

/** Those that are found in leaks most often; unpacked when first asked for. */
function common(): ReadonlySet<string> {
  return (commonPasswords ??= new Set(dictionary['passwords-common'].map(foldCase)));
}
