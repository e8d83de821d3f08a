import { randomBytes } from 'node:crypto';
import { askFor, mutate } from '../test/ask.ts';
import { expect, type Person, type TestApi } from '../test/fixtures.ts';
import { test, tokenIn } from '../test/mails.ts';
import { connect } from '../test/sql.ts';

const dayMs = 24 * 60 * 60_000;
const verify = (api: TestApi, token: string) => askFor(api, 'emailVerify', { token });
const resend = (person: Person, input: object = {}) =>
  mutate(person, 'emailVerificationResend', { ...input }, '... on User { emailVerifiedAt }');
const verifiedAt = async (person: Person) =>
  (await person.graphql('{ viewer { user { emailVerifiedAt } } }')).data['viewer'].user.emailVerifiedAt;

test('the mailed link proves the address, and may be opened twice', async ({ api, shop, mails, clock, database }) => {
  expect(await verifiedAt(shop)).toBeNull();
  const token = await mails.newestToken(shop.email);
  expect(await verify(api, token)).toMatchObject({ __typename: 'EmailVerified' });
  const at = await verifiedAt(shop);
  expect(at).not.toBeNull();
  clock.advance(60_000);
  expect(await verify(api, token)).toMatchObject({ __typename: 'EmailVerified' });
  expect(await verifiedAt(shop)).toBe(at);
  expect(await resend(shop)).toMatchObject({ code: 'CONFLICT' });
  await using superuser = await connect(database.superuserUrl);
  const entries = await superuser.sql`select tenant_id as "tenantId" from audit_entries where action = 'email.verify'`;
  expect(entries).toEqual([{ tenantId: shop.tenantId }]);
});

test('the link is sent again on request, and then only the newer one works, for three days', async ({
  api,
  shop,
  signUp,
  mails,
  clock,
}) => {
  const other = await signUp();
  const otherLink = await mails.newestToken(other.email);
  const first = await mails.newestToken(shop.email);
  expect(await resend(shop, { idempotencyKey: 'once' })).toMatchObject({ emailVerifiedAt: null });
  await resend(shop, { idempotencyKey: 'once' });
  const second = await mails.newestToken(shop.email);
  expect(mails.to(shop.email)).toHaveLength(2);
  expect(await verify(api, first)).toMatchObject({ code: 'LINK_INVALID' });
  clock.advance(2.9 * dayMs);
  expect(await verify(api, otherLink)).toMatchObject({ __typename: 'EmailVerified' });
  clock.advance(0.2 * dayMs);
  expect(await verify(api, second)).toMatchObject({ code: 'LINK_INVALID' });
});

test('a link that was mailed before the server’s secrets were rotated still works', async ({ api, shop, mails }) => {
  const token = await mails.newestToken(shop.email);
  mails.serverSecrets.unshift(randomBytes(32));
  mails.serverSecrets.splice(1);
  expect(await verify(api, token)).toMatchObject({ __typename: 'EmailVerified' });
});

test('a link proves no other address, and what is no link proves nothing', async ({ api, shop, mails, database }) => {
  const token = tokenIn(await mails.newest(shop.email));
  await using superuser = await connect(database.superuserUrl);
  await superuser.sql`update users set email = 'other@example.com', email_key = 'other@example.com'`;
  for (const text of [token, '', 'x', randomBytes(64).toString('base64url')])
    expect(await verify(api, text)).toMatchObject({ code: 'LINK_INVALID' });
  expect(await verifiedAt(shop)).toBeNull();
});

test('news by mail are off until the person wants them, and each choice is kept', async ({ shop, database }) => {
  const wanted = async () =>
    (await shop.graphql('{ viewer { user { marketingMail } } }')).data['viewer'].user.marketingMail;
  const set = (optIn: boolean) => mutate(shop, 'marketingMailSet', { optIn }, '... on User { marketingMail }');
  expect(await wanted()).toBe(false);
  expect(await set(true)).toMatchObject({ marketingMail: true });
  expect(await wanted()).toBe(true);
  expect(await set(false)).toMatchObject({ marketingMail: false });
  await using superuser = await connect(database.superuserUrl);
  expect(await superuser.sql`select opted_in as "optedIn", source from user_mail_choices order by id`).toEqual([
    { optedIn: true, source: 'PERSON' },
    { optedIn: false, source: 'PERSON' },
  ]);
});
