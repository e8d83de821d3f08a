/** A mail before it is text and HTML. What people chose themselves may stand anywhere in it: it is escaped here. */
export type Draft = {
  locale: string;
  subject: string;
  greeting: string;
  lines: string[];
  link?: { label: string; url: string };
  facts?: { name: string; value: string }[];
  after: string[];
  footer: string;
};

/** The same mail twice: for those who read HTML, and for everybody. */
export type Rendered = { subject: string; text: string; html: string };

export function renderMail(draft: Draft): Rendered {
  return { subject: oneLine(draft.subject), text: textOf(draft), html: htmlOf(draft) };
}

function textOf({ greeting, lines, link, facts = [], after, footer }: Draft): string {
  const paragraphs = [
    greeting,
    ...lines,
    ...(facts.length > 0 ? [facts.map(({ name, value }) => `${name}: ${oneLine(value)}`).join('\n')] : []),
    ...(link ? [`${link.label}:\n${link.url}`] : []),
    ...after,
    `-- \n${footer}`,
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

function htmlOf({ locale, subject, greeting, lines, link, facts = [], after, footer }: Draft): string {
  const paragraph = (text: string) => `<p style="margin:0 0 16px">${escape(text)}</p>`;
  const button =
    'display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5eff;color:#fff;text-decoration:none';
  const body = [
    paragraph(greeting),
    ...lines.map(paragraph),
    ...(facts.length > 0
      ? [
          `<p style="margin:0 0 16px">${facts.map(({ name, value }) => `${escape(name)}: <strong>${escape(value)}</strong>`).join('<br>')}</p>`,
        ]
      : []),
    ...(link
      ? [
          `<p style="margin:24px 0"><a href="${escape(link.url)}" style="${button}">${escape(link.label)}</a></p>`,
          `<p style="margin:0 0 16px;font-size:13px;word-break:break-all">${escape(link.url)}</p>`,
        ]
      : []),
    ...after.map(paragraph),
    `<p style="margin:32px 0 0;font-size:13px;color:#666">${escape(footer)}</p>`,
  ];
  const page = 'margin:0 auto;max-width:560px;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#222';
  return `<!doctype html><html lang="${escape(locale)}"><head><meta charset="utf-8"><title>${escape(oneLine(subject))}</title></head><body style="${page}">${body.join('\n')}</body></html>\n`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** Without line breaks and other controls: a header ends where its line does. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

const shownMax = 60;

/**
 * A name that may stand in a mail to somebody who did not choose it; undefined for one that could be a link, or an advertisement: whoever
 * signs up chooses the name and the address that we write to.
 */
export function shownName(name: string): string | undefined {
  const plain = oneLine(name);
  const mayLead = /[/\\@<>]|:\/\/|\p{L}\.\p{L}{2,}|www\b/iu.test(plain);
  return plain === '' || mayLead || Array.from(plain).length > shownMax ? undefined : plain;
}
