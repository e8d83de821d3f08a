import type { GraphQLResolveInfo } from 'graphql';

type Batch = { keys: Set<string>; loaded: Promise<ReadonlyMap<string, unknown>> };

const batches = new WeakMap<object, Map<string, Batch>>();

/**
 * What one of many objects asks for, loaded for all of them together: the resolvers of a list run in the same turn. `name` says what is
 * loaded; asks under one name must differ in their key only.
 */
export async function batched<Value>(
  context: object,
  name: string,
  key: string,
  load: (keys: string[]) => Promise<ReadonlyMap<string, Value>>,
): Promise<Value | undefined> {
  const open = batches.get(context) ?? new Map<string, Batch>();
  batches.set(context, open);
  let batch = open.get(name);
  if (!batch) {
    const keys = new Set<string>();
    const loaded = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      open.delete(name); // whoever asks from now on is loaded with the next batch
      return load([...keys]);
    });
    batch = { keys, loaded };
    open.set(name, batch);
  }
  batch.keys.add(key);
  const values = (await batch.loaded) as ReadonlyMap<string, Value>;
  return values.get(key);
}

/** Names a field of a query where it stands, whatever the list it is in: its arguments and selection are the same for all of them. */
export function nameOfField({ path }: GraphQLResolveInfo): string {
  const keys: string[] = [];
  for (let at: typeof path | undefined = path; at; at = at.prev) if (typeof at.key === 'string') keys.unshift(at.key);
  return keys.join('.');
}
