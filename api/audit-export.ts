import { auditExportLink, openExport } from '../domain/audit/export.ts';
import type { AuthKeys } from '../domain/auth/keys.ts';
import { openLink } from '../domain/links.ts';
import type { Db } from '../prisma/client.ts';
import type { Proxies } from './address.ts';
import { sendCsv } from './csv.ts';
import { allowOrigin, type Handler, HttpError, lastSegment, originOf } from './http.ts';

export type AuditExportOptions = {
  db: Db;
  keys: AuthKeys;
  services: { now: () => Date };
  corsOrigins: string[];
  proxies: Proxies;
};

/** `GET /audit/{token}/audit.csv`: the audit log, once, for whoever has the signed link. */
export function createAuditExport({ db, keys, services, corsOrigins, proxies }: AuditExportOptions): Handler {
  return async (exchange) => {
    if (allowOrigin(exchange, corsOrigins, 'GET')) return;
    const link = openLink(keys.secrets, auditExportLink, lastSegment(exchange, 2));
    if (!link) throw new HttpError(404, 'NOT_FOUND', 'There is no such file.');
    if (link.expiresAt <= services.now()) {
      throw new HttpError(410, 'LINK_EXPIRED', 'This link has expired. Ask for auditExport again.');
    }
    const file = await openExport(db, link, originOf(exchange, proxies));
    if (!file) throw new HttpError(410, 'LINK_SPENT', 'This link was used. Ask for auditExport again.');
    await sendCsv(exchange, 'audit.csv', file);
  };
}
