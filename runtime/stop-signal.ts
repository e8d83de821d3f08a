const signals = ['SIGTERM', 'SIGINT'] as const;

/** Resolves when the process is asked to stop. A second signal ends it at once. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const asked = (signal: NodeJS.Signals) => {
      for (const name of signals) process.off(name, asked);
      resolve(signal);
    };
    for (const name of signals) process.on(name, asked);
  });
}
