/** What came in as JSON, before anything is known about it. */
export type Json = { readonly [name: string]: unknown };

/** A JSON number beyond what a double holds. */
export function bigNumber(digits: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function listOf(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined; // no JSON is no value; the caller refuses it
  }
}

/** A word in any case, in capitals; whatever is no word is none. */
export function capitals(value: unknown): string {
  return typeof value === 'string' ? value.toUpperCase() : '';
}
