import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

export type SetHeaders = (request: IncomingMessage, response: ServerResponse) => void;

const nothing = ["'none'"];

/** What every answer tells a browser: this is data, to be shown in no page, guessed at by nobody, and kept in no cache. */
export function secureHeaders(isProduction: boolean): SetHeaders {
  // Made once, by helmet on a response that only takes notes: they are the same for every answer.
  const headers: [name: string, value: string][] = [];
  const notes = {
    setHeader: (name: string, value: string) => headers.push([name, value]),
    removeHeader: () => {},
  };
  const policy = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: nothing, frameAncestors: nothing, baseUri: nothing, formAction: nothing },
    },
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // For two years, as browsers' preload lists ask for; a browser heeds it over HTTPS only.
    strictTransportSecurity: isProduction ? { maxAge: 63_072_000, includeSubDomains: true } : false,
  });
  policy({} as IncomingMessage, notes as unknown as ServerResponse, () => {});
  headers.push(['Cache-Control', 'no-store']);
  return (_request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
  };
}

/** The one page that we serve, GraphiQL: it runs its own inline scripts and styles, and talks to nobody but us. */
export const pagePolicy = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "worker-src 'self' blob: data:",
  "frame-ancestors 'none'",
].join('; ');
