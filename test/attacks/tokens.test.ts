import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { exportJWK } from 'jose';
import { askFor } from '../ask.ts';
import { expect, test } from '../fixtures.ts';
import { codeAt, setUpTotp } from '../totp.ts';

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
type Part = Record<string, unknown>;

function read(token: string): { header: Part; payload: Part } {
  const [header, payload] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Part);
  return { header: header ?? {}, payload: payload ?? {} };
}

function signed(header: Part, payload: Part, key: KeyObject): string {
  const text = `${base64url(header)}.${base64url(payload)}`;
  return `${text}.${signBytes(null, Buffer.from(text), key).toString('base64url')}`;
}

test('a token that is not exactly one of ours is nobody’s', async ({ api, keys, shop, signUp }) => {
  const own = keys.signing[0];
  if (!own) throw new Error('There is no key.');
  const stranger = generateKeyPairSync('ed25519');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { header, payload } = read(shop.accessToken);
  const [head = '', body = '', signature = ''] = shop.accessToken.split('.');
  const hmac = (secret: string | Buffer, alg: string) => {
    const text = `${base64url({ ...header, alg })}.${body}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  const publicPem = own.publicKey.export({ format: 'pem', type: 'spki' });
  const publicDer = own.publicKey.export({ format: 'der', type: 'spki' });
  const now = Math.floor(Date.now() / 1_000);
  const other = await signUp();
  const with_ = (changed: Part) => signed(header, { ...payload, ...changed }, own.privateKey);
  const headed = (changed: Part, key = own.privateKey) => signed({ ...header, ...changed }, payload, key);
  const jwk = await exportJWK(stranger.publicKey);

  const forged: Record<string, string> = {
    'alg none': `${base64url({ ...header, alg: 'none' })}.${body}.`,
    'alg None': `${base64url({ ...header, alg: 'None' })}.${body}.`,
    'alg none with our signature': `${base64url({ ...header, alg: 'none' })}.${body}.${signature}`,
    'HS256 with our public key in PEM': hmac(publicPem, 'HS256'),
    'HS256 with our public key in DER': hmac(publicDer, 'HS256'),
    'HS256 with nothing': hmac('', 'HS256'),
    'HS256 with the name of the key': hmac('test', 'HS256'),
    'another key under our kid': headed({}, stranger.privateKey),
    'RS256 by another key': `${base64url({ ...header, alg: 'RS256' })}.${body}.${signBytes('sha256', Buffer.from(`${base64url({ ...header, alg: 'RS256' })}.${body}`), rsa.privateKey).toString('base64url')}`,
    'ES256 claimed for our EdDSA key': headed({ alg: 'ES256' }),
    'no kid': headed({ kid: undefined }),
    'an unknown kid': headed({ kid: 'unknown' }),
    'a kid that is a path': headed({ kid: '../../../../dev/null' }),
    'a kid that is a list': headed({ kid: ['test'] }),
    'a key of its own in the header (jwk)': headed({ jwk, kid: undefined }, stranger.privateKey),
    'a key of its own beside our kid (jwk)': headed({ jwk }, stranger.privateKey),
    'a key from elsewhere (jku)': headed({ jku: 'https://evil.example/jwks.json' }, stranger.privateKey),
    'a certificate from elsewhere (x5u)': headed({ x5u: 'https://evil.example/x.pem' }, stranger.privateKey),
    'a certificate of its own (x5c)': headed({ x5c: [publicDer.toString('base64')] }, stranger.privateKey),
    'an extension that must be understood (crit)': headed({ crit: ['exp2'], exp2: 1 }),
    'another type': headed({ typ: 'JWT' }),
    'no type': headed({ typ: undefined }),
    'the type of an ID token': headed({ typ: 'id+jwt' }),
    'another audience': with_({ aud: 'another-api' }),
    'no audience': with_({ aud: undefined }),
    'another issuer': with_({ iss: 'https://evil.example' }),
    'no issuer': with_({ iss: undefined }),
    expired: with_({ iat: now - 2_000, nbf: now - 2_000, exp: now - 1_000 }),
    'no expiry': with_({ exp: undefined }),
    'an expiry that is a text': with_({ exp: String(now + 1_000) }),
    'not valid yet': with_({ nbf: now + 1_000 }),
    'no beginning': with_({ nbf: undefined }),
    'issued in the future, and valid from then': with_({ iat: now + 1_000, nbf: now + 1_000, exp: now + 2_000 }),
    'no subject': with_({ sub: undefined }),
    'a subject that is no id': with_({ sub: "' or true --" }),
    'no session': with_({ sid: undefined }),
    'no tenant': with_({ tid: undefined }),
    'a changed payload under our signature': `${head}.${base64url({ ...payload, tid: other.tenantId })}.${signature}`,
    'no signature': `${head}.${body}.`,
    'a signature cut short': `${head}.${body}.${signature.slice(0, -4)}`,
    'two parts': `${head}.${body}`,
    'four parts': `${shop.accessToken}.${signature}`,
    'an encrypted token (JWE)': `${base64url({ alg: 'dir', enc: 'A256GCM' })}..${body}.${body}.${signature}`,
    'a refresh token': shop.refreshToken,
    nothing: '',
    'a word': 'undefined',
  };
  expect(Object.keys(forged).length).toBeGreaterThanOrEqual(25);
  const control = with_({ jti: 'made here, and exactly one of ours' });
  expect((await api.graphql('{ viewer { role } }', {}, control)).data).toEqual({ viewer: { role: 'OWNER' } });
  for (const [what, token] of Object.entries(forged)) {
    const answer = await api.graphql('{ viewer { role } tenant { name } }', {}, token);
    expect(answer.errors?.[0]?.extensions['code'], what).toBe('UNAUTHENTICATED');
    expect(answer.data?.['viewer'] ?? null, what).toBeNull();
  }

  // Signed by us and true in form: still only the session of that person in that tenant is opened.
  const crossed = [
    with_({ tid: other.tenantId }),
    with_({ sub: other.userId }),
    with_({ sid: read(other.accessToken).payload['sid'] }),
  ];
  for (const token of crossed) {
    expect((await api.graphql('{ viewer { role } }', {}, token)).data).toEqual({ viewer: null });
  }
  expect((await shop.graphql('{ viewer { role } }')).data).toEqual({ viewer: { role: 'OWNER' } });
});

test('clocks may be ten seconds apart and no more, also for a token that was seen before', async ({
  api,
  keys,
  shop,
  clock,
}) => {
  const { header, payload } = read(shop.accessToken);
  const [own] = keys.signing;
  const seconds = Math.floor(clock.now().getTime() / 1_000);
  const token = (changed: Part) => signed(header, { ...payload, ...changed }, own!.privateKey);
  const role = async (accessToken: string) =>
    (await api.graphql('{ viewer { role } }', {}, accessToken)).data['viewer']?.role as string | undefined;
  const early = token({ nbf: seconds + 20, exp: seconds + 100 });
  const late = token({ exp: seconds + 20 });
  expect([await role(early), await role(late)]).toEqual([undefined, 'OWNER']);
  clock.advance(14_000);
  expect([await role(early), await role(late)]).toEqual(['OWNER', 'OWNER']);
  clock.advance(10_000);
  expect([await role(early), await role(late)]).toEqual(['OWNER', 'OWNER']);
  clock.advance(10_000);
  expect([await role(early), await role(late)]).toEqual(['OWNER', undefined]);
  clock.advance(-34_000);
  expect([await role(early), await role(late)]).toEqual([undefined, 'OWNER']);
});

test('a token in another place than the header is nobody’s', async ({ api, shop }) => {
  const query = '{ viewer { role } }';
  const send = async (headers: Record<string, string>, search = '') => {
    const answer = await fetch(`${api.url}/graphql${search}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, extensions: { authorization: `Bearer ${shop.accessToken}` } }),
    });
    return ((await answer.json()) as { data: unknown }).data;
  };
  const elsewhere: [Record<string, string>, string?][] = [
    [{ cookie: `authorization=Bearer ${shop.accessToken}; access_token=${shop.accessToken}` }],
    [{ 'x-authorization': `Bearer ${shop.accessToken}` }],
    [{}, `?access_token=${shop.accessToken}`],
    [{ authorization: `Basic ${shop.accessToken}` }],
    [{ authorization: shop.accessToken }],
    [{ authorization: `Bearer ${shop.accessToken}, Bearer ${shop.accessToken}` }],
  ];
  for (const [headers, search] of elsewhere) expect(await send(headers, search)).toEqual({ viewer: null });
});

test('a refresh token that was stolen and used ends the session of thief and owner alike', async ({
  api,
  clock,
  shop,
}) => {
  const refresh = async (refreshToken: string) => {
    const query = `mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) {
      __typename ... on Session { accessToken refreshToken } } }`;
    return (await api.graphql(query, { input: { refreshToken } })).data['sessionRefresh'] as Record<string, string>;
  };
  const stolen = shop.refreshToken;
  const owner = await refresh(stolen);
  clock.advance(11_000);
  const thief = await refresh(stolen);
  expect(thief['__typename']).toBe('SessionEndedError');
  expect((await refresh(owner['refreshToken'] ?? ''))['__typename']).toBe('SessionEndedError');
  const viewer = async (token: string) => (await api.graphql('{ viewer { role } }', {}, token)).data['viewer'];
  expect([await viewer(owner['accessToken'] ?? ''), await viewer(shop.accessToken)]).toEqual([null, null]);
});

test('of many who replay one code of an authenticator app at the same moment, and later, one gets in', async ({
  api,
  clock,
  shop,
}) => {
  const { secret } = await setUpTotp(shop, clock);
  clock.advance(60_000);
  const code = codeAt(secret, clock.now());
  const { email, password } = shop;
  const challenge = async () => {
    const asked = await askFor(api, 'signIn', { email, password }, '... on SecondFactorRequiredError { challenge }');
    return String(asked['challenge']);
  };
  const confirm = async (given: string) =>
    (await askFor(api, 'signInConfirm', { challenge: given, code }))['__typename'];
  const challenges = await Promise.all(Array.from({ length: 8 }, challenge));
  const told = await Promise.all(challenges.map((one) => confirm(one)));
  expect(told.filter((one) => one === 'Session')).toHaveLength(1);
  clock.advance(10_000);
  expect(await confirm(await challenge())).not.toBe('Session');
});
