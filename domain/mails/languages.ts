import { en } from './texts/en.ts';
import { ms } from './texts/ms.ts';
import { pt } from './texts/pt.ts';
import type { Texts } from './texts/texts.ts';
import { tr } from './texts/tr.ts';

export const languages = { en, pt, tr, ms } as const satisfies Record<string, Texts>;
export type Language = keyof typeof languages;

/** The language that we write somebody in who reads a locale, as pt for pt-BR; English where we do not write theirs. */
export function languageOf(locale: string): Language {
  const [language = ''] = locale.toLowerCase().split('-');
  return Object.hasOwn(languages, language) ? (language as Language) : 'en';
}
