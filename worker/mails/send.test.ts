import { randomBytes } from 'node:crypto';
import { type Mail, notices, queueMail } from '../../domain/mails/queue-mail.ts';
import { inScope } from '../../prisma/client.ts';
import { askFor } from '../../test/ask.ts';
import { expect, type TestApi } from '../../test/fixtures.ts';
import { appUrl, test, tokenIn } from '../../test/mails.ts';
import { connect } from '../../test/sql.ts';
import { HopelessJobError } from '../task.ts';

const person = { name: 'Ana', password: 'gentil vento azul', timeZone: 'UTC', tenantName: 'Casa Nova' };

async function signUp(api: TestApi, input: Record<string, unknown>): Promise<string> {
  const email = `${randomBytes(6).toString('hex')}@example.com`;
  const answer = await askFor(api, 'signUp', { ...person, email, ...input });
  expect(answer).toMatchObject({ __typename: 'Session' });
  return email;
}

test('whoever signs up is asked to prove the address, in the own language, as text and as HTML', async ({
  api,
  mails,
}) => {
  const inLanguages = [
    { country: 'BR', subject: 'Confirme seu endereço de e-mail', greeting: 'Olá, Ana,' },
    { country: 'TR', subject: 'E-posta adresinizi doğrulayın', greeting: 'Merhaba Ana,' },
    { country: 'MY', subject: 'Sahkan alamat e-mel anda', greeting: 'Helo Ana,' },
    { country: 'DE', subject: 'Confirm your e-mail address', greeting: 'Hello Ana,' },
  ];
  for (const { country, subject, greeting } of inLanguages) {
    const mail = await mails.newest(await signUp(api, { country }));
    expect(mail).toMatchObject({ subject, from: 'Parley <no-reply@parley.test>' });
    expect(mail.text).toContain(greeting);
    expect(mail.html).toContain(`<p style="margin:0 0 16px">${greeting}</p>`);
    const [link] = mail.links;
    expect(link).toBe(`${appUrl}/verify-email#token=${tokenIn(mail)}`);
    expect(mail.html).toContain(`href="${link}"`);
  }
});

test('a mail of every kind is written in every language', async ({ api, db, shop, mails }) => {
  const { tenantId, userId, email } = shop;
  const kinds: Mail[] = [
    { kind: 'verify-email', userId },
    { kind: 'reset-password', userId, requestedAt: new Date().toISOString() },
    ...notices.map((notice): Mail => ({ kind: 'notice', userId, notice, at: '2026-11-22T10:00:00.000Z' })),
  ];
  await mails.deliver();
  const before = mails.mails.length;
  const written = new Set<string>();
  for (const locale of ['en', 'pt-BR', 'tr-TR', 'ms-MY']) {
    await inScope(db, { tenantId, userId }, (tx) => tx.user.update({ where: { id: userId }, data: { locale } }));
    for (const mail of kinds) await inScope(db, { tenantId, userId }, (tx) => queueMail(tx, tenantId, mail));
    await mails.deliver();
  }
  const sent = mails.to(email).slice(before);
  for (const { subject, text, html } of sent) {
    written.add(subject);
    expect(text.length, subject).toBeGreaterThan(100);
    expect(html, subject).toMatch(/^<!doctype html><html lang="(en|pt-BR|tr|ms-MY)">/);
    expect(`${subject}${text}${html}`).not.toContain('undefined');
  }
  expect(written.size).toBe(kinds.length * 4);
  expect(api.logLines.join('')).not.toContain(email);
  expect(mails.logLines.join('')).not.toContain(email);
});

test('a name is shown as it is, and can neither be HTML nor lead anywhere', async ({ api, mails }) => {
  const plain = await mails.newest(await signUp(api, { country: 'DE', name: 'Ana “<b>” & Söhne' }));
  expect(plain.text).toContain('Hello,');
  const amp = await mails.newest(await signUp(api, { country: 'DE', name: 'Ana & "Söhne"' }));
  expect(amp.text).toContain('Hello Ana & "Söhne",');
  expect(amp.html).toContain('Hello Ana &amp; &quot;Söhne&quot;,');
  for (const name of [
    'You won: visit evil.example',
    'http://x',
    'a@b',
    'W'.repeat(80),
    'Ana\r\nBcc: all@example.com/',
  ]) {
    const mail = await mails.newest(await signUp(api, { country: 'DE', name }));
    expect(mail.text, name).toContain('Hello,');
    expect(`${mail.subject}${mail.text}${mail.html}`).not.toContain(name);
    expect(mail.headers['bcc']).toBeUndefined();
  }
});

test('the queue and the database hold no address and no token of a mail', async ({ api, mails, database }) => {
  const email = await signUp(api, { country: 'BR' });
  await using superuser = await connect(database.superuserUrl);
  const [job] = await superuser.sql<{ payload: object }>`select payload from graphile_worker._private_jobs`;
  expect(JSON.stringify(job)).not.toContain(email);
  const token = await mails.newestToken(email);
  const tokens = await superuser.sql<{ row: string }>`select t::text as row from user_tokens t`;
  expect(tokens).toHaveLength(1);
  for (const secret of [token, Buffer.from(token, 'base64url').toString('hex')])
    expect(JSON.stringify(tokens)).not.toContain(secret);
  expect(mails.logLines.join('')).not.toContain(token);
});

test('a mail that was not taken is tried again, the same in every word, also after the secrets were rotated', async ({
  shop,
  mails,
  database,
}) => {
  await using superuser = await connect(database.superuserUrl);
  mails.refuseNext({ status: 451, message: 'Later, please' });
  expect(await mails.deliver()).toMatchObject([
    { message: expect.stringContaining('did not take it (EENVELOPE 451)') },
  ]);
  expect(mails.mails).toEqual([]);
  const [stored] = await superuser.sql`select encode(hash, 'hex') as hash from user_tokens`;
  mails.serverSecrets.unshift(randomBytes(32));
  await superuser.sql`update graphile_worker._private_jobs set run_at = now()`;
  const first = await mails.newest(shop.email);
  expect(await superuser.sql`select encode(hash, 'hex') as hash from user_tokens`).toEqual([stored]);
  expect(first.messageId).toMatch(/^<[\da-f-]{36}@parley.test>$/);
});

test('what the mail server refuses for good is set aside at once', async ({ shop, mails }) => {
  mails.refuseNext({ status: 550, message: `No such user ${shop.email}` });
  const [thrown] = await mails.deliver();
  expect(thrown).toBeInstanceOf(HopelessJobError);
  expect(String(thrown)).not.toContain(shop.email);
  expect(mails.logLines.join('')).not.toContain(shop.email);
});

test('where mails are off, each one that is not sent is logged and counted', async ({ shop, mails }) => {
  mails.turnOff();
  expect(await mails.deliver()).toEqual([]);
  expect(mails.to(shop.email)).toEqual([]);
  expect(mails.logLines.join('')).toContain('mails are off');
  expect(await mails.metrics()).toContain('parley_mails_total{kind="verify-email",outcome="off"} 1');
});
