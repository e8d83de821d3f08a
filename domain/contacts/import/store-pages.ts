import type { Db } from '../../../prisma/client.ts';
import { applyPage, type Next, type PageAhead } from './apply-page.ts';
import { keysOf } from './decide.ts';
import type { RecordPage } from './pages.ts';
import type { Run } from './run-state.ts';
import type { ImportSettings } from './settings.ts';

type Progress = {
  /** Of the file. */
  total: number;
  /** Whether others have their turn, or the run is asked to stop. Once it is, it stays so. */
  isTurnOver: () => boolean;
  /** Counts the records that are stored. */
  report: { records: number };
};

/**
 * Stores pages side by side while the next one is read: the database and this process are then both at work. They end in the
 * order of the file, so that the import is always done up to one place and not beyond.
 */
export async function storePages(
  db: Db,
  run: Run,
  pages: AsyncGenerator<RecordPage>,
  settings: ImportSettings,
  { total, isTurnOver, report }: Progress,
): Promise<Next> {
  const underWay: PageAhead[] = [];
  const finishFirst = async (): Promise<Next> => {
    const [first] = underWay;
    if (!first) return 'go on';
    const next = await first.done;
    underWay.shift();
    report.records += first.page.count;
    return next;
  };
  try {
    for await (const page of pages) {
      while (underWay.length >= (isTurnOver() || db.pool.waitingCount > 0 ? 1 : settings.importPagesAtOnce)) {
        const next = await finishFirst();
        if (next !== 'go on') return next;
      }
      const isLast = page.before + page.count === total;
      const decideNext = (): Next => {
        if (isLast) return 'finish';
        return isTurnOver() && underWay.at(-1) === own ? 'hand on' : 'go on'; // not from under the next one
      };
      const keys = new Set(page.good.flatMap(keysOf));
      const done = applyPage(db, run, { page, keys }, [...underWay], settings, decideNext);
      done.catch(() => {}); // told when it is its turn
      const own = { page, keys, done };
      underWay.push(own);
    }
    let next: Next = 'go on';
    while (underWay.length > 0 && next === 'go on') next = await finishFirst();
    return next;
  } finally {
    await Promise.allSettled(underWay.map(({ done }) => done));
  }
}
