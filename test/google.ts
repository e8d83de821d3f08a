import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, type JWTPayload, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { createGoogle, type Google, type GoogleConfig } from '../connectors/google/google.ts';

export type GoogleAccount = { subject: string; email: string; isEmailVerified: boolean; name: string };

/** An OpenID provider on this machine that plays Google: a real one, over real HTTP, whose people agree to everything. */
export type GoogleDouble = AsyncDisposable & {
  config: GoogleConfig;
  google: Google;
  /** Changes what the next id tokens claim, signed as properly as any; or answers with another status. */
  tamper: ((claims: JWTPayload) => JWTPayload) | undefined;
  /** Signs the next id tokens instead of the provider. */
  signer: KeyObject | undefined;
  status: number | undefined;
  /** What was asked, as `POST /token`. */
  asked: string[];
};

const redirectUrl = 'http://127.0.0.1:1/back'; // nobody is there: the visit ends before

/** Goes where a sign-in sends the person, and agrees to everything; gives what the person comes back with. */
export async function visitGoogle(
  url: string,
  account: GoogleAccount,
): Promise<{ code: string; state: string; iss: string }> {
  const cookies = new Map<string, string>();
  for (let at = new URL(url), step = 0; step < 12; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, 'x-account': Buffer.from(JSON.stringify(account)).toString('base64') };
    const answer = await fetch(at, { redirect: 'manual', headers });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const next = answer.headers.get('location');
    if (next === null) throw new Error(`The visit ended with ${answer.status}: ${await answer.text()}`);
    at = new URL(next, at);
    if (!at.href.startsWith(redirectUrl)) continue;
    const [code = '', state = '', iss = ''] = ['code', 'state', 'iss'].map((name) => at.searchParams.get(name) ?? '');
    return { code, state, iss };
  }
  throw new Error('The visit went round in circles.');
}

export async function startGoogle(): Promise<GoogleDouble> {
  const accounts = new Map<string, GoogleAccount>();
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'google', alg: 'RS256', use: 'sig' };
  const handler: { answer?: (request: IncomingMessage, response: ServerResponse) => void } = {};
  const server = createServer((request, response) => handler.answer?.(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [clientId, clientSecret] = ['parley', randomBytes(24).toString('base64url')];

  const provider = new Provider(issuerUrl, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUrl],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false, // as Google does: they stand in the id token
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 60, Session: 60, Grant: 60 },
    findAccount: (_context, sub) => {
      const account = accounts.get(sub);
      if (!account) return undefined;
      const { email, isEmailVerified, name } = account;
      return { accountId: sub, claims: () => ({ sub, email, email_verified: isEmailVerified, name }) };
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  });
  const serve = provider.callback();

  const double: GoogleDouble = {
    config: { issuerUrl, clientId, clientSecret, redirectUrl },
    google: createGoogle({ issuerUrl, clientId, clientSecret, redirectUrl }),
    tamper: undefined,
    signer: undefined,
    status: undefined,
    asked: [],
    async [Symbol.asyncDispose]() {
      await double.google[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  /** Logs the person in and agrees, as they would by hand. */
  const interact = async (request: IncomingMessage, response: ServerResponse) => {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      const text = Buffer.from(String(request.headers['x-account']), 'base64').toString('utf8');
      const account = JSON.parse(text) as GoogleAccount;
      accounts.set(account.subject, account);
      const login = { accountId: account.subject };
      return provider.interactionFinished(request, response, { login });
    }
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
    grant?.addOIDCScope(String(params['scope']));
    const consent = { grantId: (await grant?.save()) ?? '' };
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  };

  /** Passes the provider’s answer on with another id token in it. */
  const rewrite = (response: ServerResponse) => {
    const { tamper, signer = privateKey } = double;
    const end = response.end.bind(response) as (body: string) => ServerResponse;
    if (!tamper) return;
    response.end = ((body: string | Buffer) => {
      const answer = JSON.parse(String(body)) as { id_token?: string };
      if (answer.id_token === undefined) return end(String(body));
      const claims = tamper(decodeJwt(answer.id_token));
      void new SignJWT(claims)
        .setProtectedHeader({ alg: signer.type === 'secret' ? 'HS256' : 'RS256', kid: 'google' })
        .sign(signer)
        .then((id_token) => {
          const text = JSON.stringify({ ...answer, id_token });
          response.setHeader('content-length', Buffer.byteLength(text));
          end(text);
        });
      return response;
    }) as ServerResponse['end'];
  };

  handler.answer = (request, response) => {
    double.asked.push(`${request.method} ${(request.url ?? '').split('?')[0]}`);
    if (double.status !== undefined) return void response.writeHead(double.status).end('{}');
    if (request.url?.startsWith('/interaction/')) {
      return void interact(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    }
    if (request.url === '/token') rewrite(response);
    void serve(request, response);
  };
  return double;
}
