import { createReadStream, createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type Client, createClient } from '../client.ts';
import { countErrors } from '../demo/import-contacts.ts';
import { importCsv } from '../import-csv.ts';
import { startLocalDatabase, startStack } from '../local-stack.ts';
import { type Bench, row } from './report.ts';

/** One record in so many has a telephone that cannot be one. */
const badEvery = 100;

/** CSV import by one worker, beside COPY of the same file into a table without keys, policies or anything to decide. */
export const bench: Bench = async (say) => {
  await using database = await startLocalDatabase();
  await using stack = await startStack(database.urls, { workers: 1 });
  const [worker] = stack.workers;
  const pid = worker?.process.pid;
  if (pid === undefined) throw new Error('The worker has no process.');
  await using folder = await temporaryFolder();
  const owner = await signUp(stack.apiUrl);

  say('warming up');
  await importCsv(owner, 'warm-up.csv', new Blob([...contactsCsv('warm-up', 20_000)]));
  const rows = [];
  for (const [name, count] of [['100k', 100_000] as const, ['1M', 1_000_000] as const]) {
    const file = join(folder.path, `${name}.csv`);
    await pipeline(Readable.from(contactsCsv(name, count)), createWriteStream(file));
    say(`${name}: plain COPY of the file`);
    const copied = await copyRate(database.server.url('parley'), file, count);
    say(`${name}: import`);
    const before = await residentMegabytes(pid);
    await using peak = watchPeak(pid);
    const done = await importCsv(owner, `${name}.csv`, await openAsBlob(file));
    const ours = count / ((Date.parse(done.finishedAt) - Date.parse(done.startedAt)) / 1_000);
    await checkTotals(done, count);
    rows.push(
      row(
        { name, ours, unit: 'records/s', reference: copied, referenceName: 'records/s, plain COPY' },
        { of: 'ours', atLeast: 10_000 },
      ),
    );
    if (name === '1M') {
      const grown = Math.max(0, peak.megabytes() - before);
      rows.push(
        row(
          { name: 'memory', ours: grown, unit: 'MB', reference: before, referenceName: 'MB before' },
          { of: 'ours', below: 100 },
        ),
      );
    }
  }
  return rows;
};

/** The totals and the error file are exact, or the figure is worth nothing. */
async function checkTotals(done: Awaited<ReturnType<typeof importCsv>>, count: number): Promise<void> {
  const { created, updated, skipped, failed, total } = done;
  const expected = {
    total: count,
    created: count - count / badEvery,
    updated: 0,
    skipped: 0,
    failed: count / badEvery,
  };
  if (JSON.stringify({ total, created, updated, skipped, failed }) !== JSON.stringify(expected)) {
    throw new Error(`The totals are wrong: ${JSON.stringify(done)}`);
  }
  if ((await countErrors(done, ',')) !== failed) throw new Error('The error file does not hold every failed record.');
}

/** As a shop exports its customers; the series keeps two files apart. */
function* contactsCsv(series: 'warm-up' | '100k' | '1M', count: number): Generator<string> {
  yield 'name,phone,email,external_id,tags,city,birth_date\n';
  const offset = { 'warm-up': 0, '100k': 10_000_000, '1M': 20_000_000 }[series];
  for (let index = 0; index < count; index += 1) {
    const phone = index % badEvery === 7 ? '12' : `+5511${900_000_000 + offset + index}`;
    const day = String(1 + (index % 28)).padStart(2, '0');
    yield `"Silva, Ana ${index}",${phone},ana.${series}.${index}@example.com,${series}-${index},"vip,varejo",São Paulo,1990-05-${day}\n`;
  }
}

async function copyRate(databaseUrl: string, file: string, count: number): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      'create table plain_copy (name text, phone text, email text, external_id text, tags text, city text, birth_date text)',
    );
    const started = performance.now();
    await pipeline(
      createReadStream(file),
      client.query(copyFrom('copy plain_copy from stdin with (format csv, header)')),
    );
    const seconds = (performance.now() - started) / 1_000;
    await client.query('drop table plain_copy');
    return count / seconds;
  } finally {
    await client.end();
  }
}

async function signUp(apiUrl: string): Promise<Client> {
  const visitor = createClient(apiUrl);
  const { signUp } = await visitor.run<{ signUp: { accessToken: string } }>(
    `mutation ($input: SignUpInput!) { signUp(input: $input) { __typename ... on Session { accessToken } ... on UserError { message } } }`,
    {
      input: {
        tenantName: 'Bench',
        name: 'Bench',
        email: 'bench@example.com',
        password: 'only for this bench',
        country: 'BR',
        timeZone: 'America/Sao_Paulo',
      },
    },
  );
  return visitor.as(signUp.accessToken);
}

async function residentMegabytes(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kilobytes === undefined) throw new Error('The system does not say how much memory the worker holds.');
  return Number(kilobytes) / 1_024;
}

/** Looks at a process's memory five times a second, until it is disposed. */
function watchPeak(pid: number): AsyncDisposable & { megabytes(): number } {
  const stop = new AbortController();
  let peak = 0;
  const watching = (async () => {
    while (!stop.signal.aborted) {
      peak = Math.max(peak, await residentMegabytes(pid));
      await pause(200);
    }
  })();
  return {
    megabytes: () => peak,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'parley-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
