import { parse } from 'csv-parse/sync';
import type { Client } from '../client.ts';
import { type FinishedImport, importCsv, type ImportTotals } from '../import-csv.ts';
import type { DemoFile } from './contacts-csv.ts';

/** Brings in those whom the shop knows already, then the demo's file. */
export async function importContacts(
  client: Client,
  { csv, known }: DemoFile,
  onProgress: (progress: ImportTotals) => void,
): Promise<FinishedImport> {
  const [first, ...others] = known;
  if (first) {
    const mutation = `mutation ($input: ContactCreateInput!) { contactCreate(input: $input) { __typename ... on UserError { message } } }`;
    await client.run(mutation, { input: first });
  }
  if (others.length > 0) {
    const lines = ['name,phone', ...others.map(({ name, phone }) => `${name},${phone}`)];
    const { created } = await importCsv(client, 'known.csv', new Blob([lines.join('\n')]));
    if (created !== others.length) throw new Error(`Of ${others.length} known contacts ${created} were imported.`);
  }
  return importCsv(client, 'customers.csv', new Blob([csv]), onProgress);
}

/** Every number of the import against what the file holds and what the API shows now. Returns what does not agree. */
export async function reconcile(client: Client, file: DemoFile, done: FinishedImport): Promise<string[]> {
  const wrong: string[] = [];
  const compare = (what: string, found: number, expected: number) => {
    if (found !== expected) wrong.push(`${what}: ${found} instead of ${expected}`);
  };
  for (const fate of ['created', 'updated', 'skipped', 'failed'] as const) {
    compare(fate, done[fate], file.records.filter((record) => record.fate === fate).length);
  }
  compare('records', done.total, file.records.length);
  compare('created + updated + skipped + failed', done.created + done.updated + done.skipped + done.failed, done.total);
  const { contacts } = await client.run<{ contacts: { totalCount: number } }>('{ contacts(first: 1) { totalCount } }');
  compare('contacts', contacts.totalCount, done.created + file.known.length);
  compare('records in the error file', await countErrors(done, ';'), done.failed);
  return wrong;
}

/** How many records the file of failed records holds; it is written as the file that was sent. */
export async function countErrors({ errorFileUrl }: FinishedImport, delimiter: ',' | ';'): Promise<number> {
  if (errorFileUrl === null) return 0;
  const answer = await fetch(errorFileUrl);
  if (!answer.ok) throw new Error(`The error file was answered ${answer.status}.`);
  const records: unknown[] = parse(await answer.text(), { bom: true, columns: true, delimiter });
  return records.length;
}
