/**
 * An array as Postgres writes it in text, to be bound as one parameter: `${arrayLiteral(names)}::text[]`. Means the same as binding the
 * array itself, where every element is looked at four times on its way: for thousands of elements it takes a fraction of the time.
 */
export function arrayLiteral(values: readonly (string | null)[]): string {
  const elements = values.map((value) => {
    if (value === null) return 'NULL';
    return value.includes('"') || value.includes('\\') ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : `"${value}"`;
  });
  return `{${elements.join(',')}}`;
}

/** The same for values that need no quotes: numbers and ids of ours. */
export function plainArrayLiteral(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`;
}
