import { parse } from 'csv-parse/sync';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from './client.ts';
import type { DemoFile, Fate } from './contacts-csv.ts';

export type ImportTotals = Record<'total' | Fate, number>;
type ContactImport = ImportTotals & { id: string; status: string; errorFileUrl: string | null };

/** Uploads the file as a front end would, starts its import and follows it to the end. */
export async function importContacts(
  client: Client,
  { csv, known }: DemoFile,
  onProgress: (progress: ImportTotals) => void,
): Promise<ContactImport> {
  for (const { name, phone } of known.slice(0, 3)) await createContact(client, name, phone);
  await importKnown(client, known.slice(3));
  return runImport(client, 'customers.csv', csv, onProgress);
}

async function createContact(client: Client, name: string, phone: string): Promise<void> {
  await client.run(
    `mutation ($input: ContactCreateInput!) { contactCreate(input: $input) { __typename ... on UserError { message } } }`,
    { input: { name, phone } },
  );
}

/** Those whom the shop knows before the demo's own import: brought in the same way. */
async function importKnown(client: Client, known: DemoFile['known']): Promise<void> {
  if (known.length === 0) return;
  const csv = ['name,phone', ...known.map(({ name, phone }) => `${name},${phone}`)].join('\n');
  const { created } = await runImport(client, 'known.csv', csv, () => {});
  if (created !== known.length) throw new Error(`Of ${known.length} known contacts only ${created} were imported.`);
}

async function runImport(
  client: Client,
  fileName: string,
  csv: string,
  onProgress: (progress: ImportTotals) => void,
): Promise<ContactImport> {
  const body = Buffer.from(csv);
  const { uploadCreate } = await client.run<{ uploadCreate: { id: string; url: string } }>(
    `mutation ($input: UploadCreateInput!) { uploadCreate(input: $input) { __typename ... on Upload { id url } ... on UserError { message } } }`,
    { input: { fileName, contentType: 'text/csv', byteSize: body.length } },
  );
  const stored = await fetch(uploadCreate.url, { method: 'PUT', headers: { 'content-type': 'text/csv' }, body });
  if (!stored.ok) throw new Error(`The upload was answered ${stored.status}: ${await stored.text()}`);

  const { contactsImport } = await client.run<{ contactsImport: { id: string } }>(
    `mutation ($input: ContactsImportInput!) { contactsImport(input: $input) { __typename ... on ContactImport { id } ... on UserError { message } } }`,
    {
      input: {
        uploadId: uploadCreate.id,
        defaultCountry: 'BR',
        onConflict: 'UPDATE',
        consent: { purpose: 'MARKETING', channel: 'WHATSAPP', proof: 'demo' },
      },
    },
  );
  for (;;) {
    const { node } = await client.run<{ node: ContactImport }>(
      `query ($id: ID!) { node(id: $id) { ... on ContactImport { id status total created updated skipped failed errorFileUrl } } }`,
      { id: contactsImport.id },
    );
    onProgress(node);
    if (node.status === 'FINISHED') return node;
    if (node.status === 'FAILED' || node.status === 'CANCELLED') throw new Error(`The import ended as ${node.status}.`);
    await pause(200);
  }
}

/** Every number of the import against what the file holds and what the API shows now. Returns what does not agree. */
export async function reconcile(client: Client, file: DemoFile, done: ContactImport): Promise<string[]> {
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
  const rejected = done.errorFileUrl
    ? parse(await (await fetch(done.errorFileUrl)).text(), { bom: true, from_line: 2 })
    : [];
  compare('records in the error file', rejected.length, done.failed);
  return wrong;
}
