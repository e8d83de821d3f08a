import { setImmediate as breathe } from 'node:timers/promises';
import { readCsv } from '../../csv/read.ts';
import { createRecordCheck, type CheckRules, type GoodRecord, type Rejected } from './check-record.ts';
import { type FileStore, readFrom } from './file.ts';
import type { Format, Place } from './prepare.ts';
import { type ImportSettings, recordLengthMax } from './settings.ts';

/** So many records, checked, and where the next page begins. */
export type RecordPage = {
  /** How many records stand before this page. */
  before: number;
  count: number;
  good: GoodRecord[];
  rejected: Rejected[];
  next: Place;
};

/** Of the file's text: records may be long, and all of a page is in memory. */
const pageBytesMax = 4_000_000;
/** Checking is work for the processor: the database's answers come in between. */
const recordsPerBreath = 25;

/** The records of a file from a place on, checked, in pages. */
export async function* readPages(
  store: FileStore,
  storageKey: string | null,
  format: Format,
  from: Place & { records: number },
  rules: CheckRules,
  settings: ImportSettings,
): AsyncGenerator<RecordPage> {
  const check = createRecordCheck(rules);
  const shape = {
    encoding: format.encoding,
    delimiter: format.delimiter,
    columnsMax: settings.importColumnsMax,
    recordLengthMax: recordLengthMax(settings),
  };
  let page = emptyPage(from.records, from);
  let pageStart = from.byte;
  for await (const records of readCsv(readFrom(store, storageKey, from.byte), shape, from)) {
    for (const record of records) {
      page.count += 1;
      const checked = check(record, page.before + page.count);
      if ('outcome' in checked) page.rejected.push(checked);
      else page.good.push(checked);
      page.next = { byte: record.nextByte, line: record.nextLine };
      if (page.count >= settings.importPageRecords || record.nextByte - pageStart > pageBytesMax) {
        yield page;
        pageStart = page.next.byte;
        page = emptyPage(page.before + page.count, page.next);
      } else if (page.count % recordsPerBreath === 0) await breathe();
    }
  }
  if (page.count > 0) yield page;
}

function emptyPage(before: number, next: Place): RecordPage {
  return { before, count: 0, good: [], rejected: [], next };
}
