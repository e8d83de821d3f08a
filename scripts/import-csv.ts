import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from './client.ts';

export type ImportTotals = Record<'created' | 'updated' | 'skipped' | 'failed', number> & { total: number | null };
export type FinishedImport = ImportTotals & {
  id: string;
  total: number;
  startedAt: string;
  finishedAt: string;
  errorFileUrl: string | null;
};
type ContactImport = ImportTotals &
  Pick<FinishedImport, 'id' | 'errorFileUrl'> &
  Record<'status' | 'startedAt' | 'finishedAt', string>;

/** Uploads a CSV as a front end would, starts its import and follows it to the end. */
export async function importCsv(
  client: Client,
  fileName: string,
  body: Blob,
  onProgress: (progress: ImportTotals) => void = () => {},
): Promise<FinishedImport> {
  const { uploadCreate } = await client.run<{ uploadCreate: { id: string; url: string } }>(
    `mutation ($input: UploadCreateInput!) { uploadCreate(input: $input) { __typename ... on Upload { id url } ... on UserError { message } } }`,
    { input: { fileName, contentType: 'text/csv', byteSize: body.size } },
  );
  const stored = await fetch(uploadCreate.url, { method: 'PUT', headers: { 'content-type': 'text/csv' }, body });
  if (!stored.ok) throw new Error(`The upload was answered ${stored.status}: ${await stored.text()}`);

  const consent = { purpose: 'MARKETING', channel: 'WHATSAPP', proof: 'Agreed in the shop' };
  const { contactsImport } = await client.run<{ contactsImport: { id: string } }>(
    `mutation ($input: ContactsImportInput!) { contactsImport(input: $input) { __typename ... on ContactImport { id } ... on UserError { message } } }`,
    { input: { uploadId: uploadCreate.id, defaultCountry: 'BR', onConflict: 'UPDATE', consent } },
  );
  for (;;) {
    const { node } = await client.run<{ node: ContactImport }>(
      `query ($id: ID!) { node(id: $id) { ... on ContactImport {
        id status total created updated skipped failed startedAt finishedAt errorFileUrl } } }`,
      { id: contactsImport.id },
    );
    onProgress(node);
    if (node.status === 'FINISHED' && node.total !== null) return { ...node, total: node.total };
    if (node.status === 'FAILED' || node.status === 'CANCELLED') throw new Error(`The import ended as ${node.status}.`);
    await pause(200);
  }
}
