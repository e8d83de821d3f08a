import { encodeGlobalID } from '@pothos/plugin-relay';
import {
  CannotSendError,
  ChallengeEndedError,
  ConfirmationRequiredError,
  ConflictError,
  ConsentWithdrawnError,
  type DomainError,
  EmailTakenError,
  ForbiddenError,
  IdempotencyConflictError,
  IdentityUnknownError,
  IllegalTransitionError,
  InvalidCredentialsError,
  InvalidInputError,
  LinkInvalidError,
  NotFoundError,
  PartnerError,
  PartnerOffError,
  PartnerUnavailableError,
  RateLimitedError,
  SecondFactorRequiredError,
  SessionEndedError,
  StillRunningError,
} from '../domain/errors.ts';
import { builder } from './builder.ts';
import { conflictingWith } from './masking.ts';

export const ErrorCode = builder.enumType('ErrorCode', {
  description: 'Why something was refused. Codes are added over time, never renamed.',
  values: {
    INVALID_INPUT: { description: 'Some of the input was not accepted: `fields` says where.' },
    NOT_FOUND: { description: 'There is no such object, or none of yours.' },
    CONFLICT: { description: 'The state of the object does not allow it.' },
    FORBIDDEN: { description: 'It is not yours to change.' },
    IDEMPOTENCY_CONFLICT: { description: 'The idempotency key was used for another input before.' },
    STILL_RUNNING: { description: 'The first request with this idempotency key has not finished.' },
    RATE_LIMITED: { description: 'Too many requests: wait `retryAfter` seconds.' },
    INVALID_CREDENTIALS: { description: 'What was to prove who you are is wrong: address and password, or a code.' },
    SESSION_ENDED: { description: 'The session has ended: sign in again.' },
    LINK_INVALID: { description: 'The mailed link does not work, or no longer: ask for another one.' },
    EMAIL_TAKEN: { description: 'There is an account with this e-mail address.' },
    CONFIRMATION_REQUIRED: { description: 'Prove once more who you are, with `sessionConfirm`, and try again.' },
    SECOND_FACTOR_REQUIRED: { description: 'The second step is owed: `signInConfirm` with the `challenge`.' },
    CHALLENGE_ENDED: { description: 'The second step came too late, or was tried too often: sign in again.' },
    IDENTITY_UNKNOWN: { description: 'Nobody signs in with this account yet: link it, or sign up with it.' },
    CONSENT_WITHDRAWN: { description: 'The person took consent back; only the person can give it again.' },
    ILLEGAL_TRANSITION: { description: 'It cannot follow from the status that the object has.' },
    CANNOT_SEND: { description: 'The message would only be refused later: `reason` says why.' },
    PARTNER_OFF: { description: 'It goes through a partner that is not set up on this installation.' },
    PARTNER_REFUSED: { description: 'The partner said no: `message` says what to change.' },
    PARTNER_UNAVAILABLE: {
      description: 'The partner could not be reached, or is too busy: wait `retryAfter` seconds.',
    },
  } as const,
});

export const UserError = builder.interfaceRef<DomainError>('UserError').implement({
  description: 'A refusal that a person can understand and a program can handle.',
  fields: (t) => ({
    code: t.field({ type: ErrorCode, description: 'For programs.', resolve: (error) => error.code }),
    message: t.exposeString('message', { description: 'For people, in English.' }),
  }),
});

export const FieldProblem = builder.objectRef<{ path: string; message: string }>('FieldProblem').implement({
  description: 'One value that was not accepted.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'Where it stands in the input, as in `address.country` or `identities.0.value`.',
    }),
    message: t.exposeString('message', { description: 'What was expected there.' }),
  }),
});

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'Some of the input was not accepted. Nothing was changed.',
  interfaces: [UserError],
  fields: (t) => ({
    fields: t.expose('fields', { type: [FieldProblem], description: 'Everything that was wrong, at once.' }),
  }),
});

const retryAfter = 'In how many seconds to try again.';
builder.objectType(RateLimitedError, {
  name: 'RateLimitedError',
  description: 'Too many requests.',
  interfaces: [UserError],
  fields: (t) => ({ retryAfter: t.exposeInt('retryAfter', { description: retryAfter }) }),
});
builder.objectType(StillRunningError, {
  name: 'StillRunningError',
  description: 'The first request with this idempotency key has not finished.',
  interfaces: [UserError],
  fields: (t) => ({ retryAfter: t.exposeInt('retryAfter', { description: retryAfter }) }),
});

builder.objectType(PartnerError, {
  name: 'PartnerError',
  description: 'A partner, as WhatsApp, said no. The same request would be refused again.',
  interfaces: [UserError],
  fields: (t) => ({
    title: t.exposeString('title', { nullable: true, description: 'The partner’s headline, where it gave one.' }),
    path: t.exposeString('path', {
      nullable: true,
      description: 'What of the input it is about, as `pin`; null when it is not about one value.',
    }),
    partnerCode: t.exposeInt('partnerCode', {
      nullable: true,
      description: 'The partner’s own code: what its support asks for.',
    }),
  }),
});
builder.objectType(PartnerUnavailableError, {
  name: 'PartnerUnavailableError',
  description: 'A partner could not be reached, or has no time for us now. Repeating the request is safe.',
  interfaces: [UserError],
  fields: (t) => ({ retryAfter: t.exposeInt('retryAfter', { description: retryAfter }) }),
});

builder.objectType(ConflictError, {
  name: 'ConflictError',
  description: 'The state of the object does not allow it, now or any more.',
  interfaces: [UserError],
  fields: (t) => ({
    path: t.exposeString('path', {
      nullable: true,
      description:
        'What of the input is in conflict, as `phone` or `identities.0.value`; null when it is not about one value.',
    }),
    conflictingId: t.id({
      nullable: true,
      description:
        'The id of the object that stands against it, as of the contact who has this phone already; null where phones are shown to you in part.',
      resolve: (conflict, _args, ctx) => {
        const conflicting = conflictingWith(ctx, conflict);
        return conflicting && encodeGlobalID(conflicting.typename, conflicting.id);
      },
    }),
  }),
});

builder.objectType(CannotSendError, {
  name: 'CannotSendError',
  description: 'A message that would only be refused later. Nothing was queued.',
  interfaces: [UserError],
  fields: (t) => ({
    reason: t.exposeString('reason', {
      description: 'For programs, as `WINDOW_CLOSED` or `NO_CONSENT`: the same words as in `Message.failure`.',
    }),
  }),
});

builder.objectType(IllegalTransitionError, {
  name: 'IllegalTransitionError',
  description: 'What was asked for cannot follow from the status that the object has.',
  interfaces: [UserError],
  fields: (t) => ({
    from: t.exposeString('from', { description: 'The status that it has.' }),
    to: t.exposeString('to', { description: 'The status that it was to get.' }),
  }),
});

const plain = (type: new (message: string) => DomainError, description: string) =>
  builder.objectType(type, { name: type.name, description, interfaces: [UserError] });

plain(NotFoundError, 'There is no such object, or none of yours.');
plain(ForbiddenError, 'It is not yours to change.');
plain(IdempotencyConflictError, 'The idempotency key was used for another input before.');
plain(InvalidCredentialsError, 'What was to prove who you are is wrong: address and password, or a code.');
plain(ChallengeEndedError, 'The second step came too late, or was tried too often: sign in again.');
builder.objectType(IdentityUnknownError, {
  name: 'IdentityUnknownError',
  description:
    'Nobody signs in with this account yet. An equal e-mail address makes it nobody’s: sign in and call `googleLink`, or call `googleSignUp`.',
  interfaces: [UserError],
  fields: (t) => ({
    identity: t.exposeString('identity', { description: 'For `googleLink` or `googleSignUp`.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when it is good.' }),
    email: t.exposeString('email', { nullable: true, description: 'The address of the account.' }),
    name: t.exposeString('personName', { nullable: true, description: 'What the person is called there.' }),
  }),
});
builder.objectType(SecondFactorRequiredError, {
  name: 'SecondFactorRequiredError',
  description: 'The first step was right. Take the second with `signInConfirm`.',
  interfaces: [UserError],
  fields: (t) => ({
    challenge: t.exposeString('challenge', { description: 'For `signInConfirm`, once. It opens nothing else.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when the second step can be taken.' }),
  }),
});
plain(SessionEndedError, 'The session has ended: sign in again.');
plain(LinkInvalidError, 'The mailed link was used, took too long, gave way to a newer one, or is none of ours.');
plain(EmailTakenError, 'There is an account with this e-mail address already.');
plain(ConfirmationRequiredError, 'It takes a fresh proof of who you are: `sessionConfirm`, then try again.');
plain(PartnerOffError, 'It goes through a partner that is not set up on this installation.');
plain(ConsentWithdrawnError, 'The person took consent back; only the person can give it again.');
