import { isSupportedCountry } from 'libphonenumber-js/max';

/** ISO 3166-1 alpha-2, upper case. */
export function isCountry(code: string): boolean {
  return isSupportedCountry(code);
}

/** An IANA time zone that this Node knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '' && !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

/** A BCP 47 language tag in its usual form, as pt-BR; undefined when it is none. */
export function canonicalLocale(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

/** The language that most people of a country read, as pt-BR for BR; English where that is not known. */
export function localeOf(country: string): string {
  if (!isCountry(country)) return 'en';
  const { language, region } = new Intl.Locale('und', { region: country }).maximize();
  return region === undefined ? language : `${language}-${region}`;
}
