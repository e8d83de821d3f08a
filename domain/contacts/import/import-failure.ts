import type { CsvErrorCode } from '../../csv/csv-error.ts';

/** Why an import as a whole failed. Codes are part of the API: they are added, never renamed. */
export type ImportFailureCode =
  | CsvErrorCode
  | 'NO_RECORDS'
  | 'UNKNOWN_COLUMN'
  | 'UNKNOWN_CUSTOM_FIELD'
  | 'NO_IDENTITY_COLUMN'
  | 'FILE_MISSING'
  | 'SET_ASIDE';

/** The import cannot go on, and trying again cannot help. The message is for the tenant that sent the file; it is never logged. */
export class ImportFailure extends Error {
  readonly code: ImportFailureCode;
  readonly line: number | undefined;
  constructor(code: ImportFailureCode, message: string, line?: number) {
    super(message);
    this.code = code;
    this.line = line;
  }
}
