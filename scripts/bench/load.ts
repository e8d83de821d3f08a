import { Pool } from 'undici';

/** One request, over and over. */
export type Target = {
  url: string;
  path: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
};

export type Load = { connections: number; warmUpMs: number; measureMs: number };

/** Answers a second over kept-alive connections, each asking again as soon as it has its answer. Throws on the first that is not a 200. */
export async function throughput(target: Target, load: Load): Promise<number> {
  const { url, body = null, ...request } = target;
  const pool = new Pool(url, { connections: load.connections, pipelining: 1 });
  const start = performance.now() + load.warmUpMs;
  const end = start + load.measureMs;
  let answers = 0;
  const ask = async () => {
    for (let now = performance.now(); now < end; now = performance.now()) {
      const answer = await pool.request({ ...request, body });
      if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}.`);
      const text = await answer.body.text();
      if (text.startsWith('{"errors"')) throw new Error(`${url} refused: ${text.slice(0, 500)}`); // GraphQL says so with a 200
      if (now >= start) answers += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: load.connections }, ask));
    return answers / ((performance.now() - start) / 1_000);
  } finally {
    await pool.close();
  }
}

/** One answer, read. */
export async function answerOf<Data>({ url, path, body, ...request }: Target): Promise<Data> {
  const answer = await fetch(url + path, { ...request, ...(body === undefined ? {} : { body }) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Data;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('There is nothing to take the median of.');
  return middle;
}
