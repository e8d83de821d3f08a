/** What Meta calls each error, and the HTTP status it comes with (reference: whatsapp-cloud-api, section 6.2). */
const catalogue: Record<number, [status: number, title: string]> = {
  0: [401, 'AuthException'],
  1: [400, 'An unknown error occurred'],
  2: [503, 'Service temporarily unavailable'],
  3: [500, 'Capability or permissions issue'],
  4: [400, 'Application request limit reached'],
  10: [403, 'Application does not have permission for this action'],
  33: [400, 'Parameter value is not valid'],
  100: [400, 'Invalid parameter'],
  101: [400, 'Error validating application. Cannot get application info due to a system error.'],
  104: [400, 'Incorrect signature'],
  190: [401, 'Access token has expired'],
  200: [403, 'You do not have permission'],
  368: [403, 'Temporarily blocked for policies violations'],
  2200: [400, 'Callback verification failed'],
  80007: [400, 'Rate limit issues'],
  130403: [400, 'Message failed to send because the business has blocked this user'],
  130429: [400, 'Rate limit hit'],
  130472: [400, "User's number is part of an experiment"],
  130497: [403, 'Business account is restricted from messaging users in this country.'],
  131000: [500, 'Something went wrong'],
  131005: [403, 'Access denied'],
  131008: [400, 'Required parameter is missing'],
  131009: [400, 'Parameter value is not valid'],
  131016: [500, 'Service unavailable'],
  131021: [400, 'Recipient cannot be sender'],
  131026: [400, 'Message undeliverable'],
  131030: [400, 'Recipient phone number not in allowed list'],
  131031: [403, 'Business Account locked'],
  131037: [400, 'WhatsApp provided number needs display name approval before message can be sent.'],
  131042: [400, 'Business eligibility payment issue'],
  131044: [400, 'Business eligibility payment issue'],
  131045: [500, 'Incorrect certificate'],
  131047: [400, 'Re-engagement message'],
  131048: [400, 'Spam rate limit hit'],
  131049: [400, 'This message was not delivered to maintain healthy ecosystem engagement.'],
  131050: [400, 'User has stopped marketing messages from this business'],
  131051: [400, 'Unsupported message type'],
  131052: [400, 'Media download error'],
  131053: [400, 'Media upload error'],
  131055: [400, 'Method not allowed'],
  131056: [400, '(Business Account, Consumer Account) pair rate limit hit'],
  131057: [500, 'Account in maintenance mode'],
  131059: [400, 'Invalid cursor'],
  131060: [400, 'Message unavailable'],
  131062: [400, 'Business-scoped user ids are not supported for this message'],
  131063: [400, 'Marketing messages are disabled on Cloud API'],
  131064: [400, 'Template messages are limited after misclassification'],
  132000: [400, 'Number of parameters does not match the expected number of params'],
  132001: [404, 'Template name does not exist in the translation'],
  132005: [400, 'Translated text too long'],
  132007: [400, 'Template format character policy violated'],
  132008: [400, 'Template parameter value is not valid'],
  132012: [400, 'Parameter format does not match format in the created template'],
  132015: [400, 'Template is paused'],
  132016: [400, 'Template is disabled'],
  132018: [400, 'Template parameter validation failed'],
  132068: [400, 'Flow is in blocked state'],
  132069: [400, 'Flow is in throttled state'],
  133000: [500, 'Incomplete deregistration'],
  133004: [503, 'Server temporarily unavailable'],
  133005: [400, 'Two-step verification PIN mismatch'],
  133006: [400, 'Phone number re-verification needed'],
  133008: [400, 'Too many two-step verification PIN guesses'],
  133009: [400, 'Two-step verification PIN guessed too fast'],
  133010: [400, 'Phone number not registered'],
  133015: [400, 'Please wait a few minutes before attempting to register this phone number'],
  133016: [400, 'Account register or deregister rate limit exceeded'],
  134011: [400, 'Terms of service have not been accepted'],
  134100: [400, 'Only marketing messages are supported'],
  134101: [400, 'Template is being synced'],
  134102: [500, 'Template is not eligible'],
  135000: [400, 'Generic user error'],
  137000: [400, 'Recipient identity key hash mismatch'],
  139100: [400, 'Failed to block or unblock some users'],
  139101: [400, 'Blocklist limit reached'],
  139200: [400, 'Direct Send access blocked'],
  2593107: [400, 'Synchronization request limit exceeded'],
  2593108: [400, 'Synchronization request made outside of the allowed window'],
};

export type Refusal = { status: number; code: number; body: string };

type Extra = {
  subcode?: number;
  /** What the business's people are shown; only template management has it. */
  userTitle?: string;
  userMessage?: string;
  type?: string;
  status?: number;
  isTransient?: boolean;
};

export function titleOf(code: number): string {
  return catalogue[code]?.[1] ?? 'Something went wrong';
}

/** A refusal as the Graph API words it (reference: whatsapp-cloud-api, section 6.1). */
export function refuse(code: number, details: string, extra: Extra = {}): Refusal {
  const [status, title] = catalogue[code] ?? [400, 'Invalid parameter'];
  return {
    status: extra.status ?? status,
    code,
    body: JSON.stringify({
      error: {
        message: `(#${code}) ${title}`,
        type: extra.type ?? 'OAuthException',
        code,
        error_data: { messaging_product: 'whatsapp', details },
        ...(extra.subcode === undefined ? {} : { error_subcode: extra.subcode }),
        ...(extra.isTransient === undefined ? {} : { is_transient: extra.isTransient }),
        ...(extra.userTitle === undefined
          ? {}
          : { error_user_title: extra.userTitle, error_user_msg: extra.userMessage ?? details }),
        fbtrace_id: traceId(),
      },
    }),
  };
}

/** A refusal whose message stands alone, as the Graph API itself (not WhatsApp) gives it. */
export function refuseGraph(code: number, message: string, extra: Extra = {}): Refusal {
  const status = extra.status ?? catalogue[code]?.[0] ?? 400;
  const error = {
    message,
    type: extra.type ?? 'OAuthException',
    code,
    ...(extra.subcode === undefined ? {} : { error_subcode: extra.subcode }),
    fbtrace_id: traceId(),
  };
  return { status, code, body: JSON.stringify({ error }) };
}

export function unknownNode(method: string, id: string): Refusal {
  return refuseGraph(
    100,
    `Unsupported ${method.toLowerCase()} request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation.`,
    { type: 'GraphMethodException', subcode: 33 },
  );
}

/** An error inside a webhook. */
export function webhookError(code: number, details?: string): Record<string, unknown> {
  const title = titleOf(code);
  return {
    code,
    title,
    message: title,
    error_data: { details: details ?? title },
    href: 'https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes/',
  };
}

/** Looks like Meta's; it opens nothing, so it need not be hard to guess. */
export function traceId(): string {
  return `A${Math.random().toString(36).slice(2)}`;
}
