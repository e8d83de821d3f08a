import type { ProblemCode } from '../domain/contacts/import/check-record.ts';
import type { Column } from '../domain/contacts/import/columns.ts';
import type { OnConflict } from '../domain/contacts/import/decide.ts';
import type { ImportField } from '../domain/contacts/import/fields.ts';
import type { ImportFailureCode } from '../domain/contacts/import/import-failure.ts';
import type { Format } from '../domain/contacts/import/prepare.ts';
import { builder } from './builder.ts';
import { personal, withheldFromOthers } from './masking.ts';

type Described<Value extends string> = Record<Value, { description: string }>;

export const ContactImportStatus = builder.enumType('ContactImportStatus', {
  description: 'How far an import is.',
  values: {
    PENDING: { description: 'Waiting for its turn.' },
    RUNNING: { description: 'Reading the file and storing its records.' },
    FINISHED: { description: 'Every record was created, updated, skipped or failed.' },
    CANCELLED: { description: 'Ended on request. What was done stays and is counted; the rest was not looked at.' },
    FAILED: { description: 'The file as a whole could not be imported: `failure` says why.' },
  } as const,
});

export const ContactImportOnConflict = builder.enumType('ContactImportOnConflict', {
  description: 'What happens to a record of somebody who is a contact already.',
  values: {
    UPDATE: { description: 'Cells that hold something overwrite; empty ones leave what is there. Tags are added.' },
    SKIP: { description: 'The record is skipped.' },
    FAIL: { description: 'The record fails.' },
  } satisfies Described<OnConflict>,
});

export const ContactImportField = builder.enumType('ContactImportField', {
  description: 'What a column of a file can be.',
  values: {
    NAME: { description: 'The whole name.' },
    FIRST_NAME: { description: 'The first name; joined with `LAST_NAME`.' },
    LAST_NAME: { description: 'The last name; joined with `FIRST_NAME` or `NAME`.' },
    PHONE: {
      description:
        'A telephone number. A local one is of the country in the record’s `COUNTRY` column, else of `defaultCountry`. Several columns may be phones.',
    },
    EMAIL: { description: 'The e-mail address.' },
    EXTERNAL_ID: { description: 'Your own id of the person; people are known again by it.' },
    WHATSAPP_USER_ID: { description: 'WhatsApp’s id of the person for your business.' },
    USERNAME: { description: 'The WhatsApp username.' },
    TAGS: {
      description:
        'Tags, separated by comma, semicolon, bar or line break; new ones are made. Several columns may hold tags.',
    },
    BIRTH_DATE: {
      description:
        'The birth date, as 1990-05-17 or as it is written in `defaultCountry`, with four digits of the year.',
    },
    LANGUAGE: { description: 'BCP 47, as `pt-BR`.' },
    STREET: { description: 'Street and number.' },
    CITY: { description: 'City.' },
    REGION: { description: 'State or province.' },
    POSTAL_CODE: { description: 'Postal code.' },
    COUNTRY: { description: 'ISO 3166-1 alpha-2, as `BR`.' },
    MARKETING_CONSENT: {
      description: 'Yes or no, in words of any of our languages: whether the person agrees to marketing on WhatsApp.',
    },
    SERVICE_CONSENT: { description: 'The same for messages about the person’s own orders and requests.' },
    IGNORE: { description: 'Nothing: the column is left out, whatever its name.' },
  } satisfies Described<ImportField>,
});

const ContactImportErrorCode = builder.enumType('ContactImportErrorCode', {
  description: 'Why a record was failed or skipped.',
  values: {
    REQUIRED: { description: 'It is empty.' },
    TOO_LONG: { description: 'The value is too long.' },
    INVALID_CHARACTER: { description: 'The value holds a character that cannot be stored.' },
    INVALID_TYPE: { description: 'The value is not of the field’s type.' },
    INVALID_PHONE: { description: 'Not a telephone number.' },
    INVALID_EMAIL: { description: 'Not an e-mail address.' },
    INVALID_DATE: { description: 'Not a date, or one that cannot be.' },
    AMBIGUOUS_DATE: { description: 'Day and month cannot be told apart.' },
    INVALID_NUMBER: { description: 'Not a number, or one with too many digits.' },
    AMBIGUOUS_NUMBER: { description: 'Thousands and decimals cannot be told apart.' },
    INVALID_BOOLEAN: { description: 'Neither yes nor no.' },
    INVALID_OPTION: { description: 'None of the custom field’s options.' },
    INVALID_LANGUAGE: { description: 'Not a language tag.' },
    INVALID_COUNTRY: { description: 'Not a country code.' },
    INVALID_IDENTITY: { description: 'Not an id.' },
    STRAY_QUOTE: { description: 'A quote closes in the midst of a cell.' },
    TOO_MANY_CELLS: { description: 'The record has more cells than the header has columns.' },
    TOO_MANY_VALUES: { description: 'The contact would have too many tags or identities.' },
    NO_IDENTITY: { description: 'Nothing in the record says who the person is.' },
    EMPTY_RECORD: { description: 'All cells are empty. The record was skipped.' },
    DUPLICATE: { description: 'An earlier record of the file is of the same person. This one was skipped.' },
    KNOWN: { description: 'There is such a contact already; skipped or failed as `onConflict` says.' },
    SEVERAL_CONTACTS: { description: 'The record belongs to different contacts at once.' },
    OTHER_EXTERNAL_ID: { description: 'The contact has another external id, which no import changes.' },
  } satisfies Described<ProblemCode>,
});

const ContactImportOutcome = builder.enumType('ContactImportOutcome', {
  description: 'What became of a record that was not stored.',
  values: {
    FAILED: { description: 'Something in it is wrong. It stands in the error file, to be corrected and sent again.' },
    SKIPPED: { description: 'There was nothing to do.' },
  } satisfies Described<'FAILED' | 'SKIPPED'>,
});

const ContactImportFailureCode = builder.enumType('ContactImportFailureCode', {
  description: 'Why an import as a whole failed.',
  values: {
    NOT_TEXT: { description: 'The file is an archive, a workbook, an image or binary. CSV text was expected.' },
    NOT_DECODABLE: { description: 'Bytes that are not text in the file’s encoding.' },
    EMPTY: { description: 'There is nothing in the file.' },
    NO_RECORDS: { description: 'There is a header, and nothing below it.' },
    QUOTE_NOT_CLOSED: { description: 'A quote was left open; `line` says where.' },
    RECORD_TOO_LARGE: { description: 'A record that cannot be one; a quote may have been left open.' },
    TOO_MANY_COLUMNS: { description: 'More columns than are read.' },
    TOO_MANY_RECORDS: { description: 'More records than one import takes: split the file.' },
    UNKNOWN_COLUMN: { description: 'The mapping names a column that the file does not have.' },
    UNKNOWN_CUSTOM_FIELD: { description: 'The mapping names a custom field that is no longer there.' },
    NO_IDENTITY_COLUMN: { description: 'No column says who a person is.' },
    FILE_MISSING: { description: 'The file is no longer there.' },
    SET_ASIDE: { description: 'The import was begun again and again and got no further.' },
  } satisfies Described<ImportFailureCode>,
});

type Failure = { failureCode: string | null; failureMessage: string | null; failureLine: number | null };

export const ContactImportFailure = builder.objectRef<Failure>('ContactImportFailure').implement({
  description:
    'Why an import as a whole failed. Before its first record nothing came of it: the upload can be imported again.',
  fields: (t) => ({
    code: t.field({
      type: ContactImportFailureCode,
      description: 'For programs.',
      resolve: ({ failureCode }) => failureCode as ImportFailureCode,
    }),
    message: t.string({
      description: 'For people, in English.',
      resolve: ({ failureMessage }) => failureMessage ?? '',
    }),
    line: t.int({
      nullable: true,
      description: 'The line of the file, counted from 1, where one is to blame.',
      resolve: ({ failureLine }) => failureLine,
    }),
  }),
});

const ContactImportColumn = builder.objectRef<Column>('ContactImportColumn').implement({
  description: 'A column of the file, and what it is taken for.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'What it is called in `mapping`: its header; with a number where two are the same or one is empty.',
    }),
    field: t.field({
      type: ContactImportField,
      nullable: true,
      description: 'The field of contacts; null for a custom field and for a column that is ignored.',
      resolve: ({ target }) => (target && 'field' in target ? target.field : null),
    }),
    customField: t.string({
      nullable: true,
      description: 'The key of the custom field, where it is one.',
      resolve: ({ target }) => (target && 'customField' in target ? target.customField : null),
    }),
    ignored: t.boolean({
      description: 'Whether it is left out: nothing was said about it, and its name says nothing to us.',
      resolve: ({ target }) => target === null || ('field' in target && target.field === 'IGNORE'),
    }),
    guessed: t.boolean({
      description: 'Whether its name alone says what it is.',
      resolve: ({ isGuessed }) => isGuessed,
    }),
  }),
});

export const ContactImportFormat = builder.objectRef<Format>('ContactImportFormat').implement({
  description: 'What a file turned out to be when it was first read.',
  fields: (t) => ({
    encoding: t.exposeString('encoding', {
      description: '`UTF-8`, `UTF-16LE`, `UTF-16BE`, `WINDOWS-1252` or `WINDOWS-1254`.',
    }),
    delimiter: t.exposeString('delimiter', { description: 'What stands between two cells.' }),
    columns: t.field({
      type: [ContactImportColumn],
      description: 'Its columns, from left to right.',
      resolve: ({ columns }) => columns,
    }),
  }),
});

export const ContactImportError = builder.prismaObject('ContactImportProblem', {
  name: 'ContactImportError',
  select: { record: true, position: true },
  description: 'Why one record was failed or skipped.',
  fields: (t) => ({
    outcome: t.field({
      type: ContactImportOutcome,
      description: 'What became of the record.',
      select: { outcome: true },
      resolve: ({ outcome }) => outcome as 'FAILED' | 'SKIPPED',
    }),
    record: t.exposeInt('record', { description: 'The record, counted from 1 below the header.' }),
    line: t.exposeInt('line', { description: 'The line of the file where the record begins, counted from 1.' }),
    column: t.exposeString('column', { nullable: true, description: 'The column; null for the record as a whole.' }),
    value: t.string({
      ...personal,
      nullable: true,
      description:
        'What stood there; long values are cut. Null where telephone numbers are shown to you in part and the file is not yours.',
      select: { value: true, import: { select: { upload: { select: { createdBy: true } } } } },
      resolve: ({ value, import: { upload } }, _args, ctx) => withheldFromOthers(ctx, upload.createdBy, value),
    }),
    code: t.field({
      type: ContactImportErrorCode,
      description: 'For programs.',
      select: { code: true },
      resolve: ({ code }) => code as ProblemCode,
    }),
    message: t.exposeString('message', { description: 'For people, in English.' }),
    expected: t.exposeString('expected', { nullable: true, description: 'What would have been right.' }),
  }),
});
