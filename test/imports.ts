import { bySystem } from '../domain/audit/record-audit.ts';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FileStore } from '../domain/contacts/import/file.ts';
import { importContacts, type RunReport } from '../domain/contacts/import/import-contacts.ts';
import type { ImportSettings } from '../domain/contacts/import/settings.ts';
import { type NewImport, startImport } from '../domain/contacts/import/start-import.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import type { Storage } from '../runtime/storage.ts';
import { mutate } from './ask.ts';
import type { GraphQLAnswer, Person } from './fixtures.ts';

export const importSettings: ImportSettings = {
  importPageRecords: 100,
  importPagesAtOnce: 3,
  importLeaseMs: 20_000,
  importSliceMs: 60_000,
  importRecordsMax: 100_000,
  importColumnsMax: 100,
  importCellBytesMax: 10_240,
  importAttemptsMax: 5,
};

type Answer = GraphQLAnswer['data'];

/** Sends a file as a front end does; gives the upload's global id. */
export async function upload(person: Person, file: string | Buffer): Promise<string> {
  const body = Buffer.from(file as string);
  const input = { fileName: 'people.csv', contentType: 'text/csv', byteSize: body.length };
  const made = await mutate(person, 'uploadCreate', input, '... on Upload { id url }');
  if (!made['url']) throw new Error(JSON.stringify(made));
  const answer = await fetch(made['url'], { method: 'PUT', body });
  if (answer.status !== 204) throw new Error(await answer.text());
  return made['id'];
}

/** Asks for an import; gives the mutation's answer. */
export function askForImport(person: Person, uploadId: string, options: Record<string, unknown> = {}): Promise<Answer> {
  return mutate(person, 'contactsImport', { uploadId, ...options }, '... on ContactImport { id status }');
}

/** Uploads a file and asks for its import, which must be accepted; gives the import's global id. */
export async function beginImport(
  person: Person,
  file: string | Buffer,
  options: Record<string, unknown> = {},
): Promise<string> {
  const made = await askForImport(person, await upload(person, file), options);
  if (made['__typename'] !== 'ContactImport') throw new Error(JSON.stringify(made));
  return made['id'];
}

export type Services = { db: Db; storage: FileStore };

/** One run over an import (by its global id or the row's own), as a worker does it. */
export function runImport(
  { db, storage }: Services,
  person: Pick<Person, 'tenantId'>,
  importId: string,
  settings: Partial<ImportSettings> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<RunReport> {
  const job = { tenantId: person.tenantId, importId: ownId(importId) };
  return importContacts(db, storage, job, { ...importSettings, ...settings }, signal);
}

/** The row's own id, of that or of the global one. */
function ownId(id: string): string {
  return id.includes('-') ? id : (Buffer.from(id, 'base64').toString('utf8').split(':')[1] ?? id);
}

/** Everything of an import that a client can see. */
export async function readImport(person: Person, id: string): Promise<Answer> {
  const answer = await person.graphql(
    `query ($id: ID!) { node(id: $id) { ... on ContactImport {
      status dryRun total done created updated skipped failed progress startedAt finishedAt errorFileUrl
      failure { code message line } format { encoding delimiter columns { name field customField ignored guessed } }
      errors(first: 100) { nodes { outcome record line column value code message expected } pageInfo { hasNextPage endCursor } } } } }`,
    { id },
  );
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data['node'];
}

/** The same, from the file to the end of its import. */
export async function importFile(
  services: Services,
  person: Person,
  file: string | Buffer,
  options: Record<string, unknown> = {},
  settings: Partial<ImportSettings> = {},
): Promise<Answer> {
  const id = await beginImport(person, file, options);
  await runImport(services, person, id, settings);
  return { id, ...(await readImport(person, id)) };
}

/** The totals of an import, to be compared at once. */
export const totalsOf = ({ total, created, updated, skipped, failed }: Answer) => ({
  total,
  created,
  updated,
  skipped,
  failed,
});

/** The error file as it is, byte order mark included. */
export async function downloadErrors({ errorFileUrl }: Answer): Promise<string> {
  const answer = await fetch(errorFileUrl);
  if (!answer.ok) throw new Error(await answer.text());
  return Buffer.from(await answer.arrayBuffer()).toString('utf8');
}

/** An import of a file by a tenant without people, written straight into the tables. Gives the row's own id. */
export async function makeImport(
  { db, storage }: { db: Db; storage: Pick<Storage, 'putStream'> },
  tenantId: string,
  file: string | Buffer,
  options: Partial<NewImport> = {},
): Promise<string> {
  const body = Buffer.from(file as string);
  const uploadId = randomUUID();
  const storageKey = `${tenantId}/uploads/${uploadId}/file`;
  await storage.putStream(storageKey, Readable.from([body]));
  return inTenant(db, tenantId, async (tx) => {
    await tx.upload.create({
      data: {
        tenantId,
        id: uploadId,
        fileName: 'people.csv',
        contentType: 'text/csv',
        byteSize: body.length,
        tokenHash: Buffer.alloc(32),
        status: 'RECEIVED',
        storageKey,
        expiresAt: new Date(Date.now() + 3_600_000),
      },
    });
    const asked = {
      uploadId,
      mapping: [],
      defaultCountry: 'BR',
      consents: [],
      isDryRun: false,
      onConflict: 'UPDATE' as const,
      ...options,
    };
    return (await startImport(tx, bySystem(tenantId), asked, new Date())).id;
  });
}

/** The row of an import. */
export function importRow(db: Db, tenantId: string, importId: string) {
  return inTenant(db, tenantId, (tx) =>
    tx.contactImport.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id: importId } } }),
  );
}

/** Whoever had the lease of an import is gone, and its time is over. */
export async function endLease(db: Db, tenantId: string, importId: string): Promise<void> {
  await inTenant(db, tenantId, (tx) =>
    tx.contactImport.updateMany({ where: { tenantId, id: importId }, data: { leaseUntil: new Date(0) } }),
  );
}

/** A storage that gives a file only when it is told to; `reached` when it is asked for one. */
export function gatedStore(storage: FileStore): { store: FileStore; reached: Promise<void>; open: () => void } {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const store: FileStore = {
    exists: (key) => storage.exists(key),
    async getStream(key) {
      const bytes = await (await storage.getStream(key)).toArray();
      return Readable.from(
        (async function* () {
          reached.resolve();
          await opened.promise;
          yield Buffer.concat(bytes as Buffer[]);
        })(),
      );
    },
  };
  return { store, reached: reached.promise, open: opened.resolve };
}
