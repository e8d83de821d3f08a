import type { OnConflict } from '../domain/contacts/import/decide.ts';
import { errorFileLink, errorFileLinkMs } from '../domain/contacts/import/error-file.ts';
import type { Format } from '../domain/contacts/import/prepare.ts';
import { cancelImport, startImport } from '../domain/contacts/import/start-import.ts';
import { problemsShown } from '../domain/contacts/import/store-report.ts';
import { signLink } from '../domain/links.ts';
import { type KeyColumn, prismaPage } from '../domain/page.ts';
import { builder, type Context } from './builder.ts';
import { ConsentChannel, ConsentPurpose } from './consents.ts';
import {
  ContactImportError,
  ContactImportFailure,
  ContactImportField,
  ContactImportFormat,
  ContactImportOnConflict,
  ContactImportStatus,
} from './contact-import-types.ts';
import { connectionOf, keyset, nestedPage, readPage } from './keyset.ts';
import { personal, withheldFromOthers } from './masking.ts';
import { amongOwn, rowId } from './node.ts';
import { Upload } from './uploads.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const inFileOrder: KeyColumn[] = [
  { field: 'record', column: 'record', type: 'number', descending: false },
  { field: 'position', column: 'position', type: 'number', descending: false },
];

export const ContactImport = builder.prismaNode('ContactImport', {
  description:
    'A file of contacts on its way in. At every moment `created + updated + skipped + failed = done`, and in the end `done = total`.',
  authScopes: { may: 'contacts.import' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    status: t.field({
      type: ContactImportStatus,
      description: 'How far it is.',
      select: { status: true },
      resolve: ({ status }) => status as typeof ContactImportStatus.$inferType,
    }),
    upload: t.relation('upload', { type: Upload, description: 'The file.' }),
    dryRun: t.exposeBoolean('dryRun', {
      description: 'Whether it only says what an import would do. The totals are the same, and no contact is touched.',
    }),
    onConflict: t.field({
      type: ContactImportOnConflict,
      description: 'What happens to people who are contacts already.',
      select: { onConflict: true },
      resolve: ({ onConflict }) => onConflict as OnConflict,
    }),
    defaultCountry: t.exposeString('defaultCountry', { description: 'The country of local telephone numbers.' }),
    format: t.field({
      type: ContactImportFormat,
      nullable: true,
      description: 'What the file turned out to be; null before it was first read.',
      select: { format: true },
      resolve: ({ format }) => format as unknown as Format | null,
    }),
    total: t.exposeInt('total', {
      nullable: true,
      description: 'How many records the file has, the header left out; null before it was first read.',
    }),
    done: t.exposeInt('recordsDone', { description: 'How many records have been dealt with.' }),
    created: t.exposeInt('created', { description: 'How many records made a contact.' }),
    updated: t.exposeInt('updated', { description: 'How many records were of somebody known.' }),
    skipped: t.exposeInt('skipped', {
      description: 'How many records were left out: doubled, empty, or of people known already.',
    }),
    failed: t.exposeInt('failed', { description: 'How many records were wrong.' }),
    progress: t.float({
      description: 'The part of the records that has been dealt with, from 0 to 1.',
      select: { recordsDone: true, total: true },
      resolve: ({ recordsDone, total }) => (total ? recordsDone / total : 0),
    }),
    failure: t.field({
      type: ContactImportFailure,
      nullable: true,
      description: 'Why it failed as a whole.',
      select: { failureCode: true, failureMessage: true, failureLine: true },
      resolve: (failure) => (failure.failureCode === null ? null : failure),
    }),
    errors: t.connection(
      {
        type: ContactImportError,
        description: `Why records were failed or skipped, in the order of the file: the first ${problemsShown}. Every failed record is in the error file.`,
        select: (args, _ctx, nested) => ({
          problems: nestedPage<'record' | 'position'>(inFileOrder, args, nested, 'ContactImportError'),
        }),
        resolve: ({ problems }, args) => connectionOf(inFileOrder, readPage(inFileOrder, args), problems),
      },
      { name: 'ContactImportErrorConnection', description: 'A page of what was wrong with records.' },
      { name: 'ContactImportErrorEdge', description: 'What was wrong with a record, on a page.' },
    ),
    errorFileUrl: t.string({
      ...personal,
      nullable: true,
      description:
        'Where every failed record so far can be downloaded as CSV, with its line and what was wrong in two more columns: correct it and ' +
        `upload it again. Works without signing in for ${errorFileLinkMs / 60_000} minutes. Null when no record failed, and where telephone numbers are shown to you in part and the file is not yours.`,
      select: { id: true, tenantId: true, failed: true, upload: { select: { createdBy: true } } },
      resolve: async ({ id, tenantId, failed, upload }, _args, ctx) => {
        if (!withheldFromOthers(ctx, upload.createdBy, failed)) return null;
        const { services } = ctx;
        const { actor: by } = await ctx.signedIn();
        const expiresAt = new Date(services.now().getTime() + errorFileLinkMs);
        const token = signLink(services.keys.secrets, errorFileLink, { tenantId, id, by, expiresAt });
        return `${services.publicUrl}/imports/${token}/errors.csv`;
      },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When its work began.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it was over.' }),
  }),
});

const newestFirst: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];

builder.queryField('contactImports', (t) =>
  t.connection(
    {
      type: ContactImport,
      description: 'The tenant’s imports of contacts, the newest first.',
      authScopes: { may: 'contacts.import' },
      resolve: async (_root, args, ctx, info) => {
        const { tenantId } = await ctx.signedIn();
        return keyset(newestFirst, args, ctx, info, (page, query) => {
          const { where, ...rest } = prismaPage(page);
          return ctx.tx.contactImport.findMany({ ...query, ...rest, where: { AND: [{ tenantId }, where] } });
        });
      },
    },
    { name: 'ContactImportConnection', description: 'A page of imports.' },
    { name: 'ContactImportEdge', description: 'An import on a page.' },
  ),
);

const ContactImportMappingInput = builder.inputType('ContactImportMappingInput', {
  description: 'What one column of the file is: a field of contacts or a custom field.',
  fields: (t) => ({
    column: t.string({ required: true, description: 'The column’s header.' }),
    field: t.field({ type: ContactImportField, description: 'The field of contacts.' }),
    customField: t.string({ description: 'The key of a custom field.' }),
  }),
});

const ContactImportConsentInput = builder.inputType('ContactImportConsentInput', {
  description:
    'A consent of everybody in the file. It never overrides a withdrawal, and a consent column of the file goes before it.',
  fields: (t) => ({
    purpose: t.field({ type: ConsentPurpose, required: true, description: 'What about.' }),
    channel: t.field({ type: ConsentChannel, required: true, description: 'Where.' }),
    granted: t.boolean({ defaultValue: true, required: true, description: 'Granted, or withdrawn.' }),
    proof: t.string({ description: 'How it is known: a form, a campaign, a document. At most 2,000 characters.' }),
    givenAt: t.field({ type: 'DateTime', description: 'When they said so; now, when left out.' }),
  }),
});

const ContactsImportInput = builder.inputType('ContactsImportInput', {
  description: 'Which file to import, and how.',
  fields: (t) => ({
    uploadId: t.id({
      required: true,
      description: 'The upload, once its file has arrived. It is imported once; dry runs do not count.',
    }),
    mapping: t.field({
      type: [ContactImportMappingInput],
      description: 'What columns are, where their names do not say it, or say it wrongly. The others are guessed.',
    }),
    defaultCountry: t.string({
      description: 'ISO 3166-1 alpha-2: the country of local telephone numbers. The tenant’s own when left out.',
    }),
    consent: t.field({ type: [ContactImportConsentInput], description: 'Consents of everybody in the file.' }),
    dryRun: t.boolean({
      defaultValue: false,
      required: true,
      description: 'Only say what the import would do: the same totals and errors, and no contact is touched.',
    }),
    onConflict: t.field({
      type: ContactImportOnConflict,
      defaultValue: 'UPDATE',
      required: true,
      description: 'What to do with people who are contacts already.',
    }),
    ...idempotencyKey(t),
  }),
});

const readImport = (ctx: Context, info: Parameters<typeof selection>[1]) => (made: { id: string }) =>
  ctx.tx.contactImport.findUnique({ ...selection(ctx, info, 'ContactImport'), where: amongOwn(made.id, ctx) });

builder.mutationField('contactsImport', (t) =>
  t.field({
    type: ContactImport,
    nullable: true,
    description:
      'Imports a file of contacts in the background: CSV in UTF-8, UTF-16 or Windows-1252/1254, with a header. Of two records for one ' +
      'person the first counts and the later is skipped. Follow its `progress`; what is wrong with single records is in `errors`.',
    authScopes: { may: 'contacts.import' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactsImportInput, required: true, description: 'The file, and how.' }) },
    resolve: (_root, { input }, ctx, info) =>
      write(
        ctx,
        info,
        input,
        (tx, viewer) =>
          startImport(
            tx,
            viewer,
            {
              uploadId: rowId('Upload', input.uploadId),
              mapping: input.mapping ?? [],
              defaultCountry: input.defaultCountry ?? null,
              consents: input.consent ?? [],
              isDryRun: input.dryRun,
              onConflict: input.onConflict,
            },
            ctx.services.now(),
          ),
        readImport(ctx, info),
      ),
  }),
);

const ContactsImportCancelInput = builder.inputType('ContactsImportCancelInput', {
  description: 'Which import to end.',
  fields: (t) => ({
    importId: t.id({ required: true, description: 'The import.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('contactsImportCancel', (t) =>
  t.field({
    type: ContactImport,
    nullable: true,
    description: 'Ends an import that is not over. What was done stays; nothing more is done.',
    authScopes: { may: 'contacts.import' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactsImportCancelInput, required: true, description: 'The import.' }) },
    resolve: (_root, { input }, ctx, info) =>
      write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => cancelImport(tx, tenantId, rowId('ContactImport', input.importId)),
        readImport(ctx, info),
      ),
  }),
);
