import { randomUUID } from 'node:crypto';
import { formatLinkToken, makeLinkToken } from '../domain/auth/link-token.ts';
import { askFor, mutate, tally } from '../test/ask.ts';
import { expect, globalId, type Person, rawId, testKeys } from '../test/fixtures.ts';
import { appUrl, test, tokenIn } from '../test/mails.ts';
import { accept, addMember, invitationToken, invite, personOf, sessionParts } from '../test/people.ts';
import { setUpTotp } from '../test/totp.ts';

const dayMs = 24 * 60 * 60_000;
const password = 'gentil vento azul';
const invitation = '... on Invitation { id email role status invitedBy { name } expiresAt }';

const create = (by: Person, email: string, role = 'SELLER') =>
  mutate(by, 'invitationCreate', { email, role }, invitation);
const newEmail = () => `${randomUUID()}@example.com`;

test('somebody is invited by mail, joins with a new account, and the address is proven', async ({
  api,
  shop,
  mails,
}) => {
  const email = newEmail();
  const made = await create(shop, ` ${email} `, 'ADMIN');
  expect(made).toMatchObject({ email, role: 'ADMIN', status: 'OPEN', invitedBy: { name: 'Olga Owner' } });
  const mail = await mails.newest(email);
  expect(mail.subject).toBe('Convite para Shop 1 no Parley');
  expect(mail.text).toContain('Olga Owner');
  expect(mail.links[0]).toBe(`${appUrl}/accept-invitation#token=${tokenIn(mail)}`);
  expect(tokenIn(mail)).toBe(invitationToken(shop.tenantId, made['id']));

  const session = await accept(api, { token: tokenIn(mail), name: 'Nina New', password });
  expect(session).toMatchObject({
    __typename: 'Session',
    role: 'ADMIN',
    tenant: { id: globalId('Tenant', shop.tenantId) },
  });
  const nina = personOf(api, session, { email, password });
  const { data } = await nina.graphql('{ viewer { user { name email } } invitations { nodes { id status } } }');
  expect(data['viewer'].user).toMatchObject({ name: 'Nina New', email });
  expect(data['invitations'].nodes).toEqual([{ id: made['id'], status: 'ACCEPTED' }]);
  expect(await askFor(api, 'signIn', { email, password }, sessionParts)).toMatchObject({ __typename: 'Session' });
  expect(mails.logLines.join('')).not.toContain(email);
});

test('a link is good once, for 7 days, until it is taken back; and nobody learns which it was', async ({
  api,
  shop,
  clock,
}) => {
  const [used, revoked, old] = [
    await invite(shop, newEmail(), 'SELLER'),
    await invite(shop, newEmail(), 'SELLER'),
    await invite(shop, newEmail(), 'SELLER'),
  ];
  const [key] = testKeys.encryption;
  const never = formatLinkToken(makeLinkToken('INVITATION', shop.tenantId, randomUUID(), key?.key ?? Buffer.alloc(32)));
  const elsewhere = formatLinkToken(
    makeLinkToken('INVITATION', randomUUID(), rawId(old.id), key?.key ?? Buffer.alloc(32)),
  );
  const forged = formatLinkToken(makeLinkToken('INVITATION', shop.tenantId, rawId(old.id), Buffer.alloc(32)));
  const otherwise = formatLinkToken(
    makeLinkToken('RESET_PASSWORD', shop.tenantId, rawId(old.id), key?.key ?? Buffer.alloc(32)),
  );
  expect((await accept(api, { token: used.token, name: 'Ana', password }))['__typename']).toBe('Session');
  await mutate(shop, 'invitationRevoke', { invitationId: revoked.id });
  const over = [used.token, revoked.token, never, elsewhere, forged, otherwise, 'nonsense', ''];
  const answers = await Promise.all(over.map((token) => accept(api, { token, name: 'Ana', password })));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]).toMatchObject({ __typename: 'NotFoundError' });

  clock.advance(7 * dayMs + 1);
  expect(await accept(api, { token: old.token, name: 'Ana', password })).toEqual(answers[0]);
});

test('of many who accept at the same moment one joins', async ({ api, shop }) => {
  const { token } = await invite(shop, newEmail(), 'SELLER');
  const answers = await Promise.all(Array.from({ length: 5 }, () => accept(api, { token, name: 'Ana', password })));
  expect(tally(answers)['Session']).toBe(1);
  const { data } = await shop.graphql('{ members { nodes { id } } }');
  expect(data['members'].nodes).toHaveLength(2);
});

test('an address with an account joins with that account only: signed in, or by its password', async ({
  api,
  shop,
  signUp,
}) => {
  const [olga, paul] = [await signUp(), await signUp()];
  const { token } = await invite(shop, olga.email.toUpperCase(), 'ADMIN');
  expect(await accept(api, { token })).toMatchObject({ __typename: 'EmailTakenError' });
  expect(await accept(api, { token, name: 'Mallory', password: 'not the password' })).toMatchObject({
    __typename: 'InvalidCredentialsError',
  });
  expect(await accept(paul, { token })).toMatchObject({ __typename: 'ForbiddenError' });

  const joined = await accept(olga, { token });
  expect(joined).toMatchObject({
    __typename: 'Session',
    role: 'ADMIN',
    user: { id: globalId('User', olga.userId) },
    tenant: { id: globalId('Tenant', shop.tenantId) },
  });
  expect((await olga.graphql('{ viewer { role tenant { name } } }')).data['viewer'].role).toBe('OWNER'); // the old session goes on

  const again = await invite(shop, paul.email, 'SELLER');
  expect(await accept(api, { token: again.token, password: paul.password })).toMatchObject({
    __typename: 'Session',
    role: 'SELLER',
  });
});

test('a second factor is asked for there too', async ({ api, shop, signUp, clock }) => {
  const olga = await signUp();
  await setUpTotp(olga, clock);
  const { token } = await invite(shop, olga.email, 'SELLER');
  expect(await accept(api, { token, password: olga.password })).toMatchObject({
    __typename: 'SecondFactorRequiredError',
  });
});

test('whoever is asked for is told what is missing', async ({ api, shop }) => {
  const { token } = await invite(shop, newEmail(), 'SELLER');
  const parts = '... on InvalidInputError { fields { path } }';
  expect((await askFor(api, 'invitationAccept', { token }, parts))['fields']).toEqual([{ path: 'password' }]);
  const answer = await askFor(api, 'invitationAccept', { token, name: ' ', password: 'qwertyuiop' }, parts);
  expect(answer['fields']).toEqual([{ path: 'name' }, { path: 'password' }]);
  await mutate(shop, 'tenantUpdate', { name: 'Loja Girassol' });
  const named = await askFor(api, 'invitationAccept', { token, name: 'Ana', password: 'Girassol2026' }, parts);
  expect(named['fields'], 'the name of the business').toEqual([{ path: 'password' }]);
  expect(await create(shop, 'nobody at all')).toMatchObject({ fields: [{ path: 'email' }] });
});

test('an address is invited once at a time, and no member is', async ({ api, shop, clock }) => {
  const member = await addMember(api, shop, 'SELLER');
  expect(await create(shop, member.email)).toMatchObject({
    __typename: 'ConflictError',
    path: 'email',
    conflictingId: null,
  });
  const email = newEmail();
  const first = await create(shop, email);
  expect(await create(shop, email.toUpperCase())).toMatchObject({
    __typename: 'ConflictError',
    conflictingId: first['id'],
  });
  const racing = await Promise.all(Array.from({ length: 4 }, () => create(shop, 'race@example.com')));
  expect(tally(racing)).toEqual({ Invitation: 1, ConflictError: 3 });
  await mutate(shop, 'invitationRevoke', { invitationId: first['id'] });
  expect(await mutate(shop, 'invitationRevoke', { invitationId: first['id'] })).toMatchObject({
    __typename: 'ConflictError',
  });
  const second = await create(shop, email);
  expect(second).toMatchObject({ __typename: 'Invitation', status: 'OPEN' });

  clock.advance(8 * dayMs);
  const { accessToken } = await askFor(api, 'signIn', { email: shop.email, password: shop.password }, sessionParts);
  const later = { ...shop, graphql: (query: string, variables = {}) => api.graphql(query, variables, accessToken) };
  expect(await create(later, email)).toMatchObject({ __typename: 'Invitation', status: 'OPEN' });
  const { data } = await later.graphql('query ($id: ID!) { node(id: $id) { ... on Invitation { status } } }', {
    id: second['id'],
  });
  expect(data['node']).toEqual({ status: 'EXPIRED' });
});

test('an invitation is sent again, with its days anew, but not in a hurry', async ({ api, shop, mails, clock }) => {
  const email = newEmail();
  const { id, token } = await invite(shop, email, 'SELLER');
  const again = () => mutate(shop, 'invitationResend', { invitationId: id }, invitation);
  clock.advance(1_000);
  expect(await again()).toMatchObject({ status: 'OPEN' });
  expect(await again()).toMatchObject({ __typename: 'RateLimitedError' });
  await mails.deliver();
  expect(mails.to(email)).toHaveLength(2);
  expect(mails.to(email).map(tokenIn)).toEqual([token, token]);
  clock.advance(2 * 60_000);
  expect(await again()).toMatchObject({ status: 'OPEN' });
  expect((await accept(api, { token, name: 'Ana', password }))['__typename']).toBe('Session');
  expect(await again()).toMatchObject({ __typename: 'ConflictError' });
});
