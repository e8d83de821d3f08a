import type { Notice } from '../queue-mail.ts';

/** The words of one mail, without the facts in it. */
export type Words = { subject: string; lines: string[] };

/** What somebody is told, and what to do about it where that is not `notYou`. */
export type NoticeWords = Words & { after?: string[] };

/** The same with a link to follow, and what is to be said about it. */
export type WordsWithLink = Words & { link: string; after: string[] };

/** Everything that we write in one language. */
export type Texts = {
  /** BCP 47, for the mail's `lang` and its dates. */
  locale: string;
  /** Without a name that can be shown. */
  greeting: (name: string | undefined) => string;
  verifyEmail: WordsWithLink;
  resetPassword: WordsWithLink;
  invitation: (tenant: string | undefined, inviter: string | undefined) => WordsWithLink;
  notices: Record<Notice, NoticeWords>;
  /** Where and when something happened. */
  facts: { when: string; device: string; address: string; tenant: string };
  /** What to do when it was somebody else. */
  notYou: string;
  footer: string;
};
