const signals = ['SIGTERM', 'SIGINT'] as const;

/** Within this, a signal is the same wish once more: a terminal and npm, or whoever started us, both pass it on. */
const sameWishMs = 1_000;

/**
 * Resolves when the process is asked to stop, or when whoever started it with a channel to it (`npm start`) is gone.
 * Asked again, it ends at once.
 */
export function stopSignal(): Promise<NodeJS.Signals | 'disconnect'> {
  return new Promise((resolve) => {
    const asked = (signal: NodeJS.Signals) => {
      resolve(signal);
      setTimeout(() => {
        for (const name of signals) process.off(name, asked);
      }, sameWishMs).unref();
    };
    for (const name of signals) process.on(name, asked);
    process.once('disconnect', () => resolve('disconnect'));
    process.channel?.unref();
  });
}
