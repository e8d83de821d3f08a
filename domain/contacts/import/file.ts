import type { Readable } from 'node:stream';
import { ImportFailure } from './import-failure.ts';

/** What an import needs of a storage. */
export type FileStore = {
  exists(key: string): Promise<boolean>;
  getStream(key: string): Promise<Readable>;
};

/** The bytes of a stored file from a place on. Throws an `ImportFailure` when it is not there. */
export async function* readFrom(store: FileStore, key: string | null, byte: number): AsyncGenerator<Buffer> {
  if (key === null || !(await store.exists(key))) {
    throw new ImportFailure('FILE_MISSING', 'The file is no longer there. Please upload it again.');
  }
  let toSkip = byte;
  for await (const chunk of (await store.getStream(key)) as AsyncIterable<Buffer>) {
    if (toSkip >= chunk.length) toSkip -= chunk.length;
    else {
      yield toSkip === 0 ? chunk : chunk.subarray(toSkip);
      toSkip = 0;
    }
  }
}
