import Bowser from 'bowser';

/** What a person calls the device that a user agent says, as `Firefox, Windows`; undefined when it says nothing that can be read. */
export function deviceOf(userAgent: string | null): string | undefined {
  if (!userAgent) return undefined;
  const { browser, os } = Bowser.parse(userAgent);
  if (browser.name && os.name) return `${browser.name}, ${os.name}`;
  return browser.name || os.name || undefined; // what it does not know it calls ''
}
