import type { Bench, Row } from './bench/report.ts';
import { table } from './bench/report.ts';

/** Every benchmark by its name; each file starts what it needs. */
const benches: Record<string, () => Promise<{ bench: Bench }>> = {
  reads: () => import('./bench/reads.ts'),
  gateway: () => import('./bench/gateway.ts'),
  import: () => import('./bench/import.ts'),
  sends: () => import('./bench/sends.ts'),
  webhooks: () => import('./bench/webhooks.ts'),
  recovery: () => import('./bench/recovery.ts'),
};

/** Runs one benchmark, or `all`: a table for people and, last, one line of JSON for programs. */
export async function runBench(name: string, print: (line: string) => void): Promise<void> {
  const names = name === 'all' ? Object.keys(benches) : [name];
  const rows: Row[] = [];
  for (const one of names) {
    const found = await measure(one, print);
    print(`\n${table(found)}\n`);
    rows.push(...(name === 'all' ? found.map((row) => ({ ...row, name: `${one}: ${row.name}` })) : found));
  }
  print(JSON.stringify({ bench: name, rows }));
}

async function measure(name: string, print: (line: string) => void): Promise<Row[]> {
  const load = benches[name];
  if (!load) throw new Error(`There is no benchmark "${name}".`);
  const { bench } = await load();
  return bench((line) => print(`${name}: ${line}`));
}

if (import.meta.main) {
  const [name = ''] = process.argv.slice(2);
  if (name === 'all' || Object.hasOwn(benches, name)) {
    await runBench(name, console.log);
  } else {
    console.error(`Which benchmark? npm run bench -- NAME, one of: ${[...Object.keys(benches), 'all'].join(', ')}.`);
    process.exitCode = 2;
  }
}
