/** Why a whole file cannot be read as CSV. Codes are part of the API: they are added, never renamed. */
export type CsvErrorCode =
  | 'NOT_TEXT'
  | 'NOT_DECODABLE'
  | 'EMPTY'
  | 'QUOTE_NOT_CLOSED'
  | 'RECORD_TOO_LARGE'
  | 'TOO_MANY_COLUMNS'
  | 'TOO_MANY_RECORDS';

/** The file itself is wrong, not one of its records: trying again cannot help. The message holds nothing of the file's content. */
export class CsvError extends Error {
  readonly code: CsvErrorCode;
  /** Counted from 1; absent where no line is to blame. */
  readonly line: number | undefined;
  constructor(code: CsvErrorCode, message: string, line?: number) {
    super(message);
    this.code = code;
    this.line = line;
  }
}
