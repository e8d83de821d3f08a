import { CsvError } from './csv-error.ts';
import { createScanner } from './scan.ts';

export const delimiters = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof delimiters)[number];

/** Excel writes its delimiter into a first line of its own; that line is no record. */
export function readDelimiterLine(text: string): { delimiter: Delimiter; line: string } | undefined {
  const [line, character] = /^"?sep=([,;\t|])"?(?:\r\n|\n|\r)/i.exec(text) ?? [];
  const delimiter = delimiters.find((known) => known === character);
  return line !== undefined && delimiter ? { delimiter, line } : undefined;
}

/** The delimiter that splits the beginning of a file into the most columns, for the most of its records. Comma when none does. */
export function detectDelimiter(text: string, isWhole: boolean): Delimiter {
  let best: { delimiter: Delimiter; score: number } = { delimiter: ',', score: 1 };
  for (const delimiter of delimiters) {
    const score = scoreOf(text, isWhole, delimiter);
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

function scoreOf(text: string, isWhole: boolean, delimiter: string): number {
  const scanner = createScanner({
    delimiter,
    columnsMax: 10_000,
    recordLengthMax: text.length,
    byteLength: (part) => part.length,
    from: { byte: 0, line: 1 },
  });
  try {
    const records = scanner.push(text);
    if (isWhole) records.push(...scanner.end());
    const [header, ...others] = records.slice(0, 100);
    if (!header) return 0;
    const columns = header.cells.length;
    const agreeing = others.filter(({ cells, isBroken }) => cells.length === columns && !isBroken).length;
    return (columns * (1 + agreeing)) / (1 + others.length);
  } catch (error) {
    if (error instanceof CsvError) return 0; // quotes do not fit this delimiter; reading the file will say so, if none fits
    throw error;
  }
}
