import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Disk } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';
import { S3Driver } from 'flydrive/drivers/s3';

/** Where uploads, media and exports are kept: by key, as streams. */
export type Storage = Pick<Disk, 'putStream' | 'getStream' | 'getMetaData' | 'exists' | 'delete' | 'deleteAll'>;

/**
 * `file:///folder` for one machine; `s3://bucket?region=…&endpoint=…` for several (credentials as the AWS libraries read them;
 * an endpoint names another store that speaks S3).
 */
export function createStorage(storageUrl: string): Storage {
  const url = new URL(storageUrl);
  if (url.protocol === 'file:') {
    const location = fileURLToPath(url);
    mkdirSync(location, { recursive: true, mode: 0o700 });
    return new Disk(new FSDriver({ location, visibility: 'private' }));
  }
  const endpoint = url.searchParams.get('endpoint');
  return new Disk(
    new S3Driver({
      bucket: url.hostname,
      region: url.searchParams.get('region') ?? 'us-east-1',
      visibility: 'private',
      supportsACL: false,
      // A checksum behind the body would turn it into a stream of the library's own, whose errors nobody hears: an aborted upload ended the process.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    }),
  );
}
