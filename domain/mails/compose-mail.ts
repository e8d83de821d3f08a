import type { Tx } from '../../prisma/client.ts';
import { deviceOf } from '../auth/device.ts';
import { formatLinkToken, remakeLinkToken } from '../auth/link-token.ts';
import { issueToken, type UserTokenPurpose } from '../auth/user-tokens.ts';
import { invitationStatus } from '../members/invitation-status.ts';
import { languageOf, languages } from './languages.ts';
import { type Mail, type QueuedMail, tenantNotices } from './queue-mail.ts';
import { type Draft, type Rendered, renderMail, shownName } from './render-mail.ts';
import type { Texts, WordsWithLink } from './texts/texts.ts';

/** A mail as it is handed over for delivery. */
export type Letter = Rendered & { to: string };

export type ComposeOptions = {
  /** Newest first: what the tokens in links are made with. */
  serverSecrets: readonly Buffer[];
  /** Where links lead. */
  appUrl: string;
  now: Date;
};

/** Whose rows a mail is made of. */
export function scopeOfMail({ tenantId, mail }: QueuedMail): { tenantId: string; userId?: string } {
  return 'userId' in mail ? { tenantId, userId: mail.userId } : { tenantId };
}

/**
 * Writes a mail from the rows it is about, in their scope, in the language of who reads it. Null when there is nobody to write to, or
 * nothing left to say: the link is over, or a newer one is on its way.
 */
export function composeMail(tx: Tx, queued: QueuedMail, options: ComposeOptions): Promise<Letter | null> {
  const { mail } = queued;
  switch (mail.kind) {
    case 'verify-email':
      return composeLink(tx, mail.userId, options, {
        id: queued.mailId,
        purpose: 'VERIFY_EMAIL',
        askedAt: options.now,
        path: 'verify-email',
        words: (texts) => texts.verifyEmail,
      });
    case 'reset-password':
      return composeLink(tx, mail.userId, options, {
        id: queued.mailId,
        purpose: 'RESET_PASSWORD',
        askedAt: new Date(mail.requestedAt),
        path: 'reset-password',
        words: (texts) => texts.resetPassword,
      });
    case 'notice':
      return composeNotice(tx, queued.tenantId, mail, options);
    case 'invitation':
      return composeInvitation(tx, queued.tenantId, mail.invitationId, options);
  }
}

type LinkMail = {
  id: string;
  purpose: UserTokenPurpose;
  askedAt: Date;
  path: string;
  words: (texts: Texts) => WordsWithLink;
};

async function composeLink(
  tx: Tx,
  userId: string,
  { serverSecrets, appUrl, now }: ComposeOptions,
  { id, purpose, askedAt, path, words }: LinkMail,
): Promise<Letter | null> {
  const person = await findPerson(tx, userId);
  if (!person) return null;
  if (purpose === 'VERIFY_EMAIL' && person.emailVerifiedAt) return null;
  const { emailKey } = person;
  const token = await issueToken(tx, { userId, id, purpose, emailKey, askedAt }, serverSecrets, now);
  if (token === null) return null;
  const texts = languages[languageOf(person.locale)];
  return letterTo(person, texts, draftWithLink(words(texts), linkTo(appUrl, path, token)));
}

/** To an address that need not have an account: in the language of the tenant. */
async function composeInvitation(
  tx: Tx,
  tenantId: string,
  id: string,
  { serverSecrets, appUrl, now }: ComposeOptions,
): Promise<Letter | null> {
  const invitation = await tx.invitation.findUnique({
    where: { tenantId_id: { tenantId, id } },
    include: { tenant: { select: { name: true, locale: true } } },
  });
  if (!invitation || invitationStatus(invitation, now) !== 'OPEN') return null;
  const { email, tokenHash, createdBy, tenant } = invitation;
  const token = remakeLinkToken('INVITATION', tenantId, id, serverSecrets, tokenHash);
  if (!token) return null; // its secret is no more: a resend makes it anew
  const inviter = await tx.user.findUnique({ where: { id: createdBy }, select: { name: true } }); // a colleague, if still one
  const texts = languages[languageOf(tenant.locale)];
  const words = texts.invitation(shownName(tenant.name), inviter ? shownName(inviter.name) : undefined);
  const url = linkTo(appUrl, 'accept-invitation', formatLinkToken(token));
  return letterTo({ name: null, email }, texts, draftWithLink(words, url));
}

async function composeNotice(
  tx: Tx,
  tenantId: string,
  { userId, notice, at, sessionId }: Extract<Mail, { kind: 'notice' }>,
  { appUrl }: ComposeOptions,
): Promise<Letter | null> {
  const person = await findPerson(tx, userId);
  if (!person) return null;
  const session = sessionId === undefined ? null : await tx.session.findFirst({ where: { id: sessionId, userId } });
  const texts = languages[languageOf(person.locale)];
  const { subject, lines, after = [texts.notYou] } = texts.notices[notice];
  const tenant = tenantNotices.has(notice)
    ? await tx.tenant.findUnique({ where: { id: tenantId }, select: { name: true } })
    : null;
  const tenantName = tenant && shownName(tenant.name);
  const when = new Intl.DateTimeFormat(texts.locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  const device = deviceOf(session?.userAgent ?? null);
  const facts = [
    ...(tenantName ? [{ name: texts.facts.tenant, value: tenantName }] : []),
    { name: texts.facts.when, value: `${when.format(new Date(at))} (UTC)` },
    ...(device ? [{ name: texts.facts.device, value: device }] : []),
    ...(session?.address ? [{ name: texts.facts.address, value: session.address }] : []),
  ];
  return letterTo(person, texts, { subject, lines, facts, after: [...after, appUrl] });
}

/** A mail whose point is a link. */
function draftWithLink(
  { subject, lines, link, after }: WordsWithLink,
  url: string,
): Pick<Draft, 'subject' | 'lines' | 'link' | 'after'> {
  return { subject, lines, link: { label: link, url }, after };
}

/** A link with a token, behind the `#`: what stands there is sent to no server, so that none writes it down. */
function linkTo(appUrl: string, path: string, token: string): string {
  return `${appUrl}/${path}#token=${token}`;
}

/** Puts a mail together for somebody. */
function letterTo(
  { name, email }: { name: string | null; email: string },
  texts: Texts,
  draft: Omit<Draft, 'locale' | 'greeting' | 'footer'>,
): Letter {
  const greeting = texts.greeting(name === null ? undefined : shownName(name));
  return { to: email, ...renderMail({ locale: texts.locale, greeting, footer: texts.footer, ...draft }) };
}

function findPerson(tx: Tx, userId: string) {
  return tx.user.findUnique({
    where: { id: userId },
    select: { name: true, email: true, emailKey: true, locale: true, emailVerifiedAt: true },
  });
}
