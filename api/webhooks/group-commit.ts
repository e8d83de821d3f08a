/**
 * Writes what many bring at the same time together: what arrives while a write of its group is under way goes into the group's next one.
 * Whoever brought something is answered when it is written, or told why it was not. Groups write beside one another.
 */
export function groupCommit<Item>(
  write: (group: string, items: Item[]) => Promise<void>,
  itemsMax: number,
): (group: string, items: readonly Item[]) => Promise<void> {
  type Batch = { items: Item[]; done: PromiseWithResolvers<void> };
  const waiting = new Map<string, Batch[]>();

  const writeAll = async (group: string, batches: Batch[]) => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      await write(group, batch.items).then(batch.done.resolve, batch.done.reject);
    }
    waiting.delete(group);
  };

  return (group, items) => {
    const batches = waiting.get(group) ?? [];
    const last = batches.at(-1);
    if (last && last.items.length + items.length <= itemsMax) {
      for (const item of items) last.items.push(item);
      return last.done.promise;
    }
    const batch: Batch = { items: [...items], done: Promise.withResolvers() };
    batches.push(batch);
    if (!waiting.has(group)) {
      waiting.set(group, batches);
      void writeAll(group, batches);
    }
    return batch.done.promise;
  };
}
