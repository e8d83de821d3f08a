import { createHmac } from 'node:crypto';
import { Pool } from 'undici';

export type MetaConfig = {
  /** `https://graph.facebook.com`, or whatever stands in for it. */
  graphUrl: string;
  /** `v25.0`. */
  graphVersion: string;
  appId: string;
  /** The newest first; two while rotating. */
  appSecrets: readonly string[];
  verifyToken: string;
  /** How long an answer may take, from the first byte sent. */
  timeoutMs?: number;
  /** Requests at the same time. */
  connections?: number;
};

export type MetaRequest = {
  method: 'GET' | 'POST' | 'DELETE';
  /** Without the version: `/123/messages`. */
  path: string;
  token?: string;
  query?: Readonly<Record<string, string>>;
  /** Sent as it is: JSON text, or bytes with their own content type. */
  body?: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
  /** For this call alone. */
  timeoutMs?: number;
};

/** What became of a request, as far as can be known. */
export type Answer =
  | { kind: 'answer'; status: number; text: string }
  /** It never left: sending it again cannot double anything. */
  | { kind: 'not-sent'; reason: string }
  /** It may have arrived, and no answer tells. */
  | { kind: 'lost'; reason: string };

/** The way to Meta: keep-alive, our limits on time and size; says what happened and throws nothing. */
export type Meta = AsyncDisposable & {
  readonly config: MetaConfig;
  readonly timeoutMs: number;
  call(request: MetaRequest, signal?: AbortSignal): Promise<Answer>;
};

const answerBytesMax = 4_000_000;
const proofsKept = 10_000;

/** Errors of a connection that never stood. */
const beforeSending = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

export function createMeta(config: MetaConfig): Meta {
  const { timeoutMs = 20_000, connections = 8_192 } = config;
  const base = new URL(config.graphUrl);
  const prefix = `${base.pathname.replace(/\/+$/, '')}/${config.graphVersion}`;
  const pool = new Pool(base.origin, {
    connections,
    pipelining: 1,
    connectTimeout: 5_000,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 30_000,
    maxResponseSize: answerBytesMax,
  });
  const [secret = ''] = config.appSecrets;
  const proofs = new Map<string, string>();

  /** Proves that the token is used by its app (reference: whatsapp-cloud-api, section 1.2). */
  const proofOf = (token: string): string => {
    const known = proofs.get(token);
    if (known !== undefined) return known;
    const proof = createHmac('sha256', secret).update(token).digest('hex');
    if (proofs.size >= proofsKept) proofs.clear();
    proofs.set(token, proof);
    return proof;
  };

  return {
    config,
    timeoutMs,
    async call({ method, path, token, query, body, headers, timeoutMs: limit }, signal) {
      if (signal?.aborted) return { kind: 'not-sent', reason: 'ABORTED' };
      let search = token === undefined ? '' : `?appsecret_proof=${proofOf(token)}`;
      if (query) search += `${search ? '&' : '?'}${new URLSearchParams(query).toString()}`;
      try {
        const answer = await pool.request({
          method,
          path: `${prefix}${path}${search}`,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
            ...headers,
          },
          body: body ?? null,
          ...(limit === undefined ? {} : { headersTimeout: limit, bodyTimeout: limit }),
          ...(signal ? { signal } : {}),
        });
        return { kind: 'answer', status: answer.statusCode, text: await answer.body.text() };
      } catch (error) {
        const reason = codeOf(error);
        return { kind: beforeSending.has(reason) ? 'not-sent' : 'lost', reason };
      }
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

function codeOf(error: unknown): string {
  const found = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof found === 'string' ? found : 'UNKNOWN';
}
