import { encodeGlobalID } from '@pothos/plugin-relay';
import {
  ConflictError,
  ConsentWithdrawnError,
  type DomainError,
  EmailTakenError,
  ForbiddenError,
  IdempotencyConflictError,
  InvalidCredentialsError,
  InvalidInputError,
  NotFoundError,
  RateLimitedError,
  SessionEndedError,
  StillRunningError,
} from '../domain/errors.ts';
import { builder } from './builder.ts';

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
    INVALID_CREDENTIALS: { description: 'The e-mail address or the password is wrong.' },
    SESSION_ENDED: { description: 'The session has ended: sign in again.' },
    EMAIL_TAKEN: { description: 'There is an account with this e-mail address.' },
    CONSENT_WITHDRAWN: { description: 'The person took consent back; only the person can give it again.' },
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
      description: 'The id of the object that stands against it, as of the contact who has this phone already.',
      resolve: ({ conflicting }) => (conflicting ? encodeGlobalID(conflicting.typename, conflicting.id) : null),
    }),
  }),
});

const plain = (type: new (message: string) => DomainError, description: string) =>
  builder.objectType(type, { name: type.name, description, interfaces: [UserError] });

plain(NotFoundError, 'There is no such object, or none of yours.');
plain(ForbiddenError, 'It is not yours to change.');
plain(IdempotencyConflictError, 'The idempotency key was used for another input before.');
plain(InvalidCredentialsError, 'The e-mail address or the password is wrong.');
plain(SessionEndedError, 'The session has ended: sign in again.');
plain(EmailTakenError, 'There is an account with this e-mail address already.');
plain(ConsentWithdrawnError, 'The person took consent back; only the person can give it again.');
