/** Runs `work` at once and then every `ms`, never twice at a time. Disposing it waits for the run under way. */
export function every(ms: number, work: () => Promise<void>, onError: (error: unknown) => void): AsyncDisposable {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running = Promise.resolve();
  const turn = async () => {
    const began = performance.now();
    await work().catch(onError);
    if (!stopped) timer = setTimeout(run, Math.max(0, began + ms - performance.now()));
  };
  const run = () => {
    running = turn();
  };
  run();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
