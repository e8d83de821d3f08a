import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AuthKeys } from '../domain/auth/keys.ts';
import { errorFileLink, openErrorFile } from '../domain/contacts/import/error-file.ts';
import { openLink } from '../domain/links.ts';
import type { Db } from '../prisma/client.ts';
import { allowOrigin, type Handler, HttpError, lastSegment } from './http.ts';

export type ImportErrorsOptions = { db: Db; keys: AuthKeys; services: { now: () => Date }; corsOrigins: string[] };

/** `GET /imports/{token}/errors.csv`: the failed records of an import, for whoever has the signed link. */
export function createImportErrors({ db, keys, services, corsOrigins }: ImportErrorsOptions): Handler {
  return async (exchange) => {
    const { request, response, signal } = exchange;
    if (allowOrigin(exchange, corsOrigins, 'GET')) return;
    const link = openLink(keys.secrets, errorFileLink, lastSegment(exchange, 2));
    if (!link) throw new HttpError(404, 'NOT_FOUND', 'There is no such file.');
    if (link.expiresAt <= services.now()) {
      throw new HttpError(410, 'LINK_EXPIRED', 'This link has expired. Ask for errorFileUrl again.');
    }
    const file = await openErrorFile(db, link.tenantId, link.id);
    if (!file) throw new HttpError(404, 'NOT_FOUND', 'There is no such file.');
    response.writeHead(200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="errors.csv"',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    if (request.method === 'HEAD') return void response.end();
    await pipeline(Readable.from(file), response, { signal });
  };
}
