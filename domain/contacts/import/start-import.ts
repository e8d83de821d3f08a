import type { Tx } from '../../../prisma/client.ts';
import { type Answerable, recordAudit } from '../../audit/record-audit.ts';
import { ConflictError, NotFoundError, problems } from '../../errors.ts';
import { enqueue } from '../../jobs.ts';
import { isCountry } from '../../places.ts';
import type { ConsentInput } from '../consent-input.ts';
import { checkConsents } from '../consent-input.ts';
import { foldText } from '../text.ts';
import type { ColumnMapping } from './columns.ts';
import type { OnConflict } from './decide.ts';
import { type ImportField, manyColumns, type Target } from './fields.ts';
import { importContactsJob } from './jobs.ts';
import { endImport } from './run-state.ts';
import type { FileConsent } from './store-contacts.ts';

export type ColumnInput = {
  column: string;
  field?: ImportField | null | undefined;
  customField?: string | null | undefined;
};

export type NewImport = {
  uploadId: string;
  mapping: readonly ColumnInput[];
  /** The tenant's own when left out. */
  defaultCountry: string | null;
  consents: readonly Omit<ConsentInput, 'source'>[];
  isDryRun: boolean;
  onConflict: OnConflict;
};

const columnsMax = 1_000;

/** Asks for an import of a file that has arrived. The file itself is read in the background. */
export async function startImport(tx: Tx, by: Answerable, input: NewImport, now: Date): Promise<{ id: string }> {
  const { tenantId, actor } = by;
  const { uploadId, isDryRun, onConflict } = input;
  const mapping = await checkMapping(tx, tenantId, input.mapping);
  const defaultCountry = await checkCountry(tx, tenantId, input.defaultCountry);
  const consents = checkFileConsents(input.consents, now);
  const upload = await tx.upload.findUnique({ where: { tenantId_id: { tenantId, id: uploadId } } });
  if (!upload) throw new NotFoundError('There is no such upload.');
  if (upload.status !== 'RECEIVED') throw new ConflictError('uploadId: The file has not arrived yet.', at);

  const [made] = await tx.contactImport.createManyAndReturn({
    data: [
      { tenantId, uploadId, dryRun: isDryRun, onConflict, defaultCountry, mapping, consents, createdBy: actor.id },
    ],
    skipDuplicates: true, // an upload is imported once: a unique index decides, whoever comes at the same time
    select: { id: true },
  });
  if (!made) {
    const first = await tx.contactImport.findFirst({
      where: { tenantId, uploadId, dryRun: false, NOT: { status: 'FAILED', total: null } },
      select: { id: true },
    });
    throw new ConflictError('uploadId: This upload was imported already.', {
      ...at,
      ...(first ? { conflicting: { typename: 'ContactImport', id: first.id } } : {}),
    });
  }
  if (!upload.storageKey) throw new ConflictError('uploadId: The file is no longer there. Please upload it again.', at);
  await enqueue(tx, importContactsJob, { tenantId, importId: made.id });
  await recordAudit(tx, by, {
    action: 'contacts.import',
    target: { type: 'ContactImport', id: made.id },
    after: {
      dryRun: isDryRun,
      onConflict,
      consents: consents.map(({ purpose, channel, granted }) => ({ purpose, channel, granted })),
    },
  });
  return made;
}

/** Ends an import that is not over. What was done stays; the page in hand is done or not, as a whole. */
export async function cancelImport(tx: Tx, tenantId: string, importId: string): Promise<{ id: string }> {
  const { count } = await tx.contactImport.updateMany({
    where: { tenantId, id: importId, status: { in: ['PENDING', 'RUNNING'] } },
    data: { status: 'CANCELLED' },
  });
  if (count > 0) {
    await endImport(tx, tenantId, importId);
    return { id: importId };
  }
  const found = await tx.contactImport.findUnique({
    where: { tenantId_id: { tenantId, id: importId } },
    select: { status: true },
  });
  if (!found) throw new NotFoundError('There is no such import.');
  if (found.status !== 'CANCELLED') throw new ConflictError('This import is over.');
  return { id: importId };
}

const at = { path: 'uploadId' };

/** What can be said of a mapping without the file. */
async function checkMapping(tx: Tx, tenantId: string, given: readonly ColumnInput[]): Promise<ColumnMapping[]> {
  const found = problems();
  if (given.length > columnsMax) found.add('mapping', `Expected at most ${columnsMax} columns.`);
  const fields = await tx.customField.findMany({ where: { tenantId, deletedAt: null }, select: { key: true } });
  const columns = new Set<string>();
  const targets = new Set<string>();
  const mapping = given.slice(0, columnsMax).map(({ column, field, customField }, index): ColumnMapping => {
    const path = `mapping.${index}`;
    const folded = foldText(column.trim());
    if (folded === '' || column.includes('\0') || column.length > 1_000) {
      found.add(`${path}.column`, 'Expected the name of a column.');
    }
    if (columns.has(folded)) found.add(`${path}.column`, 'Expected each column once.');
    columns.add(folded);
    const target = readTarget(field, customField);
    if (!target) {
      found.add(path, 'Expected either a field or a custom field.');
      return { column, field: 'IGNORE' };
    }
    if ('customField' in target && !fields.some(({ key }) => key === target.customField)) {
      found.add(`${path}.customField`, 'Expected the key of a custom field.');
    }
    const name = 'field' in target ? target.field : `custom:${target.customField}`;
    if (targets.has(name) && !('field' in target && manyColumns.has(target.field))) {
      found.add(path, 'Expected one column for each field; only PHONE and TAGS may have several.');
    }
    targets.add(name);
    return { column, ...target };
  });
  found.throwIfAny();
  return mapping;
}

function readTarget(field: ColumnInput['field'], customField: ColumnInput['customField']): Target | undefined {
  if (field && !customField) return { field };
  return customField && !field ? { customField } : undefined;
}

async function checkCountry(tx: Tx, tenantId: string, given: string | null): Promise<string> {
  if (given === null) {
    const { country } = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { country: true } });
    return country;
  }
  const country = given.trim().toUpperCase();
  const found = problems();
  if (!isCountry(country)) found.add('defaultCountry', 'Expected a country by ISO 3166-1 alpha-2, as BR.');
  found.throwIfAny();
  return country;
}

function checkFileConsents(given: NewImport['consents'], now: Date): FileConsent[] {
  const checked = checkConsents(
    given.map((consent) => ({ ...consent, source: 'IMPORT' })),
    now,
    (index) => `consent.${index}.`,
  );
  const found = problems();
  const seen = new Set<string>();
  for (const [index, { purpose, channel }] of checked.entries()) {
    if (seen.has(`${purpose} ${channel}`)) found.add(`consent.${index}`, 'Expected each purpose and channel once.');
    seen.add(`${purpose} ${channel}`);
  }
  found.throwIfAny();
  return checked.map(({ purpose, channel, granted, proof, givenAt }) => {
    return { purpose, channel, granted, proof, givenAt: givenAt.toISOString() };
  });
}
