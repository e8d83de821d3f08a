import { recordAudit } from '../domain/audit/record-audit.ts';
import type { AuthKeys } from '../domain/auth/keys.ts';
import { errorFileLink, openErrorFile } from '../domain/contacts/import/error-file.ts';
import { openLink } from '../domain/links.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import type { Proxies } from './address.ts';
import { sendCsv } from './csv.ts';
import { allowOrigin, type Handler, HttpError, lastSegment, originOf } from './http.ts';

export type ImportErrorsOptions = {
  db: Db;
  keys: AuthKeys;
  services: { now: () => Date };
  corsOrigins: string[];
  proxies: Proxies;
};

/** `GET /imports/{token}/errors.csv`: the failed records of an import, for whoever has the signed link. */
export function createImportErrors({ db, keys, services, corsOrigins, proxies }: ImportErrorsOptions): Handler {
  return async (exchange) => {
    const { request } = exchange;
    if (allowOrigin(exchange, corsOrigins, 'GET')) return;
    const link = openLink(keys.secrets, errorFileLink, lastSegment(exchange, 2));
    if (!link) throw new HttpError(404, 'NOT_FOUND', 'There is no such file.');
    if (link.expiresAt <= services.now()) {
      throw new HttpError(410, 'LINK_EXPIRED', 'This link has expired. Ask for errorFileUrl again.');
    }
    const file = await openErrorFile(db, link.tenantId, link.id);
    if (!file) throw new HttpError(404, 'NOT_FOUND', 'There is no such file.');
    const { tenantId, id, by: actor } = link;
    if (request.method === 'GET') {
      await inTenant(db, tenantId, (tx) =>
        recordAudit(
          tx,
          { tenantId, actor, origin: originOf(exchange, proxies) },
          { action: 'contactImport.download', target: { type: 'ContactImport', id } },
        ),
      );
    }
    await sendCsv(exchange, 'errors.csv', file);
  };
}
