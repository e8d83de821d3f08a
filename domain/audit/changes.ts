import type { Prisma } from '../../prisma/client.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * What a change of a row looks like in the log: the names of all fields that are another now, and the values of those that may be shown
 * (switches always). Undefined where nothing is another.
 */
export function changesOf(
  before: Values,
  data: Values,
  shown: ReadonlySet<string>,
): { before: Prisma.InputJsonObject; after: Prisma.InputJsonObject } | undefined {
  const fields = Object.keys(data).filter((name) => data[name] !== undefined && data[name] !== before[name]);
  if (fields.length === 0) return undefined;
  const values = (of: Values) =>
    Object.fromEntries(
      fields.flatMap((name) => (typeof data[name] === 'boolean' || shown.has(name) ? [[name, of[name]]] : [])),
    ) as Prisma.InputJsonObject;
  return { before: values(before), after: { fields, ...values(data) } };
}
