import { CsvError } from './csv-error.ts';

export type CsvRecord = {
  /** Without their quotes; at most one more than there may be columns, which is empty only when all further ones are. */
  cells: string[];
  /** The line where it begins, counted from 1. */
  line: number;
  /** Where in the file the next record (or a blank line) begins. */
  nextByte: number;
  nextLine: number;
  /** A quote closes in the midst of a cell: the cells are not to be trusted. */
  isBroken: boolean;
};

export type ScanOptions = {
  delimiter: string;
  columnsMax: number;
  /** Characters of a record; what is longer is a file that was misread. */
  recordLengthMax: number;
  /** How many bytes a text takes in the file. */
  byteLength: (text: string) => number;
  /** Where the text begins. */
  from: { byte: number; line: number };
};

export type Scanner = {
  /** The records that are complete now. */
  push(text: string): CsvRecord[];
  /** The last record, when no line break ends it. */
  end(): CsvRecord[];
  /** The line that the text has come to. */
  lineNow(): number;
};

const quote = 0x22;
const cr = 0x0d;
const lf = 0x0a;

/**
 * Splits text into records as RFC 4180 has them, and as spreadsheets write them: any line break ends a record, blank lines are none, a
 * quote counts at the beginning of a cell only. Written for imports that stop and go on: it knows the byte and the line behind every
 * record, holds one record at most, and says where a quote was left open.
 */
export function createScanner(options: ScanOptions): Scanner {
  const delimiter = options.delimiter.charCodeAt(0);
  let text = '';
  let { byte, line } = options.from;

  const scan = (isEnd: boolean): CsvRecord[] => {
    const records: CsvRecord[] = [];
    const isNarrow = options.byteLength(text) === text.length;
    let start = 0;
    for (;;) {
      const read = readRecord(text, start, isEnd, line, delimiter, options);
      if (!read) break;
      byte += isNarrow ? read.end - start : options.byteLength(text.slice(start, read.end));
      start = read.end;
      const begins = line;
      line += read.lineBreaks;
      if (read.cells) {
        records.push({ cells: read.cells, line: begins, nextByte: byte, nextLine: line, isBroken: read.isBroken });
      }
    }
    text = text.slice(start);
    return records;
  };
  return {
    push(more) {
      text += more;
      return scan(false);
    },
    end: () => scan(true),
    lineNow: () => line + countLineBreaks(text),
  };
}

type Read = {
  /** None: a blank line. */
  cells: string[] | undefined;
  end: number;
  lineBreaks: number;
  isBroken: boolean;
};

/** One record or blank line; undefined when the text ends before it does. */
function readRecord(
  text: string,
  start: number,
  isEnd: boolean,
  line: number,
  delimiter: number,
  options: ScanOptions,
): Read | undefined {
  const { length } = text;
  if (start >= length) return undefined;
  const first = text.charCodeAt(start);
  if (first === cr || first === lf) {
    const end = behindLineBreak(text, start, isEnd);
    return end === undefined ? undefined : { cells: undefined, end, lineBreaks: 1, isBroken: false };
  }
  const cells: string[] = [];
  let lineBreaks = 0;
  let at = start;
  for (;;) {
    let cell: string;
    if (text.charCodeAt(at) === quote) {
      const quoted = readQuoted(text, at, isEnd, line + lineBreaks);
      if (!quoted) return incomplete(text, start, line, line + lineBreaks, options);
      const inside = countLineBreaks(quoted.cell);
      const behind = skipBlanks(text, quoted.end, delimiter);
      if (behind >= length && !isEnd) return incomplete(text, start, line, undefined, options);
      const next = text.charCodeAt(behind);
      if (behind < length && next !== delimiter && next !== cr && next !== lf) {
        if (inside > 0) throw notClosed(line + lineBreaks);
        const end = endOfLine(text, behind);
        if (end === length && !isEnd) return incomplete(text, start, line, undefined, options);
        const after = end === length ? end : behindLineBreak(text, end, isEnd);
        if (after === undefined) return undefined;
        const rest = text.slice(at, end).split(options.delimiter, options.columnsMax + 1);
        cells.push(...rest);
        cells.length = Math.min(cells.length, options.columnsMax + 1);
        return { cells, end: after, lineBreaks: after === end ? lineBreaks : lineBreaks + 1, isBroken: true };
      }
      ({ cell } = quoted);
      lineBreaks += inside;
      at = behind;
    } else {
      const from = at;
      for (; at < length; at += 1) {
        const code = text.charCodeAt(at);
        if (code === delimiter || code === lf || code === cr) break;
      }
      cell = text.slice(from, at);
    }
    if (cells.length <= options.columnsMax) cells.push(cell);
    else if (cells[options.columnsMax] === '') cells[options.columnsMax] = cell;
    if (at >= length) {
      if (!isEnd) return incomplete(text, start, line, undefined, options);
      break;
    }
    if (text.charCodeAt(at) !== delimiter) {
      const end = behindLineBreak(text, at, isEnd);
      if (end === undefined) return undefined;
      at = end;
      lineBreaks += 1;
      break;
    }
    at += 1;
  }
  if (at - start > options.recordLengthMax) throw tooLarge(line, undefined, options);
  return { cells, end: at, lineBreaks, isBroken: false };
}

/** A cell in quotes, doubled quotes made single, and where it ends; undefined when the text ends first. */
function readQuoted(
  text: string,
  opening: number,
  isEnd: boolean,
  line: number,
): { cell: string; end: number } | undefined {
  let cell = '';
  let from = opening + 1;
  for (;;) {
    const closing = text.indexOf('"', from);
    if (closing === -1) {
      if (isEnd) throw notClosed(line);
      return undefined;
    }
    if (closing + 1 === text.length && !isEnd) return undefined; // the next piece may double it
    if (text.charCodeAt(closing + 1) !== quote) return { cell: cell + text.slice(from, closing), end: closing + 1 };
    cell += text.slice(from, closing + 1);
    from = closing + 2;
  }
}

/** More text is needed, unless there is far too much of it already. */
function incomplete(
  text: string,
  start: number,
  line: number,
  quoteLine: number | undefined,
  options: ScanOptions,
): undefined {
  if (text.length - start > options.recordLengthMax) throw tooLarge(line, quoteLine, options);
}

function skipBlanks(text: string, from: number, delimiter: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === delimiter || (code !== 0x20 && code !== 0x09)) break;
  }
  return at;
}

function endOfLine(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === cr || code === lf) break;
  }
  return at;
}

/** Undefined: the text ends with a CR, and a LF may follow. */
function behindLineBreak(text: string, at: number, isEnd: boolean): number | undefined {
  if (text.charCodeAt(at) === lf) return at + 1;
  if (at + 1 < text.length) return text.charCodeAt(at + 1) === lf ? at + 2 : at + 1;
  return isEnd ? at + 1 : undefined;
}

function countLineBreaks(text: string): number {
  if (!text.includes('\n') && !text.includes('\r')) return 0;
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === lf || (code === cr && text.charCodeAt(at + 1) !== lf)) count += 1;
  }
  return count;
}

const notClosed = (line: number) =>
  new CsvError('QUOTE_NOT_CLOSED', `The quote that opens in line ${line} is not closed where its cell ends.`, line);

function tooLarge(line: number, quoteLine: number | undefined, { recordLengthMax }: ScanOptions): CsvError {
  const hint = quoteLine === undefined ? '' : ` The quote that opens in line ${quoteLine} may never be closed.`;
  return new CsvError(
    'RECORD_TOO_LARGE',
    `The record in line ${line} is longer than ${recordLengthMax} characters.${hint}`,
    line,
  );
}
