/**
 * What a refusal of Meta's means for us: by its code, never by the HTTP status (reference: whatsapp-cloud-api, section 6.2).
 *
 * - `wait`: it was not taken; the message goes back to the queue for `seconds`.
 * - `pair`: this one person was written to too often; only that message waits.
 * - `unknown`: it may have gone out; never sent again blindly.
 * - `contact`: this message fails, the others go on.
 * - `template`, `number`, `account`: it stops everything that depends on it. `token`: an account whose key no longer opens.
 *   What stopped waits in the queue, so that it goes on once the cause is mended.
 */
export type FailureClass = 'wait' | 'pair' | 'unknown' | 'contact' | 'template' | 'number' | 'account' | 'token';

export type Failure = {
  class: FailureClass;
  /** What happened, in a few words. */
  title: string;
  /** What the tenant can do. */
  action: string;
  /** How long it is at least of no use to try again. */
  seconds?: number;
  /** A template's problem that no waiting mends: its campaigns are paused. */
  isFinal?: true;
  /** Says nothing about the quality of the list or the template. */
  isSoft?: true;
};

const hour = 3_600;
const day = 24 * hour;

const reconnect = 'Reconnect the WhatsApp account.';
const askMeta = 'Look at the account in WhatsApp Manager; Meta says there what it wants.';
const correctTemplate = 'Correct the template or the values that fill it, then start a new campaign.';
const nothing = 'Nothing: Parley waits and goes on by itself.';
const doubtful = 'Wait for the status: whether it arrived is not known yet. Marketing is never sent twice.';

const failures: Readonly<Record<number, Failure>> = {
  0: { class: 'token', title: 'The access token was not accepted', action: reconnect },
  1: { class: 'unknown', title: 'Meta had an unknown error', action: doubtful },
  2: { class: 'unknown', title: 'Meta was overloaded', action: doubtful },
  3: { class: 'token', title: 'A permission is missing', action: reconnect },
  4: { class: 'number', seconds: 60, title: 'Too many calls of the app', action: nothing },
  10: { class: 'token', title: 'A permission was taken away', action: reconnect },
  33: { class: 'number', title: 'The number no longer exists at Meta', action: 'Connect the number again.' },
  100: {
    class: 'contact',
    title: 'A value was not valid',
    action: 'Correct the value that Meta names, then send again.',
  },
  190: { class: 'token', title: 'The access token has expired or was revoked', action: reconnect },
  368: { class: 'account', seconds: day, title: 'Blocked for a policy violation', action: askMeta },
  80007: { class: 'number', seconds: 300, title: 'Too many calls for this account', action: nothing },
  130403: {
    class: 'contact',
    isSoft: true,
    title: 'The business has blocked this person',
    action: 'Unblock the person in WhatsApp first.',
  },
  130429: { class: 'wait', seconds: 1, title: 'The number sends too fast', action: nothing },
  130472: {
    class: 'contact',
    isSoft: true,
    title: 'The person is in an experiment of Meta’s',
    action: 'Try again with another campaign later.',
  },
  130497: {
    class: 'contact',
    title: 'The business may not write to this country',
    action: 'Leave this country out of the audience.',
  },
  131000: { class: 'unknown', title: 'Something went wrong at Meta', action: doubtful },
  131005: { class: 'token', title: 'Access was denied', action: reconnect },
  131008: {
    class: 'contact',
    title: 'A required value is missing',
    action: 'Report this message to support: Parley built it wrongly.',
  },
  131009: {
    class: 'contact',
    title: 'A value is not valid',
    action: 'Correct the value that Meta names, then send again.',
  },
  131016: { class: 'unknown', title: 'Meta’s service was unavailable', action: doubtful },
  131021: {
    class: 'contact',
    title: 'Sender and recipient are the same',
    action: 'Remove your own number from the audience.',
  },
  131026: {
    class: 'contact',
    isSoft: true,
    title: 'It cannot be delivered',
    action: 'The person may not use WhatsApp: reach them another way.',
  },
  131030: {
    class: 'contact',
    title: 'A test number writes only to listed people',
    action: 'Add the person to the test number’s list, or use a real number.',
  },
  131031: { class: 'account', title: 'The account is locked', action: askMeta },
  131037: {
    class: 'number',
    title: 'The display name is not approved',
    action: 'Have the display name approved in WhatsApp Manager.',
  },
  131042: {
    class: 'account',
    title: 'There is a problem with the payment',
    action: 'Add or mend the payment method in WhatsApp Manager.',
  },
  131044: {
    class: 'account',
    title: 'There is a problem with the payment',
    action: 'Add or mend the payment method in WhatsApp Manager.',
  },
  131045: { class: 'number', title: 'The number is not registered properly', action: 'Connect the number again.' },
  131047: {
    class: 'contact',
    title: 'The service window is closed',
    action: 'Send a template instead: free text goes only within 24 h of the person’s last message.',
  },
  131048: {
    class: 'number',
    seconds: day,
    title: 'Too many people have blocked or reported the number',
    action: 'Send less, and only to people who want it; Parley tries again in a day.',
  },
  131049: {
    class: 'contact',
    isSoft: true,
    title: 'Meta limits marketing to this person',
    action: 'Wait at least a day before writing to this person again.',
  },
  131050: {
    class: 'contact',
    isSoft: true,
    title: 'The person stopped marketing from you',
    action: 'Nothing: the consent was withdrawn here too.',
  },
  131051: { class: 'contact', title: 'This type of message is not supported', action: 'Send another type.' },
  131052: {
    class: 'contact',
    title: 'The person’s media could not be loaded',
    action: 'Ask the person to send it again.',
  },
  131053: {
    class: 'contact',
    title: 'The media could not be loaded',
    action: 'Check the link or upload the media again.',
  },
  131055: { class: 'contact', title: 'This way of sending is not allowed', action: 'Send it as an ordinary message.' },
  131056: { class: 'pair', seconds: 6, title: 'Too many messages to this person at once', action: nothing },
  131057: { class: 'number', seconds: 60, title: 'Meta is working on the number', action: nothing },
  131062: {
    class: 'contact',
    title: 'This message needs the person’s phone number',
    action: 'Ask the person for the phone number.',
  },
  131063: { class: 'template', isFinal: true, title: 'Marketing is switched off for this account', action: askMeta },
  131064: { class: 'account', seconds: day, title: 'Limited after wrongly categorised templates', action: askMeta },
  132000: { class: 'template', isFinal: true, title: 'The number of parameters is wrong', action: correctTemplate },
  132001: {
    class: 'template',
    isFinal: true,
    title: 'The template does not exist, or not in this language',
    action: 'Sync the templates.',
  },
  132005: {
    class: 'contact',
    title: 'The filled-in text is too long',
    action: 'Shorten the value that makes it too long.',
  },
  132007: {
    class: 'template',
    isFinal: true,
    title: 'The template breaks a policy',
    action: 'Change the template’s content.',
  },
  132008: { class: 'contact', title: 'A parameter is not valid', action: 'Correct the value.' },
  132012: { class: 'template', isFinal: true, title: 'A parameter has the wrong format', action: correctTemplate },
  132015: {
    class: 'template',
    title: 'Meta has paused the template',
    action: 'Wait until Meta lifts the pause, or improve the template.',
  },
  132016: { class: 'template', isFinal: true, title: 'Meta has disabled the template', action: 'Make a new template.' },
  132018: {
    class: 'contact',
    title: 'A parameter’s text is not allowed',
    action: 'Take line breaks, tabs and long runs of spaces out of the value.',
  },
  132068: {
    class: 'template',
    isFinal: true,
    title: 'The flow is blocked',
    action: 'Mend the flow in WhatsApp Manager.',
  },
  132069: { class: 'wait', seconds: hour, title: 'The flow is throttled', action: nothing },
  133000: { class: 'number', title: 'An earlier deregistration is incomplete', action: 'Connect the number again.' },
  133004: { class: 'unknown', title: 'Meta’s server was unavailable', action: doubtful },
  133010: { class: 'number', title: 'The number is not registered', action: 'Connect the number again.' },
  133015: { class: 'number', seconds: 300, title: 'The number is being deleted', action: nothing },
  134011: { class: 'account', title: 'The terms for payments are not accepted', action: askMeta },
  134100: { class: 'template', isFinal: true, title: 'Only marketing may be sent this way', action: correctTemplate },
  134101: { class: 'wait', seconds: 600, title: 'The template is still being prepared', action: nothing },
  134102: { class: 'template', isFinal: true, title: 'The template may not be sent this way', action: correctTemplate },
  135000: {
    class: 'contact',
    title: 'A value was refused',
    action: 'Correct the value that Meta names, then send again.',
  },
  137000: { class: 'contact', title: 'The person’s identity has changed', action: 'Verify the person again.' },
  139200: { class: 'contact', title: 'Sending without a template is not allowed', action: 'Send a template.' },
  2494100: { class: 'number', seconds: 300, title: 'Meta is working on the number', action: nothing },
};

const permission: Failure = { class: 'token', title: 'A permission is missing', action: reconnect };
const unheardOf: Failure = {
  class: 'contact',
  title: 'Meta refused it',
  action: 'Look the code up in Meta’s list; if it goes on, tell support.',
};

/** What a code of Meta's means. One that nobody knows fails the one message: it was refused with a reason, and nothing says that it went out. */
export function failureOf(code: number): Failure {
  return failures[code] ?? (code >= 200 && code <= 299 ? permission : unheardOf);
}

/** Codes that say nothing about the list or the template: the breaker of a campaign does not count them. */
export const softCodes: readonly number[] = Object.keys(failures)
  .map(Number)
  .filter((code) => failureOf(code).isSoft);

/** Why a message did not leave, or is not known to have arrived, though Meta said nothing. */
export const reasons = {
  NO_CONSENT: { title: 'No consent to marketing', action: 'Ask the person for consent, and record it.' },
  OPTED_OUT: { title: 'The person does not want these messages', action: 'Nothing: only the person can change that.' },
  BLOCKED: { title: 'The contact is blocked', action: 'Unblock the contact to write to it.' },
  NO_IDENTITY: { title: 'There is no number or WhatsApp id to write to', action: 'Add a phone number to the contact.' },
  DUPLICATE: { title: 'The same person is in this campaign already', action: 'Nothing: one message each.' },
  MISSING_VARIABLE: {
    title: 'A value for the template is missing',
    action: 'Fill the contact’s field, or give the variable a fallback.',
  },
  WINDOW_CLOSED: {
    title: 'The service window is closed',
    action: 'Send a template instead: free text goes only within 24 h of the person’s last message.',
  },
  CONTACT_DELETED: { title: 'The contact was deleted', action: 'Nothing.' },
  COUNTRY: { title: 'Marketing is not delivered to this country', action: 'Leave this country out of the audience.' },
  TEMPLATE_CHANGED: {
    title: 'The template was changed after this was queued',
    action: 'Send it again with the template as it is now.',
  },
  PAST_VALIDITY: { title: 'It was not sent in time', action: 'Start a new campaign if it still matters.' },
  NOT_CONFIRMED: { title: 'Nobody knows whether it arrived', action: doubtful },
} as const satisfies Record<string, { title: string; action: string }>;

export type Reason = keyof typeof reasons;

export type ExplainedFailure = { code: string; title: string; action: string; metaCode: number | null };

/** Why a message stands where it stands, for people; null where nothing went wrong. */
export function explainFailure(message: {
  status: string;
  reason: string | null;
  failureCode: number | null;
}): ExplainedFailure | null {
  const { status, reason, failureCode } = message;
  if (status === 'SKIPPED' || status === 'EXPIRED' || status === 'UNKNOWN') {
    const byStatus = { EXPIRED: 'PAST_VALIDITY', UNKNOWN: 'NOT_CONFIRMED', SKIPPED: reason } as const;
    const code = byStatus[status] ?? status;
    return { code, ...(isReason(code) ? reasons[code] : { title: code, action: 'Nothing.' }), metaCode: failureCode };
  }
  if (status !== 'FAILED' || failureCode === null) return null;
  const { class: kind, title, action } = failureOf(failureCode);
  return { code: kind.toUpperCase(), title, action, metaCode: failureCode };
}

const isReason = (code: string): code is Reason => code in reasons;
