import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  type Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
} from 'openid-client';
import { Agent, request } from 'undici';

export type GoogleConfig = {
  /** `https://accounts.google.com`, or whatever stands in for it: any OpenID provider. */
  issuerUrl: string;
  clientId: string;
  clientSecret: string;
  /** Where the person comes back to, with the code: a page of ours, registered at the provider. */
  redirectUrl: string;
};

/** What only we and the client that began may know of a sign-in under way. */
export type Attempt = { state: string; nonce: string; verifier: string };

/** What the person came back with. */
export type Return = { code: string; state: string; issuer: string | undefined };

/** An account at the provider: known by issuer and subject. The rest is what the provider says of it now. */
export type Identity = {
  issuer: string;
  subject: string;
  email: string | null;
  isEmailVerified: boolean;
  name: string | null;
};

export type GoogleResult<T> =
  | { kind: 'ok'; value: T }
  /** The provider said no, or what it said does not hold: a new sign-in may go better, this one never will. */
  | { kind: 'refused' }
  | { kind: 'unavailable'; retryAfter: number };

/** The way to sign in with Google: OpenID Connect, authorization code with PKCE. Throws nothing for what the network or the provider does. */
export type Google = AsyncDisposable & {
  begin(loginHint: string | undefined): Promise<GoogleResult<{ url: string; attempt: Attempt }>>;
  finish(attempt: Attempt, came: Return): Promise<GoogleResult<Identity>>;
};

const timeoutMs = 5_000;
const answerBytesMax = 500_000;
/** How long what the provider says of itself is believed. */
const discoveredForMs = 60 * 60_000;

export function createGoogle(config: GoogleConfig): Google {
  const { issuerUrl, clientId, clientSecret, redirectUrl } = config;
  const agent = new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: answerBytesMax,
  });
  const execute = [enableNonRepudiationChecks]; // signatures of id tokens are checked, although TLS has said whose they are
  if (new URL(issuerUrl).protocol === 'http:') execute.push(allowInsecureRequests); // on this machine only: runtime/env.ts
  let known: { until: number; provider: Promise<Configuration> } | undefined;

  const discover = (): Promise<Configuration> => {
    if (known && known.until > Date.now()) return known.provider;
    const metadata = { client_secret: clientSecret, id_token_signed_response_alg: 'RS256' };
    const options = { execute, timeout: timeoutMs / 1_000, [customFetch]: fetchWithin(agent) };
    const provider = discovery(new URL(issuerUrl), clientId, metadata, undefined, options);
    const found = { until: Date.now() + discoveredForMs, provider };
    provider.catch(() => {
      if (known === found) known = undefined; // the next one asks again
    });
    return (known = found).provider;
  };

  return {
    begin: (loginHint) =>
      outcomeOf(async () => {
        const provider = await discover();
        const attempt = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
        const url = buildAuthorizationUrl(provider, {
          redirect_uri: redirectUrl,
          scope: 'openid email profile',
          state: attempt.state,
          nonce: attempt.nonce,
          code_challenge: await calculatePKCECodeChallenge(attempt.verifier),
          code_challenge_method: 'S256',
          ...(loginHint === undefined ? {} : { login_hint: loginHint }),
        });
        return { url: url.href, attempt };
      }),
    finish: (attempt, { code, state, issuer }) =>
      outcomeOf(async () => {
        const provider = await discover();
        const cameTo = new URL(redirectUrl);
        cameTo.search = new URLSearchParams({
          code,
          state,
          ...(issuer === undefined ? {} : { iss: issuer }),
        }).toString();
        const tokens = await authorizationCodeGrant(provider, cameTo, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (!claims) throw new ClientError('There is no id token.');
        const { iss, sub, email, email_verified: isVerified, name } = claims;
        return {
          issuer: iss,
          subject: sub,
          email: typeof email === 'string' ? email : null,
          isEmailVerified: isVerified === true,
          name: typeof name === 'string' ? name : null,
        };
      }),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

/** The provider did not answer, or not in time, or with too much. */
class UnreachableError extends Error {}

async function outcomeOf<T>(run: () => Promise<T>): Promise<GoogleResult<T>> {
  try {
    return { kind: 'ok', value: await run() };
  } catch (error) {
    const busy = error instanceof ResponseBodyError && error.status >= 500;
    if (busy || causes(error).some((cause) => cause instanceof UnreachableError)) {
      return { kind: 'unavailable', retryAfter: 30 };
    }
    if (error instanceof ClientError || error instanceof ResponseBodyError) return { kind: 'refused' };
    throw error;
  }
}

function causes(error: unknown): unknown[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}

/** What the library asks with: our limits on time and size, and never on to another address. */
function fetchWithin(agent: Agent): CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: method as 'GET' | 'POST',
        headers,
        body: body instanceof URLSearchParams ? body.toString() : ((body as string | undefined | null) ?? null),
        ...(signal ? { signal } : {}),
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 500) throw new UnreachableError(`The provider answered with ${answer.statusCode}.`);
      const contentType = answer.headers['content-type'];
      return new Response(text, {
        status: answer.statusCode,
        headers: typeof contentType === 'string' ? { 'content-type': contentType } : {},
      });
    } catch (cause) {
      if (cause instanceof UnreachableError) throw cause;
      throw new UnreachableError('The provider did not answer.', { cause });
    }
  };
}
