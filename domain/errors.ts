/** What a client may read of a refusal. Codes are part of the API: they are added, never renamed. */
export type ErrorCode =
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'FORBIDDEN'
  | 'IDEMPOTENCY_CONFLICT'
  | 'STILL_RUNNING'
  | 'RATE_LIMITED'
  | 'INVALID_CREDENTIALS'
  | 'SESSION_ENDED'
  | 'EMAIL_TAKEN'
  | 'LINK_INVALID'
  | 'CONFIRMATION_REQUIRED'
  | 'SECOND_FACTOR_REQUIRED'
  | 'CHALLENGE_ENDED'
  | 'IDENTITY_UNKNOWN'
  | 'CONSENT_WITHDRAWN'
  | 'ILLEGAL_TRANSITION'
  | 'CANNOT_SEND'
  | 'PARTNER_OFF'
  | 'PARTNER_REFUSED'
  | 'PARTNER_UNAVAILABLE';

/** A refusal that is the user's to understand: what it says reaches the client. Everything else that is thrown is a bug. */
export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode;
}

/** Where in the input a value was not accepted, and what was expected there. */
export type FieldProblem = { path: string; message: string };

export class InvalidInputError extends DomainError {
  readonly code = 'INVALID_INPUT';
  readonly fields: FieldProblem[];
  constructor(fields: FieldProblem[]) {
    super(fields.map(({ path, message }) => `${path}: ${message}`).join(' ') || 'The input is not valid.');
    this.fields = fields;
  }
}

/** Also what somebody else's id gets: nobody learns that it exists. */
export class NotFoundError extends DomainError {
  readonly code = 'NOT_FOUND';
}

/** The state of things does not allow it, now or any more. */
export class ConflictError extends DomainError {
  readonly code = 'CONFLICT';
  /** The input that is in conflict, where it is one. */
  readonly path: string | undefined;
  /** The object of the same tenant that stands against it. */
  readonly conflicting: ObjectReference | undefined;
  constructor(message: string, details: { path?: string; conflicting?: ObjectReference } = {}) {
    super(message);
    this.path = details.path;
    this.conflicting = details.conflicting;
  }
}

export type ObjectReference = { typename: string; id: string };

/** Signed in, but this one is not the caller's to change. */
export class ForbiddenError extends DomainError {
  readonly code = 'FORBIDDEN';
}

/** The key was used for something else before. */
export class IdempotencyConflictError extends DomainError {
  readonly code = 'IDEMPOTENCY_CONFLICT';
}

/** The first request with this key is still at work. */
export class StillRunningError extends DomainError {
  readonly code = 'STILL_RUNNING';
  /** Seconds. */
  readonly retryAfter: number;
  constructor(retryAfter: number) {
    super('A request with this idempotency key is still running.');
    this.retryAfter = retryAfter;
  }
}

export class RateLimitedError extends DomainError {
  readonly code = 'RATE_LIMITED';
  /** Seconds. */
  readonly retryAfter: number;
  constructor(message: string, retryAfter: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

export class InvalidCredentialsError extends DomainError {
  readonly code = 'INVALID_CREDENTIALS';
}

export class SessionEndedError extends DomainError {
  readonly code = 'SESSION_ENDED';
}

/** A mailed link that was used, took too long, or gave way to a newer one; or one that we never sent. */
export class LinkInvalidError extends DomainError {
  readonly code = 'LINK_INVALID';
}

export class EmailTakenError extends DomainError {
  readonly code = 'EMAIL_TAKEN';
}

/** The session is good, but the person has to prove once more who it is. */
export class ConfirmationRequiredError extends DomainError {
  readonly code = 'CONFIRMATION_REQUIRED';
}

/** The first step of a sign-in was right, and the second is owed. The challenge opens nothing else, and is shown here only. */
export class SecondFactorRequiredError extends DomainError {
  readonly code = 'SECOND_FACTOR_REQUIRED';
  readonly challenge: string;
  readonly expiresAt: Date;
  constructor(challenge: string, expiresAt: Date) {
    super('Please enter the code of your authenticator app.');
    this.challenge = challenge;
    this.expiresAt = expiresAt;
  }
}

/** The second step came too late, too often, or for nothing: the sign-in begins anew. */
export class ChallengeEndedError extends DomainError {
  readonly code = 'CHALLENGE_ENDED';
  constructor() {
    super('This took too long, or too many tries. Please sign in again.');
  }
}

/** An account elsewhere that nobody signs in with yet. What was handed out for it is shown here only. */
export class IdentityUnknownError extends DomainError {
  readonly code = 'IDENTITY_UNKNOWN';
  readonly identity: string;
  readonly expiresAt: Date;
  readonly email: string | null;
  readonly personName: string | null;
  constructor(identity: string, expiresAt: Date, known: { email: string | null; name: string | null }) {
    super('Nobody signs in with this account yet. Sign in and link it, or sign up with it.');
    this.identity = identity;
    this.expiresAt = expiresAt;
    this.email = known.email;
    this.personName = known.name;
  }
}

/** The person took consent back; only the person's own later act gives it again. */
export class ConsentWithdrawnError extends DomainError {
  readonly code = 'CONSENT_WITHDRAWN';
}

/** A message that would only be refused later: nothing was queued. `reason` is for programs, the message says what to do. */
export class CannotSendError extends DomainError {
  readonly code = 'CANNOT_SEND';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What is asked for goes through a partner that is not set up here. */
export class PartnerOffError extends DomainError {
  readonly code = 'PARTNER_OFF';
}

/** The partner's own name and words for a refusal. */
export type PartnerRefusal = { partnerCode: number | null; title: string | null; path: string | null };

/** A partner said no, and would say so again: something has to be changed first. */
export class PartnerError extends DomainError {
  readonly code = 'PARTNER_REFUSED';
  /** The partner's code for it: what its support asks for. */
  readonly partnerCode: number | null;
  /** The partner's headline, where it gave one. */
  readonly title: string | null;
  /** The input that it is about, where it is about one. */
  readonly path: string | null;
  constructor(message: string, refusal: Partial<PartnerRefusal> = {}) {
    super(message);
    this.partnerCode = refusal.partnerCode ?? null;
    this.title = refusal.title ?? null;
    this.path = refusal.path ?? null;
  }
}

/** A partner could not be reached, or has no time for us now: the same request may work later. */
export class PartnerUnavailableError extends DomainError {
  readonly code = 'PARTNER_UNAVAILABLE';
  /** Seconds. */
  readonly retryAfter: number;
  constructor(message: string, retryAfter: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** What is asked for cannot follow from the status that it has. */
export class IllegalTransitionError extends DomainError {
  readonly code = 'ILLEGAL_TRANSITION';
  readonly from: string;
  readonly to: string;
  constructor(from: string, to: string) {
    super(`What is ${from} cannot become ${to}.`);
    this.from = from;
    this.to = to;
  }
}

/** Collects what is wrong with an input, so that everything is said at once. */
export function problems(): { add(path: string, message: string): void; throwIfAny(): void } {
  const fields: FieldProblem[] = [];
  return {
    add: (path, message) => fields.push({ path, message }),
    throwIfAny: () => {
      if (fields.length > 0) throw new InvalidInputError(fields);
    },
  };
}

/** A refusal as it is stored with an idempotency key, so that a repeat of the request gets the same answer. */
export type StoredError = {
  code: ErrorCode;
  from?: string;
  to?: string;
  message: string;
  fields?: FieldProblem[];
  retryAfter?: number;
  path?: string;
  conflicting?: ObjectReference;
  refusal?: PartnerRefusal;
  reason?: string;
};

export function storeError(error: DomainError): StoredError {
  return {
    code: error.code,
    message: error.message,
    ...(error instanceof InvalidInputError ? { fields: error.fields } : {}),
    ...(error instanceof RateLimitedError || error instanceof PartnerUnavailableError
      ? { retryAfter: error.retryAfter }
      : {}),
    ...(error instanceof CannotSendError ? { reason: error.reason } : {}),
    ...(error instanceof PartnerError ? { refusal: refusalOf(error) } : {}),
    ...(error instanceof ConflictError ? detailsOf(error) : {}),
    ...(error instanceof IllegalTransitionError ? { from: error.from, to: error.to } : {}),
  };
}

function refusalOf({ partnerCode, title, path }: PartnerError): PartnerRefusal {
  return { partnerCode, title, path };
}

function detailsOf({ path, conflicting }: ConflictError): { path?: string; conflicting?: ObjectReference } {
  return { ...(path === undefined ? {} : { path }), ...(conflicting ? { conflicting } : {}) };
}

const byCode: Record<ErrorCode, (stored: StoredError) => DomainError> = {
  INVALID_INPUT: ({ fields }) => new InvalidInputError(fields ?? []),
  NOT_FOUND: ({ message }) => new NotFoundError(message),
  CONFLICT: ({ message, ...details }) => new ConflictError(message, details),
  FORBIDDEN: ({ message }) => new ForbiddenError(message),
  IDEMPOTENCY_CONFLICT: ({ message }) => new IdempotencyConflictError(message),
  STILL_RUNNING: ({ retryAfter }) => new StillRunningError(retryAfter ?? 1),
  RATE_LIMITED: ({ message, retryAfter }) => new RateLimitedError(message, retryAfter ?? 1),
  INVALID_CREDENTIALS: ({ message }) => new InvalidCredentialsError(message),
  SESSION_ENDED: ({ message }) => new SessionEndedError(message),
  EMAIL_TAKEN: ({ message }) => new EmailTakenError(message),
  LINK_INVALID: ({ message }) => new LinkInvalidError(message),
  CONFIRMATION_REQUIRED: ({ message }) => new ConfirmationRequiredError(message),
  SECOND_FACTOR_REQUIRED: () => new ChallengeEndedError(), // never stored: a challenge is shown once
  CHALLENGE_ENDED: () => new ChallengeEndedError(),
  IDENTITY_UNKNOWN: ({ message }) => new NotFoundError(message), // never stored: it belongs to nobody yet
  CONSENT_WITHDRAWN: ({ message }) => new ConsentWithdrawnError(message),
  ILLEGAL_TRANSITION: ({ from = '', to = '' }) => new IllegalTransitionError(from, to),
  CANNOT_SEND: ({ message, reason }) => new CannotSendError(reason ?? '', message),
  PARTNER_OFF: ({ message }) => new PartnerOffError(message),
  PARTNER_REFUSED: ({ message, refusal }) => new PartnerError(message, refusal),
  PARTNER_UNAVAILABLE: ({ message, retryAfter }) => new PartnerUnavailableError(message, retryAfter ?? 60),
};

export function reviveError(stored: StoredError): DomainError {
  return byCode[stored.code](stored);
}
