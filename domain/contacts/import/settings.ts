/** What one import may take at a time and at most. */
export type ImportSettings = {
  importPageRecords: number;
  /** At most so many pages are stored side by side, each on a connection of its own. */
  importPagesAtOnce: number;
  importLeaseMs: number;
  /** After so long the next import has its turn. */
  importSliceMs: number;
  importRecordsMax: number;
  importColumnsMax: number;
  importCellBytesMax: number;
  /** A file that ends so many runs in a row before they got any further is set aside. */
  importAttemptsMax: number;
};

/** A longer record is a file that was misread: all its columns at their longest. */
export function recordLengthMax({ importColumnsMax, importCellBytesMax }: ImportSettings): number {
  return importColumnsMax * importCellBytesMax;
}
